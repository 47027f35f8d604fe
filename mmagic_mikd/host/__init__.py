"""Where we touch the toolbox: taps on its networks, what it calls what, its optimisers."""

"""The command line tools, one folder each; `python -m mmagic_mikd` and the scripts in tools/ start them."""

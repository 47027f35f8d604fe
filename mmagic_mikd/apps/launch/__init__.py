"""Training and evaluation with the toolbox's own arguments, and errors in one sentence."""

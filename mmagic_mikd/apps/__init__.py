"""The command line tools, one folder each; `mikd` starts them, which has their arguments."""

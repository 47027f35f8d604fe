"""A trained student out of the toolbox: in the form that it ships in, as a file, checked against PyTorch."""

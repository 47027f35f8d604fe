"""The frozen teacher: built from a config, its weights, networks from outside of MMagic."""

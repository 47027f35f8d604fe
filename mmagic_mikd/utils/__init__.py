"""Errors, checks of settings, random states, text: no network and no toolbox."""

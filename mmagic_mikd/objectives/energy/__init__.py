"""Mutual information with an energy-based q(t|s): bound, critic, Langevin chain."""

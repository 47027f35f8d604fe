"""A grid of trainings with its rows, table and plots."""

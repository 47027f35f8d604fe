"""The run: the hook, its settings, one iteration, the checkpoint."""

"""Pictures of what a training sees."""

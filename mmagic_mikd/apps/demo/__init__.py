"""`tools/demo.py`: an exported student in a page that needs nothing else."""

"""`tools/export.py`, `tools/translate.py`: a trained student as a file, and that file at work."""

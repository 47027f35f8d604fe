"""Interrupted runs that go on as if they had never been interrupted."""

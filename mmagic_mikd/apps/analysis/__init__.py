"""What networks cost and what runs have logged, for people to read."""

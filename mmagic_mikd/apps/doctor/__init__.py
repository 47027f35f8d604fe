"""What this environment is: versions, repairs, absent packages and what they cost."""

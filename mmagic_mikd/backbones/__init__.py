"""What an objective looks through: a frozen network, and the layers of it that are compared."""

"""One prepared run for a machine with a GPU: phases with limits of their own, and a report."""

"""One page about finished runs and studies, for a browser without a network."""

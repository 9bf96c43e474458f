"""Floor 3: the servers. Wire to use case and back, nothing else."""

"""Scripts that run in a peer's own environment, which has none of our packages: paths in, JSON lines out."""

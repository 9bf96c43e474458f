"""Builds the Live devices from their sources: ``python -m max4live.builder``."""

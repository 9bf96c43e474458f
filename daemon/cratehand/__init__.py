"""cratehand: a quiet daemon beside Rekordbox and Ableton Live."""

__version__ = "0.1.0"

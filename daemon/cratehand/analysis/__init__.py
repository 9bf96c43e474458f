"""Analysis on arrays: what a track's samples say about tempo, key, loudness, structure and quality."""

from cratehand.analysis.track_analyser import TrackAnalyser

__all__ = ["TrackAnalyser"]

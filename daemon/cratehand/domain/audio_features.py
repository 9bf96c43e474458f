"""What a track is like, on documented scales of 0..1: our own measure of what platforms used to sell.

Each value is computed from the audio alone, so it is comparable inside a collection whatever the source of a file.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFeatures:
    """Seven features of one whole track, 0..1 each; None where the sound does not allow a statement."""

    danceability: float | None = None
    """How regular and strong the beat is: 0 no pulse, 1 a steady, marked one at a tempo people dance to."""
    valence: float | None = None
    """How bright the mood is: 0 dark, 1 bright; from mode, brightness and consonance. An estimate, no truth."""
    arousal: float | None = None
    """How exciting: 0 calm, 1 driving; from onset density, movement, brightness and fullness."""
    acousticness: float | None = None
    """0 electronic or processed, 1 acoustic instruments."""
    instrumentalness: float | None = None
    """0 voice through the whole track, 1 none."""
    speechiness: float | None = None
    """0 music only, 1 speech only."""
    liveness: float | None = None
    """0 studio, 1 with the room and the audience of a concert."""
    confidence: float = 0.0
    """0..1, for all of them."""

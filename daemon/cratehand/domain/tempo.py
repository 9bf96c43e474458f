"""Tempo: what else it may be, and which octave of it a genre is counted in.

Whether a track has 87 or 174 BPM is how it is counted, not how it sounds: the same drums are both. So next to the sound
stands what this collection says: at which tempos it holds tracks of the same genre.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_WIDTH_OCTAVES: Final = 0.07
"""How far tempos of one genre lie apart, as a standard deviation: 8 BPM at 170."""
_DOUBTING_TRACKS: Final = 4.0
"""So many tracks weigh as much as not knowing."""
_UNKNOWN: Final = 0.5
"""Density of a genre of which nothing is known, per octave; its two octaves hold everything."""
_OCTAVE: Final = 0.03
PERSONS_WEIGHT: Final = 3.0
"""Weight of a `GenreTempo` that a person set; others weigh as much as they are sure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PossibleTempo:
    """A tempo that a track may have, by its sound alone."""

    tempo_bpm: float
    confidence: float
    """0 ... 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenreTempo:
    """One track's tempo as the collection believes it, and how much that says; a person's word says most."""

    tempo_bpm: float
    weight: float


def is_octave(ratio: float) -> bool:
    """Whether two tempos of this ratio are an octave apart, within 3 %."""
    return min(abs(ratio / 2.0 - 1.0), abs(ratio / 0.5 - 1.0)) < _OCTAVE


def octaves_of(possible: Sequence[PossibleTempo]) -> list[PossibleTempo]:
    """Return the first of the possible tempos and its octaves among the others; nothing where there is none."""
    return [*possible[:1], *(other for other in possible[1:] if is_octave(other.tempo_bpm / possible[0].tempo_bpm))]


def choose_octave(possible: Sequence[PossibleTempo], genre: Sequence[GenreTempo]) -> PossibleTempo:
    """Weigh a measured tempo and its octaves with the tempos of other tracks of the genre.

    The confidences of the octaves are shared out anew: each is multiplied by the density of the genre around it (a
    Gaussian kernel over the logarithm of the tempo, mixed with "anything" as if by four tracks), and their sum stays.

    Args:
        possible: By sound, most likely first, at least one; only octaves of the first can take its place.
        genre: Other tracks of the same genre.

    Returns:
        The tempo and its new confidence; the first one as it is where nothing is known of the genre.
    """
    rivals = octaves_of(possible)
    first = rivals[0]
    if not genre or len(rivals) == 1:
        return first
    total = sum(rival.confidence for rival in rivals)
    weights = [rival.confidence * _density(rival.tempo_bpm, genre) for rival in rivals]
    best = max(range(len(rivals)), key=weights.__getitem__)
    if weights[best] <= 0.0:
        return first
    return PossibleTempo(tempo_bpm=rivals[best].tempo_bpm, confidence=round(weights[best] / sum(weights) * total, 3))


def _density(tempo_bpm: float, genre: Sequence[GenreTempo]) -> float:
    """Return how usual a tempo is in a genre, per octave."""
    peak = 1.0 / (_WIDTH_OCTAVES * math.sqrt(2.0 * math.pi))
    near = sum(
        each.weight * peak * math.exp(-0.5 * (math.log2(tempo_bpm / each.tempo_bpm) / _WIDTH_OCTAVES) ** 2)
        for each in genre
    )
    known = sum(each.weight for each in genre)
    return (near + _DOUBTING_TRACKS * _UNKNOWN) / (known + _DOUBTING_TRACKS)

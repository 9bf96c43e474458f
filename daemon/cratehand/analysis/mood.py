"""Mood: valence (dark to bright) and arousal (calm to driving).

Both are averages of measures, each mapped linearly to 0 ... 1 between two values and clipped:

===========  ======================================================================================  ======
valence      what                                                                                    weight
===========  ======================================================================================  ======
mode         how much better the best major key fits the tones than the best minor key                0.50
movement     rise of all bands over the level                                                         0.20
brightness   share of the bands over 2 kHz in the level                                               0.15
consonance   share of the spectrum's amplitude that stands in peaks                                   0.15
===========  ======================================================================================  ======

===========  ======================================================================================  ======
arousal      what                                                                                    weight
===========  ======================================================================================  ======
strikes      onsets a second                                                                          0.30
movement     rise of all bands over the level                                                         0.25
brightness   share of the bands over 2 kHz in the level                                               0.25
density      share of bands with at least half the level of the strongest one                         0.20
===========  ======================================================================================  ======

Scale: 0 and 1 are the 5th and 95th percentile of each measure over 255 finished tracks of free games and 48
synthesised arrangements (for the mode a little more, 0.25 either way), so 0.5 is an ordinary track. The directions
follow the literature on music and emotion (major, faster and brighter is felt as happier: Eerola & Vuoskoski 2013;
density, brightness and articulation drive arousal: Gabrielsson & Lindström 2010). Valence is an estimate: listeners
themselves agree poorly on it. Loudness is left out: it says how a track was mastered, and both values must not change
when a file is turned down.
"""

from typing import Final

import numpy as np

from cratehand.analysis.energy import Drive

_MODE: Final = (-0.25, 0.25, 0.50)
_MOVEMENT: Final = (0.075, 0.122)
_BRIGHTNESS: Final = (0.09, 0.29)
_CONSONANCE: Final = (0.18, 0.53, 0.15)
_STRIKES_A_S: Final = (1.2, 6.0, 0.30)
_DENSITY: Final = (0.15, 0.48, 0.20)


def rate_valence(drive: Drive | None, major_lead: float | None, tonalness: float) -> float | None:
    """Return the valence, 0 ... 1; None where there are no tones.

    Args:
        drive: The measures behind the energy.
        major_lead: How much better the best major key fits than the best minor one, see `cratehand.analysis.key`.
        tonalness: Share of the spectrum's amplitude that stands in peaks.
    """
    if drive is None or major_lead is None:
        return None
    return _average(
        (major_lead, _MODE),
        (drive.movement, (*_MOVEMENT, 0.20)),
        (drive.brightness, (*_BRIGHTNESS, 0.15)),
        (tonalness, _CONSONANCE),
    )


def rate_arousal(drive: Drive | None) -> float | None:
    """Return the arousal, 0 ... 1; None for silence."""
    if drive is None:
        return None
    return _average(
        (drive.onsets_a_s, _STRIKES_A_S),
        (drive.movement, (*_MOVEMENT, 0.25)),
        (drive.brightness, (*_BRIGHTNESS, 0.25)),
        (drive.breadth, _DENSITY),
    )


def _average(*measures: tuple[float, tuple[float, float, float]]) -> float:
    return sum(
        weight * float(np.clip((value - low) / (high - low), 0.0, 1.0)) for value, (low, high, weight) in measures
    )

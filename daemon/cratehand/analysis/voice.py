"""Voice: how much of a track nobody sings or speaks in, and how much of it is speech.

A logistic model gives each sounding window of three seconds the chance that it holds a voice, another one that
somebody speaks. What they hear is how fast and how unlike the beat the timbre moves (vowels and consonants, Lehner et
al. 2013), how the loudness between 300 and 3,400 Hz swings with words and syllables (2 to 7 Hz, Scheirer & Slaney
1997), whether tones slide and tremble together, and how one harmonic series stands out. No pitch or timbre of its own
makes a voice, so a solo violin or a portamento lead can be taken for one.

Scales, each the mean over the windows, stretched so that what the models say of plain cases lies at the ends:

instrumentalness  1 no voice anywhere, 0.5 a voice in about half the time, 0 a voice throughout
speechiness       0 music only, 0.5 speech over music or half the time, 1 speech alone throughout
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.window_models import SPEECH, VOICE, chances

Floats = npt.NDArray[np.float64]

_VOICE_ENDS: Final = (0.10, 0.90)
_SPEECH_ENDS: Final = (0.08, 0.92)


def rate_instrumentalness(windows: Floats) -> float | None:
    """Return the instrumentalness, 0 ... 1; None where no window sounds."""
    if len(windows) == 0:
        return None
    return 1.0 - _stretched(chances(windows, *VOICE), _VOICE_ENDS)


def rate_speechiness(windows: Floats) -> float | None:
    """Return the speechiness, 0 ... 1; None where no window sounds."""
    if len(windows) == 0:
        return None
    return _stretched(chances(windows, *SPEECH), _SPEECH_ENDS)


def _stretched(chance: Floats, ends: tuple[float, float]) -> float:
    low, high = ends
    return float(np.clip((chance.mean() - low) / (high - low), 0.0, 1.0))

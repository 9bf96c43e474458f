"""The seven features of a whole track together; each has a module of its own that documents its scale.

None of them depends on the gain of the file: they are made of ratios of levels, of times and of pitches.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.acousticness import rate_acousticness
from cratehand.analysis.beat_features import HopFeatures
from cratehand.analysis.danceability import rate_danceability
from cratehand.analysis.energy import Drive
from cratehand.analysis.key import KeyFit
from cratehand.analysis.liveness import rate_liveness
from cratehand.analysis.mood import rate_arousal, rate_valence
from cratehand.analysis.voice import rate_instrumentalness, rate_speechiness
from cratehand.domain.audio_features import AudioFeatures

Floats = npt.NDArray[np.float64]

_LEAST_S: Final = 3.0
_ENOUGH_S: Final = 30.0
_CONFIDENCE: Final = 0.6
"""What a value is worth where there is enough sound: voices are told well, mood is taste."""
_DIGITS: Final = 4


def rate_features(
    features: HopFeatures, *, drive: Drive | None, tonalness: float, key: KeyFit, windows: Floats
) -> AudioFeatures | None:
    """Return the features; None for silence and under 3 s.

    Args:
        features: What the streams kept of the track.
        drive: The measures behind the energy.
        tonalness: As `cratehand.analysis.pitch.PitchStream` measures it.
        key: What was found of the key.
        windows: What `cratehand.analysis.sound_windows.describe_windows` says of levels and motion.
    """
    if drive is None or features.duration_s < _LEAST_S:
        return None
    return AudioFeatures(
        danceability=_rounded(rate_danceability(features.flux)),
        valence=_rounded(rate_valence(drive, key.major_lead, tonalness)),
        arousal=_rounded(rate_arousal(drive)),
        acousticness=_rounded(rate_acousticness(windows)),
        instrumentalness=_rounded(rate_instrumentalness(windows)),
        speechiness=_rounded(rate_speechiness(windows)),
        liveness=_rounded(rate_liveness(windows)),
        confidence=round(_CONFIDENCE * min(features.duration_s / _ENOUGH_S, 1.0), 3),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)

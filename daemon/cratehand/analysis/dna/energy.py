"""Energy: how full the track is, how hard it strikes, how its loudness goes, and what of a voice is in it."""

from typing import Final

import numpy as np

from cratehand.analysis.dna.courses import Floats, summarise, summary_names
from cratehand.analysis.dna.material import TrackMaterial
from cratehand.analysis.layer_windows import NAMES as LAYER_NAMES
from cratehand.analysis.sound_windows import NAMES as SOUND_NAMES

_WINDOW_STATISTICS: Final = ("mean", "spread", "low", "middle", "high")
_DRIVE_NAMES: Final = ("onsets a second", "low share", "high share", "brightness", "breadth", "movement", "parts")
_FEATURE_NAMES: Final = (
    "danceability", "valence", "arousal", "acousticness", "instrumentalness", "speechiness", "liveness",
)  # fmt: skip

NAMES: Final = (
    *_DRIVE_NAMES, "energy", "sounds", *_FEATURE_NAMES,
    *summary_names([f"layers {name}" for name in LAYER_NAMES], _WINDOW_STATISTICS),
    *summary_names([f"voice {name}" for name in SOUND_NAMES], _WINDOW_STATISTICS),
)  # fmt: skip
"""As `cratehand.analysis.energy`, `audio_features`, `layer_windows` and `sound_windows` document their scales."""


def measure_energy(material: TrackMaterial) -> Floats:
    """Return the numbers of `NAMES`, ``(len(NAMES),)``; 0 where unknown."""
    drive, rated = material.drive, material.analysis.audio_features
    driving = (
        [0.0] * len(_DRIVE_NAMES)
        if drive is None
        else [
            drive.onsets_a_s, drive.low_share, drive.high_share, drive.brightness, drive.breadth, drive.movement,
            drive.parts or 0.0,
        ]
    )  # fmt: skip
    rates = [getattr(rated, name) or 0.0 if rated is not None else 0.0 for name in _FEATURE_NAMES]
    return np.concatenate(
        [
            driving,
            [float(material.analysis.whole_energy or 0), float(drive is not None)],
            rates,
            summarise(material.layers, _WINDOW_STATISTICS),
            summarise(material.windows, _WINDOW_STATISTICS),
        ]
    )

"""Energy from 1 to 10: how much a track drives a floor, on a scale that is the same for every track.

Four measures, each mapped linearly to 0 ... 1 between the values given below and clipped, are averaged by weight:

=================  ==========================================================  ======  ======  ======
measure            what                                                        at 0    at 1    weight
=================  ==========================================================  ======  ======  ======
loudness           integrated, LUFS                                            -22     -6      0.35
onsets             strikes a second (onset strength over 1.5 times its mean)   1       9       0.30
low end            share of the bands under 150 Hz in the level                0.10    0.24    0.20
brightness         share of the bands over 2 kHz in the level                  0.10    0.45    0.15
=================  ==========================================================  ======  ======  ======

The mean is stretched to 1 ... 10 and rounded.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.pulse import Pulse
from cratehand.analysis.smoothing import moving_max
from cratehand.analysis.spectra import BAND_CENTRES_HZ

_LOUDNESS_LUFS: Final = (-22.0, -6.0, 0.35)
_ONSETS_A_S: Final = (1.0, 9.0, 0.30)
_LOW_SHARE: Final = (0.10, 0.24, 0.20)
_HIGH_SHARE: Final = (0.10, 0.45, 0.15)
_LOW_HZ: Final = 150.0
_HIGH_HZ: Final = 2000.0
_STRIKE: Final = 1.5
_STRIKE_APART_S: Final = 0.05
_CONFIDENCE: Final = 0.7
"""The scale is ours; how well it meets a DJ's own is not measured yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """The measures behind the energy."""

    onsets_a_s: float
    low_share: float
    high_share: float


def measure_drive(pulse: Pulse | None, levels: HopStore) -> Drive | None:
    """Measure strikes and balance; None for silence."""
    bands = levels.means
    total = float(bands.sum())
    if total <= 1e-6:
        return None
    centres_hz = np.asarray(BAND_CENTRES_HZ)
    return Drive(
        onsets_a_s=_strikes_a_second(pulse) if pulse is not None else 0.0,
        low_share=float(bands[centres_hz < _LOW_HZ].sum()) / total,
        high_share=float(bands[centres_hz > _HIGH_HZ].sum()) / total,
    )


def _strikes_a_second(pulse: Pulse) -> float:
    apart = max(round(_STRIKE_APART_S / pulse.hop_s), 1)
    peak = (pulse.strength == moving_max(pulse.strength, 2 * apart + 1)) & (pulse.strength > _STRIKE)
    return float(peak.sum() / max(pulse.duration_s, 1.0))


def rate_energy(drive: Drive | None, integrated_lufs: float | None, *, duration_s: float) -> tuple[int | None, float]:
    """Return the energy, 1 ... 10, and its confidence; None for silence."""
    if drive is None or integrated_lufs is None:
        return None, 0.0
    measures = (
        (integrated_lufs, _LOUDNESS_LUFS),
        (drive.onsets_a_s, _ONSETS_A_S),
        (drive.low_share, _LOW_SHARE),
        (drive.high_share, _HIGH_SHARE),
    )
    score = sum(
        weight * float(np.clip((value - low) / (high - low), 0.0, 1.0)) for value, (low, high, weight) in measures
    )
    return int(np.clip(round(1.0 + 9.0 * score), 1, 10)), round(_CONFIDENCE * min(duration_s / 20.0, 1.0), 3)

"""Energy from 1 to 10: how much plays at once and how it drives, on a scale that is the same for every track.

Five measures, each mapped linearly to 0 ... 1 between the values given below and clipped, are averaged by weight:

=========  ==================================================================================  =====  =====  ======
measure    what                                                                                at 0   at 1   weight
=========  ==================================================================================  =====  =====  ======
treble     rise of the bands over 2.5 kHz over the level: hats, shakers, snares                0.005  0.024  0.30
presence   share of time and bands that sound at least 35 % as full as in their fullest time   0.60   1.00   0.25
breadth    share of bands with at least half the level of the strongest one, at any moment     0.15   0.48   0.20
strikes    onsets a second (onset strength over 1.5 times its mean)                            1.2    6.0    0.15
evenness   mean level over that of the loudest moments                                         0.40   0.78   0.10
=========  ==================================================================================  =====  =====  ======

The ends are about the 5th and 95th percentiles of 255 finished tracks of free games and 48 synthesised arrangements;
the weights were chosen on the latter, whose number of layers is known. The mean is stretched (0.12 is 1, 0.88 is 10)
and rounded: film music without drums has 2 to 4, most tracks 5 to 7, full club and chip music 8 and more.

What plays but does not move drives nobody: presence, breadth and evenness count in full from a movement (rise of all
bands over the level) of 0.07 on, where nearly all tracks are, and not at all under 0.02, as drones are.

Loudness is left out on purpose: it says how a track was mastered, and a file that was turned down plays the same music.
All measures are ratios of levels, so gain does not change them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.bare_levels import bare_blocks
from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.pulse import Pulse
from cratehand.analysis.smoothing import moving_max
from cratehand.analysis.spectra import BAND_CENTRES_HZ, BANDS

_TREBLE: Final = (0.005, 0.024, 0.30)
_PRESENCE: Final = (0.60, 1.00, 0.25)
_BREADTH: Final = (0.15, 0.48, 0.20)
_STRIKES_A_S: Final = (1.2, 6.0, 0.15)
_EVENNESS: Final = (0.40, 0.78, 0.10)
_MOVING: Final = (0.02, 0.07)
_ENDS: Final = (0.12, 0.88)
_LOW_HZ: Final = 150.0
_HIGH_HZ: Final = 2000.0
_STRIKE: Final = 1.5
_STRIKE_APART_S: Final = 0.05
_PRESENCE_ROWS: Final = 64
"""Three seconds: about a bar and a half."""
_PRESENT: Final = 0.35
_BROAD: Final = 0.5
_NOTHING: Final = 1e-6
_CONFIDENCE: Final = 0.7
"""The scale is ours; how well it meets a DJ's own is not measured yet."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """The measures behind the energy; `low_share` and `high_share` are those of the feature vector, with a floor."""

    onsets_a_s: float
    low_share: float
    high_share: float
    brightness: float
    presence: float
    breadth: float
    treble: float
    movement: float
    evenness: float


def measure_drive(pulse: Pulse | None, flux: HopStore, levels: HopStore) -> Drive | None:
    """Measure strikes, fullness and balance; None for silence."""
    bands = levels.means
    total = float(bands.sum())
    if total <= 1e-6:
        return None
    centres_hz = np.asarray(BAND_CENTRES_HZ)
    fullness = _fullness(levels)
    return Drive(
        onsets_a_s=_strikes_a_second(pulse) if pulse is not None else 0.0,
        low_share=float(bands[centres_hz < _LOW_HZ].sum()) / total,
        high_share=float(bands[centres_hz > _HIGH_HZ].sum()) / total,
        brightness=float(fullness.means[centres_hz > _HIGH_HZ].sum() / fullness.means.sum()),
        presence=fullness.presence,
        breadth=fullness.breadth,
        treble=float(flux.means[-1] / fullness.means.sum()),
        movement=float(flux.means.sum() / fullness.means.sum()),
        evenness=fullness.evenness,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fullness:
    """What is measured on the bare levels; `means` of each band."""

    means: Floats
    presence: float
    breadth: float
    evenness: float


def _fullness(levels: HopStore) -> _Fullness:
    strong, windows, overall = 0, [], []
    total = np.zeros(BANDS)
    for block in bare_blocks(levels):
        total += block.sum(axis=0, dtype=np.float64)
        strong += int((block > np.maximum(_BROAD * block.max(axis=1, keepdims=True), _NOTHING)).sum())
        overall.append(block.mean(axis=1))
        whole = len(block) // _PRESENCE_ROWS
        windows.append(block[: whole * _PRESENCE_ROWS].reshape(whole, _PRESENCE_ROWS, BANDS).mean(axis=1))
    rows, means = np.concatenate(overall), np.concatenate(windows)
    # Each band is compared with its own fullest: what never plays counts as little as what always does.
    full = means > _PRESENT * np.percentile(means, 98.0, axis=0) if len(means) else np.ones(1)
    return _Fullness(
        means=np.maximum(total, _NOTHING) / max(levels.hops, 1),
        presence=float(full.mean()),
        breadth=strong / max(levels.hops * BANDS, 1),
        evenness=float(rows.mean(dtype=np.float64) / max(float(np.percentile(rows, 99.0)), _NOTHING)),
    )


def _strikes_a_second(pulse: Pulse) -> float:
    apart = max(round(_STRIKE_APART_S / pulse.hop_s), 1)
    peak = (pulse.strength == moving_max(pulse.strength, 2 * apart + 1)) & (pulse.strength > _STRIKE)
    return float(peak.sum() / max(pulse.duration_s, 1.0))


def drive_score(drive: Drive) -> float:
    """Return the energy before it is rounded, 0 ... 1."""
    moving = _share(drive.movement, *_MOVING)
    mean = (
        _weighed(drive.treble, _TREBLE)
        + _weighed(drive.onsets_a_s, _STRIKES_A_S)
        + moving * _weighed(drive.presence, _PRESENCE)
        + moving * _weighed(drive.breadth, _BREADTH)
        + moving * _weighed(drive.evenness, _EVENNESS)
    )
    return _share(mean, *_ENDS)


def _weighed(value: float, measure: tuple[float, float, float]) -> float:
    low, high, weight = measure
    return weight * _share(value, low, high)


def _share(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))


def rate_energy(drive: Drive | None, *, duration_s: float) -> tuple[int | None, float]:
    """Return the energy, 1 ... 10, and its confidence; None for silence."""
    if drive is None:
        return None, 0.0
    energy = int(np.clip(round(1.0 + 9.0 * drive_score(drive)), 1, 10))
    return energy, round(_CONFIDENCE * min(duration_s / 20.0, 1.0), 3)

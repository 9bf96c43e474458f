"""Energy from 1 to 10: how much plays at once and how it drives, on a scale that is the same for every track.

Five measures, each mapped linearly to 0 ... 1 between the values given below and clipped, are averaged by weight:

=========  ==================================================================================  =====  =====  ======
measure    what                                                                                at 0   at 1   weight
=========  ==================================================================================  =====  =====  ======
evenness   mean level over that of the loudest moments                                         0.38   0.68   0.20
filling    mean level of each band over that of its own fullest three seconds                  0.45   0.82   0.20
flatness   geometric over arithmetic mean of the bands' levels: no part of the range is empty  0.78   0.95   0.15
tones      sum of the roots of all tones' amplitudes over the sum of the levels                0.050  0.090  0.15
strikes    onsets a second between 600 and 2,500 Hz: snares, claps, percussion, plucks         3.0    10.0   0.30
=========  ==================================================================================  =====  =====  ======

Chosen, out of twenty measures, on 38 synthesised arrangements whose number of layers is known; the ends lie about at
their 5th and 95th percentiles. On 16 others the rank correlation with the layers is much lower than on these: take a
step of one for chance. The mean is stretched (0.12 is 1, 0.88 is 10) and rounded.

What plays but does not move drives nobody: all but the strikes count in full from a movement (rise of all bands over
the level) of 0.07 on, where nearly all tracks are, and not at all under 0.02, as drones are.

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
from cratehand.analysis.smoothing import moving_max, moving_mean32
from cratehand.analysis.spectra import BAND_CENTRES_HZ, BANDS, HOP_S

_EVENNESS: Final = (0.38, 0.68, 0.20)
_FILLING: Final = (0.45, 0.82, 0.20)
_FLATNESS: Final = (0.78, 0.95, 0.15)
_TONES: Final = (0.050, 0.090, 0.15)
_SNARES_A_S: Final = (3.0, 10.0, 0.30)
_MOVING: Final = (0.02, 0.07)
_ENDS: Final = (0.12, 0.88)
_LOW_HZ: Final = 150.0
_HIGH_HZ: Final = 2000.0
_STRIKE: Final = 1.5
_STRIKE_APART_S: Final = 0.05
_SNARE_BAND: Final = 2
_SNARE_BLUR_HOPS: Final = 5
_SNARE_AROUND_S: Final = 3.0
_SNARE_OF_MEAN: Final = 0.3
"""Of the track's mean: where a band hardly plays, its ripple is no strike."""
_FILLING_ROWS: Final = 64
"""Three seconds: about a bar and a half."""
_FLAT_FLOOR: Final = 0.02
"""Of the mean level: what a codec leaves out above 10 kHz is not emptier than this."""
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
    filling: float
    breadth: float
    flatness: float
    tones: float
    snares_a_s: float
    movement: float
    evenness: float


def measure_drive(pulse: Pulse | None, flux: HopStore, levels: HopStore, chroma: HopStore) -> Drive | None:
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
        filling=fullness.filling,
        breadth=fullness.breadth,
        flatness=fullness.flatness,
        tones=float(chroma.means.sum() / fullness.means.sum()) / 10.0,
        snares_a_s=_snares_a_second(flux),
        movement=float(flux.means.sum() / fullness.means.sum()),
        evenness=fullness.evenness,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fullness:
    """What is measured on the bare levels; `means` of each band."""

    means: Floats
    filling: float
    breadth: float
    flatness: float
    evenness: float


def _fullness(levels: HopStore) -> _Fullness:
    strong, windows, overall = 0, [], []
    total = np.zeros(BANDS)
    for block in bare_blocks(levels):
        total += block.sum(axis=0, dtype=np.float64)
        strong += int((block > np.maximum(_BROAD * block.max(axis=1, keepdims=True), _NOTHING)).sum())
        overall.append(block.mean(axis=1))
        whole = len(block) // _FILLING_ROWS
        windows.append(block[: whole * _FILLING_ROWS].reshape(whole, _FILLING_ROWS, BANDS).mean(axis=1))
    rows, means = np.concatenate(overall), np.concatenate(windows).astype(np.float64)
    if not len(means):
        means = total[np.newaxis] / max(levels.hops, 1)
    # Each band is compared with its own fullest: what never plays counts as little as what always does.
    filled = np.minimum(means / np.maximum(np.percentile(means, 98.0, axis=0), _NOTHING), 1.0)
    average = np.maximum(means.mean(axis=1, keepdims=True), _NOTHING)
    flat = np.exp(np.log(means / average + _FLAT_FLOOR).mean(axis=1))
    return _Fullness(
        means=np.maximum(total, _NOTHING) / max(levels.hops, 1),
        filling=float(filled.mean()),
        breadth=strong / max(levels.hops * BANDS, 1),
        flatness=float(flat.mean()),
        evenness=float(rows.mean(dtype=np.float64) / max(float(np.percentile(rows, 99.0)), _NOTHING)),
    )


def _snares_a_second(flux: HopStore) -> float:
    smooth = moving_mean32(flux.column(_SNARE_BAND), _SNARE_BLUR_HOPS)
    around = moving_mean32(smooth, round(_SNARE_AROUND_S / HOP_S))
    least = _STRIKE * np.maximum(around, _SNARE_OF_MEAN * smooth.mean(dtype=np.float64))
    peak = (smooth >= moving_max(smooth, _SNARE_BLUR_HOPS)) & (smooth > least)
    # Of a flat top, one hop counts.
    return float((peak[1:] & ~peak[:-1]).sum() / max(smooth.size * HOP_S, 1.0))


def _strikes_a_second(pulse: Pulse) -> float:
    apart = max(round(_STRIKE_APART_S / pulse.hop_s), 1)
    peak = (pulse.strength == moving_max(pulse.strength, 2 * apart + 1)) & (pulse.strength > _STRIKE)
    return float(peak.sum() / max(pulse.duration_s, 1.0))


def drive_score(drive: Drive) -> float:
    """Return the energy before it is rounded, 0 ... 1."""
    moving = _share(drive.movement, *_MOVING)
    full = (
        _weighed(drive.evenness, _EVENNESS)
        + _weighed(drive.filling, _FILLING)
        + _weighed(drive.flatness, _FLATNESS)
        + _weighed(drive.tones, _TONES)
    )
    mean = _weighed(drive.snares_a_s, _SNARES_A_S) + moving * full
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

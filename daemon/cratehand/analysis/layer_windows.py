"""How full each three seconds of a track are: the numbers from which energy counts what plays at once.

Levels are roots of power relative to the window, to the track's loudest moments or to each band's own fullest window;
onsets are counted and weighed against levels; tones are shares. So gain changes none of them, and nothing above 9.5 kHz
is looked at, where codecs leave holes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.bare_levels import bare_blocks
from cratehand.analysis.hop_store import Features, HopStore
from cratehand.analysis.onsets import FLUX_BANDS, LEVEL_HOP_S, LEVEL_HOPS
from cratehand.analysis.pitch import CHROMA_BINS, PITCH_HOP_S
from cratehand.analysis.smoothing import moving_max, moving_mean32
from cratehand.analysis.spectra import BAND_CENTRES_HZ

Floats = npt.NDArray[np.float64]

LAYER_ROWS: Final = 64
LAYER_WINDOW_S: Final = LAYER_ROWS * LEVEL_HOP_S
"""Seconds of a window: 2.97, about a bar and a half."""
_FLUX_ROWS: Final = LAYER_ROWS * LEVEL_HOPS
_TONE_ROWS: Final = round(LAYER_WINDOW_S / PITCH_HOP_S)
_CENTRES_HZ: Final = np.asarray(BAND_CENTRES_HZ)
_HEARD: Final = _CENTRES_HZ < 9500.0
_LOW: Final = _CENTRES_HZ < 150.0
_MIDDLE: Final = (_CENTRES_HZ > 300.0) & (_CENTRES_HZ < 2500.0)
_HIGH: Final = (_CENTRES_HZ > 4500.0) & _HEARD
_ABOVE_2_KHZ: Final = (_CENTRES_HZ > 2000.0) & _HEARD
_NOTHING: Final = 1e-6
_FLAT_FLOOR: Final = 0.02
_STRIKE: Final = 1.5
_STRIKE_OF_MEAN: Final = 0.3
"""Of the track's mean: where a band hardly plays, its ripple is no strike."""
_BLUR_HOPS: Final = 5

NAMES: Final = (
    "broad", "broader", "flat", "present", "nearly full", "filled", "loud", "steady", "treble steady", "low share",
    "high share", "low depth", "middle depth", "high depth",
    *(f"strikes {band}" for band in range(FLUX_BANDS)), *(f"movement {band}" for band in range(FLUX_BANDS)),
    "pitches", "tones at once", "tonal",
)  # fmt: skip
"""What each column of `describe_layers` is."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _LevelWindows:
    """Levels of each window: means, ``(windows, BANDS)``, and what is measured inside, ``(windows, numbers)``."""

    means: Floats
    inside: Floats


def describe_layers(flux: HopStore, levels: HopStore, chroma: HopStore) -> Floats:
    """Return one row of `NAMES` for each whole window of a track, ``(windows, len(NAMES))``."""
    known = _level_windows(levels)
    strikes, rises = _strikes(flux)
    tones = _tones(chroma)
    count = min(len(known.means), len(strikes), len(tones))
    if count == 0:
        return np.empty((0, len(NAMES)))
    means = known.means[:count]
    total = np.maximum(means[:, _HEARD].sum(axis=1, keepdims=True), _NOTHING)
    tonal = tones[:count, 2:] / total / _TONE_ROWS
    return np.hstack(
        [_fullness(means), known.inside[:count], strikes[:count], rises[:count] / total, tones[:count, :2], tonal]
    )


def _fullness(means: Floats) -> Floats:
    heard = np.maximum(means[:, _HEARD], _NOTHING)
    most, mean = heard.max(axis=1, keepdims=True), heard.mean(axis=1, keepdims=True)
    # Each band is compared with its own fullest: what never plays counts as little as what always does.
    filled = np.minimum(heard / np.maximum(np.percentile(heard, 98.0, axis=0), _NOTHING), 1.0)
    # What hardly sounds in the whole track is a leak or a codec's noise; it has no fullest to be compared with.
    weights = np.minimum(heard.mean(axis=0) / heard.mean(), 0.2)
    weights /= weights.sum()
    loud = mean[:, 0] / max(float(np.percentile(mean, 98.0)), _NOTHING)
    return np.column_stack(
        [
            (heard > 0.5 * most).mean(axis=1), (heard > 0.25 * most).mean(axis=1),
            np.exp(np.log(heard / mean + _FLAT_FLOOR).mean(axis=1)),
            np.clip((filled - 0.25) / 0.2, 0.0, 1.0) @ weights, np.clip((filled - 0.6) / 0.2, 0.0, 1.0) @ weights,
            filled @ weights, np.minimum(loud, 1.2),
        ]
    )  # fmt: skip


def _level_windows(levels: HopStore) -> _LevelWindows:
    means, inside = [], []
    for block in _whole(bare_blocks(levels), LAYER_ROWS):
        mean = block.mean(axis=1, dtype=np.float64)
        total = np.maximum(mean[:, _HEARD].sum(axis=1), _NOTHING)
        # Where something strikes or pauses, the median lies far under the loudest row.
        steady = np.median(block, axis=1) / np.maximum(block.max(axis=1), _NOTHING)
        depths = []
        for part in (_LOW, _MIDDLE, _HIGH):
            course = block[:, :, part].mean(axis=2)
            depths.append(course.std(axis=1) / np.maximum(course.mean(axis=1), _NOTHING))
        means.append(mean)
        inside.append(
            np.column_stack(
                [
                    steady[:, _HEARD].mean(axis=1), steady[:, _ABOVE_2_KHZ].mean(axis=1),
                    mean[:, _LOW].sum(axis=1) / total, mean[:, _HIGH].sum(axis=1) / total, *depths,
                ]
            )
        )  # fmt: skip
    if not means:
        return _LevelWindows(means=np.empty((0, _CENTRES_HZ.size)), inside=np.empty((0, 7)))
    return _LevelWindows(means=np.concatenate(means), inside=np.concatenate(inside))


def _strikes(flux: HopStore) -> tuple[Floats, Floats]:
    """Return strikes a second and mean rise of each flux band, both ``(windows, FLUX_BANDS)``."""
    counted, rises = [], []
    for band in range(FLUX_BANDS):
        column = flux.column(band)
        windows = column.size // _FLUX_ROWS
        column = column[: windows * _FLUX_ROWS]
        smooth = moving_mean32(column, _BLUR_HOPS)
        around = moving_mean32(smooth, _FLUX_ROWS)
        least = _STRIKE * np.maximum(around, _STRIKE_OF_MEAN * column.mean(dtype=np.float64) if windows else 0.0)
        peak = (smooth >= moving_max(smooth, _BLUR_HOPS)) & (smooth > least)
        # Of a flat top, one hop counts.
        first = peak & ~np.concatenate([[False], peak[:-1]]) if windows else peak
        counted.append(first.reshape(windows, _FLUX_ROWS).sum(axis=1) / LAYER_WINDOW_S)
        rises.append(column.reshape(windows, _FLUX_ROWS).mean(axis=1, dtype=np.float64) * 10.0)
    return np.column_stack(counted), np.column_stack(rises)


def _tones(chroma: HopStore) -> Floats:
    """Return the variety of pitch classes, how many sound at once, and their strength, ``(windows, 3)``."""
    rows = []
    for block in _whole(chroma.blocks(), _TONE_ROWS):
        summed = block.sum(axis=1, dtype=np.float64)
        strength = summed.sum(axis=1)
        shares = summed / np.maximum(strength, _NOTHING)[:, np.newaxis]
        variety = np.exp(-(shares * np.log(shares + 1e-12)).sum(axis=1)) / CHROMA_BINS
        most = np.maximum(block.max(axis=2, keepdims=True), _NOTHING)
        at_once = (block > 0.3 * most).sum(axis=2).mean(axis=1) / 12.0
        rows.append(np.column_stack([variety, at_once, strength]))
    return np.concatenate(rows) if rows else np.empty((0, 3))


def _whole(blocks: Iterator[Features], length: int) -> Iterator[Features]:
    """Cut blocks into whole windows, ``(windows, length, columns)``; a block of the store holds whole windows."""
    for block in blocks:
        windows = len(block) // length
        if windows:
            yield block[: windows * length].reshape(windows, length, -1)

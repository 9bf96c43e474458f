"""What happens in each three seconds of a track: the numbers by which voice, speech, room and instruments are told.

A window is 64 rows of band levels and the 128 rows of harmonic motion of the same time. Levels enter as logarithms
relative to the mean of the track, or as ratios, so that gain does not change any of them; what lies 52 dB under the
mean counts as nothing, so that what a codec leaves out there does not either.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from cratehand.analysis.bare_levels import bare_blocks
from cratehand.analysis.harmonic_motion import MOTION_HOP_S, WINDOW_HOPS, is_measured
from cratehand.analysis.hop_store import Features, HopStore
from cratehand.analysis.onsets import LEVEL_HOP_S
from cratehand.analysis.spectra import BAND_CENTRES_HZ, BANDS

Floats = npt.NDArray[np.float64]

LEVEL_ROWS: Final = 64
WINDOW_S: Final = LEVEL_ROWS * LEVEL_HOP_S
"""Seconds of a window: 2.97."""
_FLOOR: Final = 0.05
"""Fourth root of power, relative to the track's mean level: -52 dB."""
_SILENT: Final = 1e-3
_QUIET_WINDOW: Final = 0.25
"""A window whose mean level is under this share of the track's (-24 dB) is a pause and says nothing."""
_SHAPES: Final = 7
_CENTRES_HZ: Final = np.asarray(BAND_CENTRES_HZ)
_LOW: Final = _CENTRES_HZ < 150.0
_MIDDLE: Final = (_CENTRES_HZ > 300.0) & (_CENTRES_HZ < 3400.0)
_HIGH: Final = _CENTRES_HZ > 4500.0
_MODULATIONS_HZ: Final = (0.6, 2.0, 4.0, 7.5, 10.8)

NAMES: Final = (
    *(f"shape {number}" for number in range(1, 4)),
    *(f"shape {number} spread" for number in range(1, _SHAPES)),
    *(f"shape {number} change" for number in range(1, _SHAPES)),
    "low spread", "middle spread", "high spread", "middle with low", "middle with high",
    "middle depth", "slow modulation", "word modulation", "syllable modulation", "pauses", "quiet noise",
    "moving", "together", "staying", "contrast", "series",
    "staying spread", "contrast spread", "series spread", "moving peaks", "together peaks", "series peaks",
    "pitch change", "pitch slides", "series with middle",
)  # fmt: skip
"""What each column of `describe_windows` is."""


def describe_windows(levels: HopStore, motion: HopStore) -> Floats:
    """Return one row of `NAMES` for each whole window that sounds, ``(windows, len(NAMES))``; no rows for silence."""
    mean = sum(float(block.sum(dtype=np.float64)) for block in bare_blocks(levels)) / max(levels.hops * BANDS, 1)
    if mean <= _SILENT:
        return np.empty((0, len(NAMES)))
    level_rows = _windows(bare_blocks(levels), LEVEL_ROWS)
    chosen = np.nonzero(is_measured(np.arange(len(level_rows))))[0]
    rows = [
        _describe(level_rows[index].astype(np.float64) / mean, moves.astype(np.float64))
        for index, moves in zip(chosen, _windows(motion.blocks(), WINDOW_HOPS), strict=False)
        if level_rows[index].mean() > _QUIET_WINDOW * mean
    ]
    return np.array(rows).reshape(-1, len(NAMES))


def _windows(blocks: Iterator[Features], length: int) -> list[Features]:
    # A block of the store is a whole number of windows.
    return [block[start : start + length] for block in blocks for start in range(0, len(block) - length + 1, length)]


def _describe(levels: Floats, motion: Floats) -> Floats:
    logs = np.log(levels + _FLOOR)
    shapes = np.asarray(scipy.fft.dct(logs, axis=1, norm="ortho"))[:, 1:_SHAPES]
    change = np.abs(np.diff(shapes, axis=0)).mean(axis=0)
    return np.concatenate(
        [shapes.mean(axis=0)[:3], shapes.std(axis=0), change, _movement(levels, logs), _motion(motion, levels)]
    )


def _movement(levels: Floats, logs: Floats) -> Floats:
    low, middle, high = (logs[:, part].mean(axis=1) for part in (_LOW, _MIDDLE, _HIGH))
    envelope = levels[:, _MIDDLE].mean(axis=1)
    depth = float(envelope.std() / max(envelope.mean(), 1e-9))
    swing = (envelope - envelope.mean()) * np.hanning(LEVEL_ROWS)
    power = np.abs(np.fft.rfft(swing)) ** 2
    hz = np.fft.rfftfreq(LEVEL_ROWS, LEVEL_HOP_S)
    shares = np.histogram(hz, bins=_MODULATIONS_HZ, weights=power)[0] / max(float(power.sum()), 1e-12)
    pauses = float((1.0 / (1.0 + np.exp(12.0 * (envelope / max(envelope.mean(), 1e-9) - 0.5)))).mean())
    # In the quietest fifth of the time: how even the spectrum is from 1 kHz up, as an audience or a room's hiss is.
    quiet = logs[np.argsort(envelope)[: LEVEL_ROWS // 5]][:, _CENTRES_HZ > 1000.0]
    noise = float(quiet.mean() - logs[:, _CENTRES_HZ > 1000.0].mean())
    return np.array(
        [
            low.std(), middle.std(), high.std(), _correlation(middle, low), _correlation(middle, high),
            depth, shares[0], shares[1], shares[2], pauses, noise,
        ]
    )  # fmt: skip


def _motion(motion: Floats, levels: Floats) -> Floats:
    moving, together, staying, contrast, series, pitch = motion.T
    strong = np.clip(series[1:] - 2.5, 0.0, 2.0) * np.clip(series[:-1] - 2.5, 0.0, 2.0)
    step = np.minimum(np.abs(np.diff(pitch)), 0.3)
    total = max(float(strong.sum()), 1e-9)
    slides = np.clip(step / 0.01, 0.0, 1.0) * np.clip((0.15 - step) / 0.05, 0.0, 1.0)
    envelope = np.repeat(levels[:, _MIDDLE].mean(axis=1), WINDOW_HOPS // LEVEL_ROWS)
    return np.array(
        [
            moving.mean(), together.mean(), staying.mean(), contrast.mean(), series.mean(),
            staying.std(), contrast.std(), series.std(),
            np.percentile(moving, 90), np.percentile(together, 90), np.percentile(series, 90),
            (strong * step).sum() / total, (strong * slides).sum() / total, _correlation(series, envelope),
        ]
    )  # fmt: skip


def _correlation(first: Floats, second: Floats) -> float:
    one, other = first - first.mean(), second - second.mean()
    # Evened out where hardly anything moves.
    return float((one * other).mean() / (one.std() * other.std() + 1e-3))


assert WINDOW_S == WINDOW_HOPS * MOTION_HOP_S
assert len(_CENTRES_HZ) == BANDS

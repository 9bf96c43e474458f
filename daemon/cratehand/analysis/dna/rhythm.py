"""Rhythm: tempo, how it repeats, where in the bar it strikes, and how fast each part of the spectrum moves."""

import itertools
from typing import Final

import numpy as np
import scipy.fft

from cratehand.analysis.bare_levels import bare_blocks
from cratehand.analysis.beat_phase import fold
from cratehand.analysis.dna.courses import Floats, correlations, pair_names, summarise, summary_names
from cratehand.analysis.dna.material import TrackMaterial
from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.onsets import FLUX_BANDS, LEVEL_HOP_S
from cratehand.analysis.spectra import BANDS, HOP_S

_EVERY_HOPS: Final = 4
_PIECE_HOPS: Final = 1024
"""Pieces of 11.9 s."""
_LAGS_S: Final = tuple(float(lag) for lag in np.geomspace(0.1, 2.0, 32))
_PLACES: Final = 4
_BEATS: Final = 4
_WINDOW_ROWS: Final = 128
_MODULATIONS_HZ: Final = tuple(float(hz) for hz in np.geomspace(0.4, 10.5, 13))
_GROUPS: Final = 8
_NOTHING: Final = 1e-9
_STRIKE_BINS: Final = 16

_FLUX_NAMES: Final = ("kick", "body", "snare", "cymbals")
_TEMPO_NAMES: Final = (
    "tempo octaves", "tempo known", "tempo sine", "tempo cosine", "tempo confidence", "second tempo octaves",
    "second tempo confidence", "tempo changes", "beats in a bar",
)  # fmt: skip
_GROUP_NAMES: Final = tuple(f"group {number}" for number in range(_GROUPS))
_FLUX_STATISTICS: Final = ("mean", "spread", "low", "middle", "high", "skew", "memory")

NAMES: Final = (
    *_TEMPO_NAMES,
    *(f"{band} again after {lag_s:.2f} s" for band in _FLUX_NAMES for lag_s in _LAGS_S),
    *(f"{band} at beat {1 + place / _PLACES:.2f}" for band in _FLUX_NAMES for place in range(_BEATS * _PLACES)),
    *summary_names(_FLUX_NAMES, _FLUX_STATISTICS),
    *pair_names(_FLUX_NAMES),
    *(f"{group} moving at {hz:.1f} Hz" for group in _GROUP_NAMES for hz in _MODULATIONS_HZ[:-1]),
    *(f"{band} of strength {number}" for band in _FLUX_NAMES for number in range(_STRIKE_BINS)),
)
"""Correlations -1 ... 1, strengths over their mean, shares of power as logarithms."""


def measure_rhythm(material: TrackMaterial) -> Floats:
    """Return the numbers of `NAMES`, ``(len(NAMES),)``; 0 where nothing strikes."""
    flux = material.features.flux
    coarse = _coarse(flux)
    relative = coarse / np.maximum(coarse.mean(axis=0), _NOTHING) if len(coarse) else coarse
    return np.concatenate(
        [
            _tempo(material),
            _repetition(relative),
            _bar(material),
            summarise(np.log1p(relative), _FLUX_STATISTICS),
            correlations(relative),
            _modulation(material.features.levels),
            _strengths(relative),
        ]
    )


def _tempo(material: TrackMaterial) -> Floats:
    grid, possible = material.analysis.beat_grid, material.analysis.possible_tempos
    if grid is None:
        return np.zeros(len(_TEMPO_NAMES))
    octaves = float(np.log2(grid.main_tempo_bpm / 126.0))
    second = possible[1] if len(possible) > 1 else None
    return np.array(
        [
            octaves, 1.0, np.sin(2.0 * np.pi * octaves), np.cos(2.0 * np.pi * octaves),
            possible[0].confidence if possible else 0.0,
            float(np.log2(second.tempo_bpm / grid.main_tempo_bpm)) if second else 0.0,
            second.confidence if second else 0.0,
            float(np.log1p(len(grid.anchors) - 1)), float(grid.beats_per_bar),
        ]
    )  # fmt: skip


def _coarse(flux: HopStore) -> Floats:
    """Return the onset strengths every 11.6 ms, ``(hops, FLUX_BANDS)``."""
    whole = flux.hops // _EVERY_HOPS * _EVERY_HOPS
    columns = [flux.column(band)[:whole].reshape(-1, _EVERY_HOPS).mean(axis=1) for band in range(FLUX_BANDS)]
    return np.column_stack(columns).astype(np.float64)


def _repetition(strengths: Floats) -> Floats:
    """Return how like itself each band is so many seconds later, ``(FLUX_BANDS * lags,)``."""
    lags = np.round(np.asarray(_LAGS_S) / (_EVERY_HOPS * HOP_S)).astype(np.intp)
    length = min(_PIECE_HOPS, len(strengths))
    if length <= lags[-1]:
        return np.zeros(FLUX_BANDS * lags.size)
    count = len(strengths) // length
    pieces = np.sqrt(strengths[: count * length]).reshape(count, length, FLUX_BANDS)
    pieces = pieces - pieces.mean(axis=1, keepdims=True)
    size = 2 * length
    power = np.abs(scipy.fft.rfft(pieces, size, axis=1)) ** 2
    same = scipy.fft.irfft(power, size, axis=1).mean(axis=0)
    found = same[lags] / np.maximum(same[0], _NOTHING) * (length / (length - lags))[:, np.newaxis]
    return np.asarray(found.T.ravel())


def _bar(material: TrackMaterial) -> Floats:
    """Return the onset strength at the sixteen places of a bar over each band's mean, ``(FLUX_BANDS * 16,)``."""
    grid = material.analysis.beat_grid
    if grid is None:
        return np.zeros(FLUX_BANDS * _BEATS * _PLACES)
    first = grid.anchors[0]
    end_s = grid.anchors[1].start_s if len(grid.anchors) > 1 else material.features.duration_s
    folded = fold(material.features.flux, tempo_bpm=first.tempo_bpm, start_s=first.start_s, end_s=end_s)
    steps = folded.shape[2]
    whole = folded.reshape(FLUX_BANDS, -1)
    # Half a place earlier, so that an onset on the beat lies in the middle of place 0; then back to the first beat.
    start = round(first.start_s / first.beat_s * steps - steps / (2 * _PLACES)) - (first.beat_in_bar - 1) * steps
    turned = np.roll(whole, -(start % whole.shape[1]), axis=1)
    places = [part.mean(axis=1) for part in np.array_split(turned, _BEATS * _PLACES, axis=1)]
    return np.log(np.asarray(places).T + 0.05).ravel()


def _modulation(levels: HopStore) -> Floats:
    """Return how much eight parts of the spectrum move at each speed, as logarithms of shares of the squared level."""
    blocks = [block[: len(block) // _WINDOW_ROWS * _WINDOW_ROWS] for block in bare_blocks(levels)]
    rows = np.concatenate(blocks) if blocks else np.empty((0, BANDS), dtype=np.float32)
    if len(rows) == 0 or float(rows.mean()) < 1e-4:
        return np.zeros(_GROUPS * (len(_MODULATIONS_HZ) - 1))
    grouped = np.stack([part.mean(axis=1) for part in np.array_split(rows, _GROUPS, axis=1)], axis=1)
    windows = grouped.reshape(-1, _WINDOW_ROWS, _GROUPS).astype(np.float64)
    mean = windows.mean(axis=1, keepdims=True)
    swing = (windows - mean) * np.hanning(_WINDOW_ROWS)[:, np.newaxis]
    power = np.abs(scipy.fft.rfft(swing, axis=1)) ** 2 / _WINDOW_ROWS
    hz = np.fft.rfftfreq(_WINDOW_ROWS, LEVEL_HOP_S)
    inside = [(hz >= low) & (hz < high) for low, high in itertools.pairwise(_MODULATIONS_HZ)]
    summed = np.stack([power[:, chosen].sum(axis=1) for chosen in inside], axis=2).mean(axis=0)
    level = np.maximum((windows**2).mean(axis=(0, 1)), 1e-12)[:, np.newaxis]
    return np.asarray(np.log(summed / level + 1e-4).ravel())


def _strengths(relative: Floats) -> Floats:
    """Return the share of time at each onset strength, ``(FLUX_BANDS * 16,)``: from none to thirty times the mean."""
    edges = np.concatenate([[-1.0], np.geomspace(0.03, 30.0, _STRIKE_BINS - 1), [np.inf]])
    shares = [np.histogram(column, bins=edges)[0] / max(len(relative), 1) for column in relative.T]
    return np.sqrt(np.concatenate(shares))


assert len(_FLUX_NAMES) == FLUX_BANDS

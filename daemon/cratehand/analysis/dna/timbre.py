"""Timbre: the colour of the sound, from the band levels of the whole track and fine spectra of its excerpts.

Levels are logarithms relative to the mean of the track or of the excerpt, so that gain changes none of them. The mel
scale is that of HTK (2595 log10(1 + f / 700)), cepstra are the cosine transform of the mel levels (Davis and
Mermelstein 1980), contrast is peak against valley in an octave (Jiang et al. 2002).
"""

import itertools
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from cratehand.analysis.analysis_rate import ANALYSIS_RATE_HZ
from cratehand.analysis.bare_levels import bare_blocks
from cratehand.analysis.dna.courses import Floats, correlations, pair_names, summarise, summary_names
from cratehand.analysis.dna.material import TrackMaterial
from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.spectra import BANDS
from cratehand.domain.audio import Samples

_WINDOW_FRAMES: Final = 1024
_HOP_FRAMES: Final = 512
_MEL_BANDS: Final = 40
_LOWEST_HZ: Final = 40.0
_HIGHEST_HZ: Final = 10_500.0
_CEPSTRA: Final = 20
_PAIRED_CEPSTRA: Final = 13
_OCTAVES_HZ: Final = (0.0, 200.0, 400.0, 800.0, 1600.0, 3200.0, 6400.0, 10_500.0)
_FLOOR: Final = 0.02
"""Fourth root of power relative to the mean: -68 dB."""
_FLOOR_POWER: Final = 1e-6
_SILENT: Final = 1e-4

_BAND_NAMES: Final = tuple(f"band {band}" for band in range(BANDS))
_MEL_NAMES: Final = tuple(f"mel {band}" for band in range(_MEL_BANDS))
_CEPSTRUM_NAMES: Final = tuple(f"cepstrum {number}" for number in range(1, _CEPSTRA + 1))
_SHAPE_NAMES: Final = ("centre", "width of spectrum", "flatness", "roll-off", "peakiness", "spectral flux")
_CONTRAST_NAMES: Final = tuple(f"contrast {octave}" for octave in range(len(_OCTAVES_HZ) - 1))
_MEL_STATISTICS: Final = ("mean", "spread", "change")
_CEPSTRUM_STATISTICS: Final = ("mean", "spread", "skew", "change", "memory")
_CONTRAST_STATISTICS: Final = ("mean", "spread")

NAMES: Final = (
    *summary_names(_BAND_NAMES),
    *pair_names(_BAND_NAMES),
    *summary_names(_MEL_NAMES, _MEL_STATISTICS),
    *summary_names(_CEPSTRUM_NAMES, _CEPSTRUM_STATISTICS),
    *pair_names(_CEPSTRUM_NAMES[:_PAIRED_CEPSTRA]),
    *summary_names(_SHAPE_NAMES),
    *summary_names(_CONTRAST_NAMES, _CONTRAST_STATISTICS),
)
"""Natural logarithms of levels, octaves for centre and roll-off, correlations between -1 and 1."""


def measure_timbre(material: TrackMaterial) -> Floats:
    """Return the numbers of `NAMES`, ``(len(NAMES),)``; 0 in silence."""
    bands = band_rows(material.features.levels)
    return np.concatenate([summarise(bands), correlations(bands), _fine(material.excerpts)])


def band_rows(levels: HopStore) -> Floats:
    """Return the logarithms of all levels relative to the track's mean, ``(rows, BANDS)``; no rows for silence."""
    blocks = list(bare_blocks(levels))
    rows = np.concatenate(blocks) if blocks else np.empty((0, BANDS), dtype=np.float32)
    mean = float(rows.mean(dtype=np.float64)) if rows.size else 0.0
    if mean <= _SILENT:
        return np.empty((0, BANDS))
    return np.asarray(np.log(rows / np.float32(mean) + np.float32(_FLOOR)), dtype=np.float64)


def _fine(excerpts: tuple[Samples, ...]) -> Floats:
    sounding = [power for excerpt in excerpts if (power := _power(excerpt[0])) is not None]
    mel = [np.log(power @ _mel_filters() + _FLOOR_POWER) for power in sounding]
    cepstra = [scipy.fft.dct(rows, axis=1, norm="ortho")[:, 1 : _CEPSTRA + 1] for rows in mel]
    every = np.concatenate(cepstra) if cepstra else np.empty((0, _CEPSTRA))
    return np.concatenate(
        [
            summarise(_joined(mel, _MEL_BANDS), _MEL_STATISTICS),
            summarise(every, _CEPSTRUM_STATISTICS),
            correlations(every[:, :_PAIRED_CEPSTRA]),
            summarise(_joined([_shapes(power) for power in sounding], len(_SHAPE_NAMES))),
            summarise(_joined([_contrasts(power) for power in sounding], len(_CONTRAST_NAMES)), _CONTRAST_STATISTICS),
        ]
    )


def _joined(parts: list[Floats], columns: int) -> Floats:
    return np.concatenate(parts) if parts else np.empty((0, columns))


def _power(mono: npt.NDArray[np.float32]) -> Floats | None:
    """Return the power spectra relative to the mean of the excerpt, ``(hops, 513)``; None where it is silent."""
    padded = np.pad(mono, (0, max(_WINDOW_FRAMES - mono.size, 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_FRAMES)[::_HOP_FRAMES]
    spectrum = scipy.fft.rfft(frames * _window(), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    mean = float(power.mean(dtype=np.float64))
    return np.asarray(power / mean, dtype=np.float64) if mean > 1e-9 else None


@cache
def _window() -> npt.NDArray[np.float32]:
    return np.hanning(_WINDOW_FRAMES + 1)[:-1].astype(np.float32)


@cache
def _mel_filters() -> Floats:
    """Return triangles of height one on the mel scale, normed to sum one, ``(513, 40)``."""
    ends = 2595.0 * np.log10(1.0 + np.array([_LOWEST_HZ, _HIGHEST_HZ]) / 700.0)
    edges_hz = 700.0 * (10.0 ** (np.linspace(ends[0], ends[1], _MEL_BANDS + 2) / 2595.0) - 1.0)
    bins_hz = _bins_hz()[:, np.newaxis]
    low, middle, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    # The lowest triangles are narrower than a bin; widened, each of them hears at least one.
    bin_hz = ANALYSIS_RATE_HZ / _WINDOW_FRAMES
    rising = (bins_hz - low) / np.maximum(middle - low, bin_hz)
    falling = (high - bins_hz) / np.maximum(high - middle, bin_hz)
    filters = np.maximum(0.0, np.minimum(rising, falling)) + 1e-9
    return np.asarray(filters / filters.sum(axis=0))


@cache
def _bins_hz() -> Floats:
    return np.asarray(np.fft.rfftfreq(_WINDOW_FRAMES, 1.0 / ANALYSIS_RATE_HZ))


def _shapes(power: Floats) -> Floats:
    """Return centre, width, flatness, roll-off, peakiness and flux of each hop, ``(hops, 6)``."""
    octaves = np.log2(np.maximum(_bins_hz()[1:], 1.0))
    amplitude = np.sqrt(power[:, 1:] + _FLOOR_POWER)
    total = amplitude.sum(axis=1)
    centre = amplitude @ octaves / total
    width = np.sqrt(np.maximum(amplitude @ octaves**2 / total - centre**2, 0.0))
    flatness = np.log(amplitude).mean(axis=1) - np.log(total / amplitude.shape[1])
    summed = np.cumsum(amplitude, axis=1)
    roll_off = octaves[(summed >= 0.85 * summed[:, -1:]).argmax(axis=1)]
    peakiness = np.log(amplitude.max(axis=1) / total * amplitude.shape[1])
    rise = np.maximum(np.diff(amplitude, axis=0, prepend=amplitude[:1]), 0.0).sum(axis=1) / total
    return np.column_stack([centre, width, flatness, roll_off, peakiness, rise])


def _contrasts(power: Floats) -> Floats:
    """Return the loudest fifth over the quietest one in each octave, ``(hops, 7)``."""
    edges = np.searchsorted(_bins_hz(), _OCTAVES_HZ)
    found = []
    for first, last in itertools.pairwise(edges):
        count = max((last - first) // 5, 1)
        ordered = np.partition(power[:, first:last], (count - 1, last - first - count), axis=1)
        valley, peak = ordered[:, :count].mean(axis=1), ordered[:, -count:].mean(axis=1)
        found.append(np.log(peak + _FLOOR_POWER) - np.log(valley + _FLOOR_POWER))
    return np.column_stack(found)

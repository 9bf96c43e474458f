"""Whether a track is a metronome: evenly spaced ticks and nothing in between.

The spectrum of such a train has lines of one strength, and every fraction of its tempo collects as many of them; only
that nothing sounds between two ticks tells that they are the beats. Even kicks and snares are a pattern instead, whose
tempo is for `cratehand.analysis.tempo` to judge: a snare on every fourth of them makes it half as fast.
"""

from typing import Final

import numpy as np

from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.pulse import Pulse, strikes
from cratehand.analysis.tempo import MAX_TEMPO_BPM, MIN_TEMPO_BPM

_TICK: Final = 3.0
"""A tick is so many times the mean of the pulse curve."""
_FEWEST_TICKS: Final = 17
_NEAREST_S: Final = 0.1
_APART_S: Final = 0.015
"""The curve tells the time of a tick to one of its values, so that two may be this far from even."""
_EVEN_TICKS: Final = 0.95
_DRUM_SHARE: Final = 0.21
"""Of a synthesised kick with its hat 0.22 and more are below 150 Hz, of claps and rims of five kits at most 0.2."""


def metronome_bpm(flux: HopStore, pulse: Pulse) -> float | None:
    """Return the tempo of a metronome between 60 and 200 BPM, None for anything else.

    Args:
        flux: As `OnsetStream` keeps it.
        pulse: Made of it.
    """
    ticks = strikes(pulse, above=_TICK, apart_s=_NEAREST_S)
    if ticks.size < _FEWEST_TICKS or _low_share(flux, ticks, flux.hops // pulse.strength.size) >= _DRUM_SHARE:
        return None
    distances_s = np.diff(ticks) * pulse.hop_s
    even = np.abs(distances_s - np.median(distances_s)) <= _APART_S
    if even.mean() < _EVEN_TICKS:
        return None
    # The mean of many distances is finer than one value of the curve.
    tempo_bpm = 60.0 / float(distances_s[even].mean())
    return tempo_bpm if MIN_TEMPO_BPM <= tempo_bpm <= MAX_TEMPO_BPM else None


def _low_share(flux: HopStore, ticks: np.ndarray[tuple[int], np.dtype[np.intp]], hops: int) -> float:
    """Return the share of the lowest band in the onsets of the lowest tenth of all ticks."""
    around = np.clip(hops * ticks[:, np.newaxis] + np.arange(-2 * hops, 3 * hops), 0, flux.hops - 1)
    bands = np.stack([flux.column(band)[around].sum(axis=1, dtype=np.float64) for band in range(len(flux.means))])
    return float(np.percentile(bands[0] / np.maximum(bands.sum(axis=0), 1e-9), 90.0))

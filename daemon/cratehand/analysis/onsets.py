"""Onset strength in four bands every 2.9 ms, and how loud each band is every 46 ms."""

from typing import Final

import numpy as np

from cratehand.analysis.hop_store import Features, HopStore
from cratehand.analysis.spectra import BAND_CENTRES_HZ, BANDS, HOP_S, BandSpectrum
from cratehand.domain.audio import Samples

FLUX_EDGES_HZ: Final = (150.0, 600.0, 2500.0)
"""Edges between kick, bass and body, snare and voice, and cymbals."""
FLUX_BANDS: Final = len(FLUX_EDGES_HZ) + 1
LEVEL_HOPS: Final = 16
LEVEL_HOP_S: Final = LEVEL_HOPS * HOP_S
"""Seconds one row of levels covers: 46 ms."""

_LAG_HOPS: Final = 4
"""The rise is measured against 11.6 ms before; less drowns it in the ripple of low tones."""
FLOOR_POWER: Final = 1e-9
"""-90 dB a band: the ripple of leakage and dither below it is no onset."""
FLUX_LEAD_S: Final = 0.5 * _LAG_HOPS * HOP_S
"""A rise between two hops belongs to the middle between them."""


class OnsetStream:
    """Watches band levels rise and keeps two small tables of the whole stream."""

    def __init__(self) -> None:
        self._spectrum = BandSpectrum()
        self._before = np.zeros((_LAG_HOPS, BANDS), dtype=np.float32)
        self._group = np.searchsorted(BAND_CENTRES_HZ, FLUX_EDGES_HZ)
        self._unaveraged = np.empty((0, BANDS), dtype=np.float32)
        self.flux = HopStore(FLUX_BANDS)
        """Onset strength, one row a hop of `HOP_S`; row k belongs to the time ``k * HOP_S - FLUX_LEAD_S``."""
        self.levels = HopStore(BANDS)
        """Fourth root of the mean power of each band (0 at -90 dB), one row a `LEVEL_HOP_S`."""

    def feed(self, mono: Samples) -> Features:
        """Take the next part of the shared stream; return its band powers, ``(hops, BANDS)``, for others to share."""
        return self._take(self._spectrum.feed(mono))

    def finish(self) -> Features:
        """End the stream; return the last band powers."""
        powers = self._take(self._spectrum.finish())
        if len(self._unaveraged):
            self.levels.append(_root(self._unaveraged.mean(axis=0, keepdims=True)))
            self._unaveraged = self._unaveraged[:0]
        return powers

    def _take(self, powers: Features) -> Features:
        if len(powers) == 0:
            return powers
        # The fourth root of power follows loudness and, unlike a logarithm, keeps its shape under gain.
        level = np.concatenate([self._before, _root(powers)])
        rise = np.maximum(level[_LAG_HOPS:] - level[:-_LAG_HOPS], 0.0)
        self.flux.append(np.add.reduceat(rise, [0, *self._group], axis=1))
        self._before = level[-_LAG_HOPS:]
        pending = np.concatenate([self._unaveraged, powers])
        whole = len(pending) // LEVEL_HOPS
        grouped = pending[: whole * LEVEL_HOPS].reshape(whole, LEVEL_HOPS, BANDS)
        self.levels.append(_root(grouped.mean(axis=1)))
        self._unaveraged = pending[whole * LEVEL_HOPS :]
        return powers


def _root(powers: Features) -> Features:
    level: Features = np.sqrt(np.sqrt(powers + np.float32(FLOOR_POWER)))
    level -= np.float32(FLOOR_POWER**0.25)
    return level

"""The one mono stream that all musical measurements share."""

from typing import Final

import numpy as np
import soxr

from cratehand.domain.audio import Samples

ANALYSIS_RATE_HZ: Final = 22_050
"""Rate of the shared stream: drums and harmony lie below 11 kHz, and half of 44.1 kHz costs half."""

_TILT: Final = 0.2
"""The first channels weigh a little more, so that a mix with one channel inverted does not cancel to silence."""


class MonoStream:
    """Mixes any number of channels to one at `ANALYSIS_RATE_HZ`, or another rate, without delay."""

    def __init__(self, *, sample_rate_hz: int, channels: int, to_hz: int = ANALYSIS_RATE_HZ) -> None:
        weights = 1.0 + _TILT * np.linspace(1.0, -1.0, channels) if channels > 1 else np.ones(1)
        self._weights = (weights / weights.sum()).astype(np.float32)
        self._resampler: soxr.ResampleStream | None = None
        if sample_rate_hz != to_hz:
            # soxr filters with linear phase and takes its own delay out again.
            self._resampler = soxr.ResampleStream(sample_rate_hz, to_hz, 1, dtype="float32", quality="HQ")

    def feed(self, samples: Samples) -> Samples:
        """Take ``(channels, frames)`` of the file, return mono ``(frames,)`` at the rate that is wanted."""
        mono: Samples = np.asarray(self._weights @ samples, dtype=np.float32)
        if self._resampler is None:
            return mono
        return np.asarray(self._resampler.resample_chunk(mono), dtype=np.float32)

    def finish(self) -> Samples:
        """Return what the resampler still held, mono ``(frames,)``."""
        if self._resampler is None:
            return np.empty(0, dtype=np.float32)
        rest = self._resampler.resample_chunk(np.empty(0, dtype=np.float32), last=True)
        return np.asarray(rest, dtype=np.float32)

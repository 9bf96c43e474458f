"""What a judgement takes from the samples of one copy while they stream by."""

from typing import Final

import numpy as np
import soxr

from cratehand.analysis.copy_bands import COPY_RATE_HZ
from cratehand.analysis.signal_levels import SoundingSpan
from cratehand.domain.audio import Samples

_PEAK_FRAMES: Final = 256
_PEAK_SHARES: Final = (0.98, 0.995, 0.999)


class CopyListener:
    """Follows one copy: the mono signal that is compared, where it sounds, and how high its peaks are."""

    def __init__(self, *, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._span = SoundingSpan()
        self._peaks: list[Samples] = []
        self._resampler: soxr.ResampleStream | None = None
        if sample_rate_hz != COPY_RATE_HZ:
            # Linear phase and its own delay taken out: it moves nothing.
            self._resampler = soxr.ResampleStream(sample_rate_hz, COPY_RATE_HZ, 1, dtype="float32", quality="HQ")

    def feed(self, samples: Samples) -> Samples:
        """Take the next block ``(channels, frames)``; return what is ready, mono ``(frames,)`` at `COPY_RATE_HZ`."""
        peak = np.abs(samples).max(axis=0)
        if peak.size:
            self._span.feed(peak)
        whole = peak.size // _PEAK_FRAMES * _PEAK_FRAMES
        self._peaks.append(peak[:whole].reshape(-1, _PEAK_FRAMES).max(axis=1))
        mono: Samples = samples.mean(axis=0, dtype=np.float32)
        return mono if self._resampler is None else np.asarray(self._resampler.resample_chunk(mono), dtype=np.float32)

    def finish(self) -> Samples:
        """Return what the resampler still held."""
        if self._resampler is None:
            return np.empty(0, dtype=np.float32)
        return np.asarray(self._resampler.resample_chunk(np.empty(0, np.float32), last=True), dtype=np.float32)

    @property
    def duration_s(self) -> float:
        """Length of all that was fed."""
        return self._span.frames / self._rate_hz

    @property
    def sounding_start_s(self) -> float:
        """Time of the first sample above -60 dBFS; the end where nothing sounds."""
        return (self._span.frames if self._span.first is None else self._span.first) / self._rate_hz

    @property
    def sounding_end_s(self) -> float:
        """Time after the last sample above -60 dBFS."""
        return (self._span.last + 1) / self._rate_hz if self._span.first is not None else self.duration_s

    def peaks_db(self) -> tuple[float, ...]:
        """Return how high the peaks of 6 ms reach that 2 %, 0.5 % and 0.1 % exceed, dB re full scale."""
        peaks = np.concatenate(self._peaks) if self._peaks else np.zeros(0, np.float32)
        if not peaks.size:
            return tuple(-120.0 for _ in _PEAK_SHARES)
        return tuple(float(level) for level in 20.0 * np.log10(np.quantile(peaks, _PEAK_SHARES) + 1e-6))

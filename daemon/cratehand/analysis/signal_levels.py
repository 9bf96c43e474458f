"""Plain facts about the samples: clipping, silence at the ends, DC, likeness of the channels, bits in use."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.domain.audio import Samples

_FULL_SCALE: Final = 0.9995
_CLIPPED_RUN: Final = 3
"""So many samples in a row at full scale are a cut-off top."""
_SILENT: Final = 0.001
"""-60 dBFS."""


class SoundingSpan:
    """Where a signal that is fed in blocks is louder than -60 dBFS.

    Attributes:
        frames: How many were fed.
        first: The first frame that sounds, None where none did yet.
        last: The last one, -1 where none did yet.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.first: int | None = None
        self.last = -1

    def feed(self, peak: Samples) -> None:
        """Take the level of each frame of the next block, ``(frames,)``, at least one."""
        flags = peak > _SILENT
        first = int(flags.argmax())
        if flags[first]:
            if self.first is None:
                self.first = self.frames + first
            self.last = self.frames + flags.size - 1 - int(flags[::-1].argmax())
        self.frames += flags.size


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalLevels:
    """What was counted; ``None`` where it makes no sense."""

    frames: int
    clipped_runs: int
    silence_start_s: float
    silence_end_s: float
    dc_offset: float
    """Largest mean of a channel, full scale 1."""
    channel_difference: float | None
    """Share of the second channel's energy that the first does not explain, 0 (same) ... 1; None for mono."""
    bits_in_use: int | None
    """16 where every sample fits 16 bits, else 24; None for silence."""
    sounding: bool
    """Whether anything is louder than -60 dBFS."""


class LevelStream:
    """Counts over a signal fed in blocks."""

    def __init__(self, *, sample_rate_hz: int, channels: int) -> None:
        self._rate_hz = sample_rate_hz
        self._sum: npt.NDArray[np.float64] = np.zeros(channels)
        self._products: npt.NDArray[np.float64] = np.zeros((2, 2))
        self._span = SoundingSpan()
        self._runs = 0
        self._fits_16 = True
        self._tail = np.zeros((channels, _CLIPPED_RUN), dtype=np.bool_)

    def feed(self, samples: Samples) -> None:
        """Take the next block, ``(channels, frames)``."""
        if samples.shape[1] == 0:
            return
        wide = samples.astype(np.float64)
        self._sum += wide.sum(axis=1)
        if samples.shape[0] >= 2:
            self._products += wide[:2] @ wide[:2].T
        peak = np.abs(samples).max(axis=0)
        self._span.feed(peak)
        self._count_clipping(samples, loud=bool(peak.max() >= _FULL_SCALE))
        if self._fits_16:
            scaled = samples * np.float32(32768.0)
            self._fits_16 = bool((scaled == np.rint(scaled)).all())

    def _count_clipping(self, samples: Samples, *, loud: bool) -> None:
        """Count runs of clipped samples; one that crosses into the next block is counted once."""
        if not loud:
            self._tail = np.zeros_like(self._tail)
            return
        flat = np.concatenate([self._tail, np.abs(samples) >= _FULL_SCALE], axis=1)
        run = flat[:, :-2] & flat[:, 1:-1] & flat[:, 2:]
        # The first run of three is the last one of the block before.
        self._runs += int((run[:, 1:] & ~run[:, :-1]).sum())
        self._tail = flat[:, -_CLIPPED_RUN:]

    def finish(self) -> SignalLevels:
        """Return the counts."""
        span = self._span
        frames = max(span.frames, 1)
        sounding = span.first is not None
        return SignalLevels(
            frames=span.frames,
            clipped_runs=self._runs,
            silence_start_s=(span.first if span.first is not None else span.frames) / self._rate_hz,
            silence_end_s=(span.frames - 1 - span.last) / self._rate_hz if span.frames else 0.0,
            dc_offset=float(np.abs(self._sum / frames).max()),
            channel_difference=self._difference(),
            bits_in_use=(16 if self._fits_16 else 24) if sounding else None,
            sounding=sounding,
        )

    def _difference(self) -> float | None:
        if self._sum.size != 2:
            return None
        left, right, both = self._products[0, 0], self._products[1, 1], self._products[0, 1]
        if left <= 0.0 or right <= 0.0:
            return 0.0
        return float(max(1.0 - both**2 / (left * right), 0.0))

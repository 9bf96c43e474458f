"""The spectrogram of a whole track, small enough for a picture, made while it streams by."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from cratehand.analysis.block_stream import FixedBlocks
from cratehand.domain.audio import Samples

_WINDOW_FRAMES: Final = 2_048
_ROWS: Final = 512
_WINDOWS_AT_ONCE: Final = 64
_QUIETEST_DB: Final = -140.0

Levels = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spectrogram:
    """Levels over time and frequency.

    Attributes:
        levels_db: float32 ``(512, columns)``: row 0 is 0 Hz, the last ends at half the sample rate; dB re a full-scale
            sine in that row, not below -140.
        duration_s: Time that the columns cover.
        sample_rate_hz: Of the sound.
    """

    levels_db: Levels
    duration_s: float
    sample_rate_hz: int


class SpectrogramStream:
    """Averages windows into at most twice `columns` columns; a longer track gets longer columns.

    Args:
        sample_rate_hz: Of the blocks.
        columns: At least so many columns are given back, unless the track is shorter than that many windows.
    """

    def __init__(self, *, sample_rate_hz: int, columns: int = 1_000) -> None:
        self._rate_hz = sample_rate_hz
        self._columns = columns
        self._blocks = FixedBlocks(_WINDOW_FRAMES * _WINDOWS_AT_ONCE)
        hann = np.hanning(_WINDOW_FRAMES + 1)[:-1]
        self._window = (hann / (0.5 * hann.sum())).astype(np.float32)
        self._powers: list[Levels] = []
        self._each = 1
        self._waiting: list[Levels] = []

    def feed(self, samples: Samples) -> None:
        """Take the next block, ``(channels, frames)``, of any length."""
        for block in self._blocks.feed(samples):
            self._measure(block)

    def _measure(self, block: Samples) -> None:
        count = block.shape[1] // _WINDOW_FRAMES
        cut = block[:, : count * _WINDOW_FRAMES].reshape(block.shape[0], count, _WINDOW_FRAMES)
        spectra = scipy.fft.rfft(cut * self._window, axis=2)[:, :, : 2 * _ROWS]
        power = (spectra.real**2 + spectra.imag**2).max(axis=0)
        for row in power.reshape(count, _ROWS, 2).max(axis=2):
            self._waiting.append(row)
            if len(self._waiting) == self._each:
                self._powers.append(np.mean(self._waiting, axis=0))
                self._waiting = []
        if len(self._powers) >= 2 * self._columns:
            even = len(self._powers) // 2 * 2
            pairs = np.stack(self._powers[:even]).reshape(-1, 2, _ROWS).mean(axis=1)
            self._waiting = [row for row in self._powers[even:] for _ in range(self._each)] + self._waiting
            self._powers = list(pairs)
            self._each *= 2

    def finish(self) -> Spectrogram | None:
        """Return the picture's levels, None where not a single window was fed."""
        rest = self._blocks.rest()
        if rest is not None:
            self._measure(rest)
        if not self._powers:
            return None
        levels_db = np.maximum(10.0 * np.log10(np.stack(self._powers, axis=1) + 1e-20), _QUIETEST_DB)
        duration_s = len(self._powers) * self._each * _WINDOW_FRAMES / self._rate_hz
        return Spectrogram(levels_db=levels_db.astype(np.float32), duration_s=duration_s, sample_rate_hz=self._rate_hz)

"""Two copies of one recording, frame by frame and band by band: how much of each is in the other."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from cratehand.domain.audio import Samples

COPY_RATE_HZ: Final = 22_050
"""Rate at which copies are compared: what all codecs keep lies below 11 kHz."""
FRAME: Final = 4_096
HOP: Final = 2_048
HOP_S: Final = HOP / COPY_RATE_HZ
EDGES_HZ: Final = (60, 150, 300, 500, 750, 1_000, 1_400, 2_000, 2_800, 4_000, 5_500, 7_500, 10_000)
"""Bounds of the bands, about half an octave each."""
BANDS: Final = len(EDGES_HZ) - 1
WINDOW_HOPS: Final = 43
"""Four seconds: what one local offset is measured on."""

Floats = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex64]

_EDGE_BINS: Final = np.array([round(edge * FRAME / COPY_RATE_HZ) for edge in EDGES_HZ])
_TAPER: Final = np.hanning(FRAME + 1)[:-1].astype(np.float32)
_BATCH: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CopyBands:
    """What the walk through both copies found.

    Attributes:
        current: Power of the current copy, float64 ``(hops, bands)``.
        candidate: Power of the candidate, the same shape.
        common: Real part of the cross power, the same shape; negative where the polarity is opposite.
        crosses: Cross spectrum of each window of four seconds, complex ``(windows, bins)``.
    """

    current: Floats
    candidate: Floats
    common: Floats
    crosses: Complex


class PairWalk:
    """Takes both copies as mono at `COPY_RATE_HZ`, already shifted against each other by whole samples.

    What waits for its partner is all that is kept of the samples; the powers grow by 5 MB an hour.
    """

    def __init__(self) -> None:
        self._waiting: list[list[Samples]] = [[], []]
        self._lengths = [0, 0]
        self._powers: list[Floats] = []
        self._cross: npt.NDArray[np.complex128] = np.zeros(FRAME // 2 + 1, dtype=np.complex128)
        self._crosses: list[Complex] = []
        self._hops = 0

    def feed(self, current: Samples, candidate: Samples) -> None:
        """Take what came next of each, mono ``(frames,)``, either may be empty."""
        for row, block in enumerate((current, candidate)):
            if block.size:
                self._waiting[row].append(block)
                self._lengths[row] += block.size
        if min(self._lengths) >= FRAME + _BATCH * HOP:
            self._take()

    def waits_for(self, row: int) -> bool:
        """Whether the other copy has more than this one (0: current, 1: candidate)."""
        return self._lengths[row] < self._lengths[1 - row]

    def finish(self) -> CopyBands:
        """Return what was found where both sound exists."""
        self._take()
        if self._hops % WINDOW_HOPS > WINDOW_HOPS // 2 or not self._crosses:
            self._crosses.append(self._cross.astype(np.complex64))
        powers = np.concatenate(self._powers, axis=1) if self._powers else np.zeros((3, 0, BANDS))
        return CopyBands(current=powers[0], candidate=powers[1], common=powers[2], crosses=np.array(self._crosses))

    def _take(self) -> None:
        joined = [np.concatenate(pieces) if pieces else np.zeros(0, np.float32) for pieces in self._waiting]
        hops = (min(self._lengths) - FRAME) // HOP + 1
        for start in range(0, max(hops, 0), _BATCH):
            self._compare(*(_spectra(signal, start, min(start + _BATCH, hops)) for signal in joined))
        taken = max(hops, 0) * HOP
        self._waiting = [[signal[taken:]] for signal in joined]
        self._lengths = [signal.size - taken for signal in joined]

    def _compare(self, one: Complex, other: Complex) -> None:
        cross = one.conj() * other
        parts = np.stack([np.square(np.abs(one)), np.square(np.abs(other)), cross.real])
        inner = parts[:, :, _EDGE_BINS[0] : _EDGE_BINS[-1]]
        self._powers.append(np.add.reduceat(inner, _EDGE_BINS[:-1] - _EDGE_BINS[0], axis=2).astype(np.float64))
        for row in cross:
            self._cross += row
            self._hops += 1
            if self._hops % WINDOW_HOPS == 0:
                self._crosses.append(self._cross.astype(np.complex64))
                self._cross[:] = 0.0


def _spectra(signal: Samples, first: int, last: int) -> Complex:
    frames = np.lib.stride_tricks.sliding_window_view(signal, FRAME)[first * HOP : (last - 1) * HOP + 1 : HOP]
    spectra: Complex = scipy.fft.rfft(frames * _TAPER, axis=1)
    return spectra

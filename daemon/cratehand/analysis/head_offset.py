"""Where two copies lie against each other, from their first half minute."""

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from cratehand.analysis.copy_bands import COPY_RATE_HZ
from cratehand.domain.audio import Samples

HEAD_S: Final = 45.0
LARGEST_OFFSET_S: Final = 15.0
"""Copies of one master have seconds of silence more or less at their start, not more."""

_TIE: Final = 0.003
_LEAST_OVERLAP: Final = 0.3
"""Share of the energy that has to overlap."""


def find_head_offset(current: Samples, candidate: Samples) -> int:
    """Return by how many frames the candidate's sound starts later, by cross-correlation of the heads.

    The correlation is divided by the energy of what overlaps, since music that grows louder fits at wrong bars too.
    Music that repeats itself fits at every bar: of equals the one wins where most overlaps.

    Args:
        current: Mono at `COPY_RATE_HZ`, the first `HEAD_S` or less.
        candidate: The same of the other copy.
    """
    if not current.size or not candidate.size:
        return 0
    # The treble is not lifted, though its peaks are sharp: half a sample of offset turns it against itself.
    one, other = current - current.mean(), candidate - candidate.mean()
    # A power of two is the size that every FFT is quick at.
    size = 1 << (one.size + other.size - 1).bit_length()
    cross = scipy.fft.irfft(scipy.fft.rfft(one, size).conj() * scipy.fft.rfft(other, size), size)
    reach: int = min(round(LARGEST_OFFSET_S * COPY_RATE_HZ), size // 2 - 1)
    # Either polarity: an inverted copy sounds the same.
    around = np.abs(np.concatenate([cross[-reach:], cross[: reach + 1]]))
    fit = around / _overlap_energies(one, other, np.arange(-reach, reach + 1))
    alike = np.flatnonzero(fit >= fit.max() - _TIE)
    highest: int = int(alike[around[alike].argmax()])
    return highest - reach


def _overlap_energies(one: Samples, other: Samples, shifts: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Return the geometric mean of the energies of what overlaps at each shift, float64 ``(shifts,)``."""
    sums = [np.concatenate([[0.0], np.cumsum(np.square(signal, dtype=np.float64))]) for signal in (one, other)]
    starts = np.maximum(-shifts, 0)
    lengths = np.minimum(one.size - starts, other.size - np.maximum(shifts, 0))
    lengths = np.maximum(lengths, 0)
    ends = np.minimum(starts + lengths, one.size)
    first = sums[0][ends] - sums[0][np.minimum(starts, one.size)]
    later = np.minimum(np.maximum(shifts, 0), other.size)
    second = sums[1][np.minimum(later + lengths, other.size)] - sums[1][later]
    # Where next to nothing overlaps anything fits; a floor keeps such shifts out.
    floor = _LEAST_OVERLAP * float(np.sqrt(sums[0][-1] * sums[1][-1])) + 1e-20
    energies: npt.NDArray[np.float64] = np.maximum(np.sqrt(np.maximum(first * second, 0.0)), floor)
    return energies

"""Where two copies lie against each other, from their first half minute."""

from typing import Final

import numpy as np
import scipy.fft

from cratehand.analysis.copy_bands import COPY_RATE_HZ
from cratehand.domain.audio import Samples

HEAD_S: Final = 45.0
LARGEST_OFFSET_S: Final = 15.0
"""Copies of one master have seconds of silence more or less at their start, not more."""


def find_head_offset(current: Samples, candidate: Samples) -> int:
    """Return by how many frames the candidate's sound starts later, by cross-correlation of the heads.

    The plain peak is taken, not one divided by the overlap: music that repeats itself fits at every bar, and best where
    most of it overlaps.

    Args:
        current: Mono at `COPY_RATE_HZ`, the first `HEAD_S` or less.
        candidate: The same of the other copy.
    """
    if not current.size or not candidate.size:
        return 0
    # The difference lifts the treble, whose peaks are sharp.
    one, other = np.diff(current, prepend=0.0), np.diff(candidate, prepend=0.0)
    # A power of two is the size that every FFT is quick at.
    size = 1 << (one.size + other.size - 1).bit_length()
    cross = scipy.fft.irfft(scipy.fft.rfft(one, size).conj() * scipy.fft.rfft(other, size), size)
    reach = min(round(LARGEST_OFFSET_S * COPY_RATE_HZ), size // 2 - 1)
    around = np.concatenate([cross[-reach:], cross[: reach + 1]])
    # Either polarity: an inverted copy sounds the same.
    highest = int(np.abs(around).argmax())
    return highest - reach

"""The delay between two signals from their cross spectrum, to a small fraction of a sample."""

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from cratehand.analysis.copy_bands import COPY_RATE_HZ, EDGES_HZ, FRAME

_FINER: Final = 4
"""The correlation is read at a quarter of a sample, then a parabola is laid through its top."""
_LOW, _HIGH = (round(edge * FRAME / COPY_RATE_HZ) for edge in (EDGES_HZ[0], EDGES_HZ[-1]))
_IN_STEP_RAD: Final = 1.0
_ROUNDS: Final = 3

Cross = npt.NDArray[np.complex64]


def cross_delay_s(cross: Cross) -> float:
    """Return by how much the second signal is later, by the half-whitened correlation of the bins that are compared.

    Args:
        cross: conj(first) * second, complex ``(bins,)`` of frames of `FRAME` at `COPY_RATE_HZ`; either polarity.
    """
    weighted = np.zeros(FRAME * _FINER // 2 + 1, dtype=np.complex128)
    part = cross[_LOW:_HIGH].astype(np.complex128)
    # Half way to a pure phase correlation: sharp, and still led by what is loud and therefore well kept.
    weighted[_LOW:_HIGH] = part / np.sqrt(np.abs(part) + 1e-20)
    curve = scipy.fft.irfft(weighted)
    # An inverted copy has a trough instead of a peak.
    curve = curve if curve.max() >= -curve.min() else -curve
    top = int(curve.argmax())
    before, at, after = curve[top - 1], curve[top], curve[(top + 1) % curve.size]
    bend = before - 2.0 * at + after
    place = top + (0.5 * (before - after) / bend if bend < 0.0 else 0.0)
    if place > curve.size / 2:
        place -= curve.size
    return float(place / (_FINER * COPY_RATE_HZ))


def fine_delay_frames(cross: Cross) -> float:
    """Return the same in frames of `COPY_RATE_HZ`, refined by the slope of the phase; same sound: to 0.001 frames.

    Args:
        cross: As for `cross_delay_s`.
    """
    bins = np.arange(_LOW, _HIGH)
    part = cross[_LOW:_HIGH].astype(np.complex128)
    weights = np.abs(part)
    frames = cross_delay_s(cross) * COPY_RATE_HZ
    for _ in range(_ROUNDS if weights.any() else 0):
        turned = part * np.exp(2j * np.pi * bins * frames / FRAME)
        turned *= 1.0 if turned.real.sum() >= 0.0 else -1.0
        phases = np.angle(turned)
        # Lines out of step say nothing of the delay: their noise is louder than they are.
        lifted = weights * bins * (np.abs(phases) < _IN_STEP_RAD)
        frames -= float((lifted * phases).sum() / max((lifted * bins).sum(), 1e-30)) * FRAME / (2.0 * np.pi)
    return frames

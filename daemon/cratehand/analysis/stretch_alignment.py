"""Stretches of two copies brought to one rate, one place and one level, to a thousandth of a frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft
import soxr

from cratehand.domain.audio import Samples

MARGIN_S: Final = 0.05
"""What is read of the candidate before and after each stretch: the ends of resampling and shifting lie there."""
_LOW_HZ, _HIGH_HZ = 200.0, 9_000.0
_IN_STEP_RAD: Final = 1.0
_ROUNDS: Final = 4
_WHOLE_FRAMES: Final = 0.02
"""Copies of one rate are nearly always whole frames apart; nearer than that, they are."""

Spectrum = npt.NDArray[np.complex128]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One stretch of both.

    Attributes:
        current: float32 ``(channels, frames)``.
        candidate: The same sound with a margin around it, at its own rate.
        begins_frames: Where in the candidate's, counted at the rate of the current one, the stretch begins.
    """

    current: Samples
    candidate: Samples
    begins_frames: float


def align_stretches(stretches: Sequence[Stretch], *, rate_hz: int, candidate_hz: int) -> list[tuple[Samples, Samples]]:
    """Return the stretches of the current copy at the level of the candidate, and those of the candidate.

    Args:
        stretches: All with one offset.
        rate_hz: Of the current copy, and of what is returned.
        candidate_hz: Of the candidate.
    """
    if not stretches:
        return []
    brought = [_brought(stretch, rate_hz, candidate_hz) for stretch in stretches]
    rough = [
        (stretch.current, _shifted(samples, stretch.begins_frames, stretch.current.shape[1]))
        for stretch, samples in zip(stretches, brought, strict=True)
    ]
    later = _delay_frames(rough, rate_hz)
    begins = [stretch.begins_frames + later for stretch in stretches]
    if rate_hz == candidate_hz and abs(begins[0] - round(begins[0])) < _WHOLE_FRAMES:
        begins = [float(round(each)) for each in begins]
    fine = [
        (stretch.current, _shifted(samples, begin, stretch.current.shape[1]))
        for stretch, samples, begin in zip(stretches, brought, begins, strict=True)
    ]
    power = sum(_product(one, one) for one, _ in fine)
    gain = np.float32(sum(_product(one, two) for one, two in fine) / max(power, 1e-9))
    return [(one * gain, two) for one, two in fine]


def _brought(stretch: Stretch, rate_hz: int, candidate_hz: int) -> Samples:
    samples = stretch.candidate
    channels = stretch.current.shape[0]
    if samples.shape[0] != channels:
        samples = samples.mean(axis=0, keepdims=True) if channels == 1 else samples[[0, -1]]
    if rate_hz == candidate_hz:
        return samples
    return np.asarray(soxr.resample(samples.T, candidate_hz, rate_hz, quality="VHQ").T, dtype=np.float32)


def _shifted(samples: Samples, begins_frames: float, frames: int) -> Samples:
    """Return `frames` frames from a place between two of them on."""
    whole = int(np.floor(begins_frames))
    rest = begins_frames - whole
    if rest > 0.0:
        turn = np.exp(2j * np.pi * scipy.fft.rfftfreq(samples.shape[1]) * rest)
        samples = np.asarray(scipy.fft.irfft(scipy.fft.rfft(samples) * turn, n=samples.shape[1]), dtype=np.float32)
    return samples[:, whole : whole + frames]


def _delay_frames(pairs: Sequence[tuple[Samples, Samples]], rate_hz: int) -> float:
    """Return by how many frames the second is later, from the slope of the phase."""
    frames = pairs[0][0].shape[1]
    taper = np.hanning(frames).astype(np.float32)
    cross: Spectrum = np.zeros(frames // 2 + 1, dtype=np.complex128)
    for one, two in pairs:
        for row in range(one.shape[0]):
            cross += np.conj(scipy.fft.rfft(one[row] * taper)) * scipy.fft.rfft(two[row] * taper)
    low, high = (round(edge * frames / rate_hz) for edge in (_LOW_HZ, _HIGH_HZ))
    bins, part = np.arange(low, high), cross[low:high]
    delay = 0.0
    for _ in range(_ROUNDS):
        turned = part * np.exp(2j * np.pi * bins * delay / frames)
        turned *= 1.0 if turned.real.sum() >= 0.0 else -1.0
        phases = np.angle(turned)
        lifted = np.abs(part) * bins * (np.abs(phases) < _IN_STEP_RAD)
        delay -= float((lifted * phases).sum() / max((lifted * bins).sum(), 1e-30)) * frames / (2.0 * np.pi)
    return delay


def _product(one: Samples, two: Samples) -> float:
    return float(np.vdot(one.astype(np.float64), two.astype(np.float64)))

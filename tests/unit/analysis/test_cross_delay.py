"""The delay of two signals to a thousandth of a sample."""

import numpy as np
import pytest
import scipy.fft

from cratehand.analysis.copy_bands import PairWalk
from cratehand.analysis.cross_delay import fine_delay_frames
from cratehand.domain.audio import Samples


def coloured(seed: int, frames: int = 1 << 18) -> Samples:
    """Noise that falls by 6 dB an octave, as music does."""
    spectrum = scipy.fft.rfft(np.random.default_rng(seed).standard_normal(frames))
    spectrum /= np.maximum(np.arange(spectrum.size), 500.0)
    return np.asarray(scipy.fft.irfft(spectrum) * 100.0, dtype=np.float32)


def delayed(signal: Samples, frames: float) -> Samples:
    spectrum = scipy.fft.rfft(signal.astype(np.float64))
    turn = np.exp(-2j * np.pi * np.arange(spectrum.size) * frames / signal.size)
    return np.asarray(scipy.fft.irfft(spectrum * turn), dtype=np.float32)


@pytest.mark.parametrize("frames", [0.0, 0.5, -0.31, 1.27])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_rest_of_a_sample_is_found_in_either_polarity(frames: float, sign: float) -> None:
    signal = coloured(1)
    walk = PairWalk()
    walk.feed(signal, np.float32(sign) * delayed(signal, frames))
    assert fine_delay_frames(walk.finish().crosses.sum(axis=0)) == pytest.approx(frames, abs=1e-3)


def test_a_walk_that_knows_the_rest_finds_the_same_sound() -> None:
    signal = coloured(2)
    walk = PairWalk(later_frames=0.5)
    walk.feed(signal, delayed(signal, 0.5))
    bands = walk.finish()
    rest = bands.current + bands.candidate - 2.0 * bands.common
    assert np.all(rest.sum(axis=0) < 1e-5 * bands.current.sum(axis=0))


def test_silence_has_no_delay() -> None:
    walk = PairWalk()
    walk.feed(np.zeros(1 << 16, np.float32), np.zeros(1 << 16, np.float32))
    assert fine_delay_frames(walk.finish().crosses.sum(axis=0)) == 0.0

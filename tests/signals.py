"""Signals with known truth, made by code: clicks, tones, chords, noise, a small house track."""

import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[np.float32]


def sine(*, frequency_hz: float, duration_s: float, sample_rate_hz: int = 44_100, level: float = 0.5) -> Signal:
    """Return a sine, float32, shape ``(1, frames)``."""
    time_s = np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz
    return (level * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)[np.newaxis]


def noise(*, duration_s: float, sample_rate_hz: int = 44_100, level: float = 0.1, seed: int = 1) -> Signal:
    """Return white noise, float32, shape ``(1, frames)``."""
    rng = np.random.default_rng(seed)
    return (level * rng.standard_normal(round(duration_s * sample_rate_hz))).astype(np.float32)[np.newaxis]


def stereo(mono: Signal) -> Signal:
    """Return the same signal on both channels, shape ``(2, frames)``."""
    return np.repeat(mono, 2, axis=0)

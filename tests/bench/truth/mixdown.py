"""Placing sounds sample-exactly on buses, pumping, and bringing a mix to a master's loudness."""

from typing import Final

import numpy as np
import numpy.typing as npt

RATE_HZ: Final = 44_100
Wave = npt.NDArray[np.float32]
Stereo = npt.NDArray[np.float32]


class Bus:
    """A stereo bus of fixed length."""

    def __init__(self, duration_s: float) -> None:
        self.samples: Stereo = np.zeros((2, round(duration_s * RATE_HZ)), dtype=np.float32)

    def add(self, wave: Wave, at_s: float, *, gain: float = 1.0, pan: float = 0.0) -> None:
        """Add a mono sound, its first frame at the nearest frame to `at_s`; `pan` from -1 to 1."""
        start = round(at_s * RATE_HZ)
        if start < 0:
            wave, start = wave[-start:], 0
        end = min(start + wave.size, self.samples.shape[1])
        if end <= start:
            return
        piece = wave[: end - start]
        self.samples[0, start:end] += np.float32(gain * np.sqrt(0.5 * (1.0 - pan)) * 1.414) * piece
        self.samples[1, start:end] += np.float32(gain * np.sqrt(0.5 * (1.0 + pan)) * 1.414) * piece


def duck(samples: Stereo, kicks_s: list[float], *, depth: float = 0.7, release_s: float = 0.18) -> None:
    """Press the bus down at every kick, in place, as a sidechain compressor does."""
    size = round(release_s * RATE_HZ)
    shape = (1.0 - depth * np.linspace(1.0, 0.0, size) ** 1.5).astype(np.float32)
    for at_s in kicks_s:
        start = round(at_s * RATE_HZ)
        piece = samples[:, start : start + size]
        piece *= shape[: piece.shape[1]]


def master(samples: Stereo, *, rms_db: float, rng: np.random.Generator, floor_db: float = -84.0) -> Stereo:
    """Return the mix at an RMS level, softly limited below full scale, over a noise floor.

    The level holds for the louder half of the mix, so that a quiet part stays quiet.
    """
    size = RATE_HZ // 2
    blocks = samples[:, : samples.shape[1] // size * size].reshape(2, -1, size)
    powers = np.sort(np.einsum("cbs,cbs->b", blocks, blocks) / (2.0 * size))
    loud = float(np.mean(powers[powers.size // 2 :])) if powers.size else 0.0
    gain = 10.0 ** (rms_db / 20.0) / np.sqrt(max(loud, 1e-9))
    limited = samples * np.float32(gain / 0.97)
    np.tanh(limited, out=limited)
    limited *= np.float32(0.97)
    noise = rng.standard_normal(samples.shape, dtype=np.float32)
    noise *= np.float32(10.0 ** (floor_db / 20.0))
    return limited + noise

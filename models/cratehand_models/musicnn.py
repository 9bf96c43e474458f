"""Tags and embedding of three seconds of music with MSD-MusiCNN (Pons and Serra 2019)."""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft

from cratehand.domain.audio import Samples
from cratehand.domain.sound_tags import TAG_NAMES
from cratehand_models.mel_scale import mel_filters
from cratehand_models.session import ModelSession

SAMPLE_RATE_HZ: Final = 16_000
PATCH_HOPS: Final = 187
PATCH_FRAMES: Final = PATCH_HOPS * 256
"""2.992 s at 16 kHz."""
EMBEDDING_LENGTH: Final = 200

TAGS: Final = TAG_NAMES
"""In the order of the model."""

_POINTS: Final = 512
_HOP: Final = 256
_BANDS: Final = 96

Array = npt.NDArray[np.float32]


class MusicnnTagger:
    """Runs the model on patches."""

    def __init__(self, session: ModelSession) -> None:
        self._session = session

    def __call__(self, patches: Array, *, batch: int = 1) -> tuple[Array, Array]:
        """Tag patches.

        Args:
            patches: float32 ``(patches, 187, 96)``, see `log_mel`.
            batch: At most so many at once. On a processor one by one is as quick as sixteen (46 ms each on one core)
                and leaves 20 MB in the process instead of 700.

        Returns:
            Probabilities of `TAGS`, float32 ``(patches, 50)`` in [0, 1], and embeddings, float32 ``(patches, 200)``.
        """
        if not len(patches):
            return np.zeros((0, len(TAGS)), dtype=np.float32), np.zeros((0, EMBEDDING_LENGTH), dtype=np.float32)
        tags, embeddings = self._session.run_batched({"mel": patches}, batch=batch)
        return tags, embeddings


def log_mel(mono: Samples) -> Array:
    """Turn one patch into what the model sees.

    As `musicnn.extractor.batch_data` does with librosa: power spectrum of 512 points (Hann, a hop of 256, the signal
    mirrored at its ends), 96 mel bands after Slaney with equal area, ``log10(10000 x + 1)``.

    Args:
        mono: float32 ``(1, frames)`` at 16 kHz; what is longer than `PATCH_FRAMES` is cut off, what is shorter is
            repeated, as in the model's training.

    Returns:
        float32 ``(187, 96)``.
    """
    signal = np.resize(mono[0], PATCH_FRAMES) if mono.shape[1] < PATCH_FRAMES else mono[0, :PATCH_FRAMES]
    padded = np.pad(signal, _POINTS // 2, mode="reflect")
    hops = np.lib.stride_tricks.sliding_window_view(padded, _POINTS)[::_HOP][:PATCH_HOPS]
    window = np.hanning(_POINTS + 1)[:-1].astype(np.float32)
    power = np.abs(rfft(hops * window, axis=1)) ** 2
    mel = power @ _mel_filters().T
    compressed: Array = np.log10(10_000.0 * mel + 1.0).astype(np.float32)
    return compressed


@cache
def _mel_filters() -> Array:
    """Return float32 ``(96, 257)``, from 0 Hz to 8 kHz."""
    half_hz = SAMPLE_RATE_HZ / 2
    filters = mel_filters(_BANDS, low_hz=0.0, high_hz=half_hz, points=_POINTS, sample_rate_hz=SAMPLE_RATE_HZ)
    return filters.astype(np.float32)

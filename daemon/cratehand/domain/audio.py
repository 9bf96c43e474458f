"""Audio as arrays, and what a file says about its own stream."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
"""float32 in about [-1, 1], shape ``(channels, frames)``; mono is ``(1, frames)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFormat:
    """What the container and the codec of one file declare; nothing here is measured on the sound."""

    codec: str
    """Lower-case codec name: ``mp3 flac pcm aac alac vorbis opus``, else what the decoder calls it."""
    container: str
    """Lower-case container name: ``mp3 flac wav aiff m4a ogg``, else what the decoder calls it."""
    sample_rate_hz: int
    channels: int
    duration_s: float | None
    """Declared length; None where the header does not know. The decoder may deliver less."""
    bit_depth: int | None = None
    """Bits per sample of a lossless stream; None for lossy ones."""
    bit_rate_kbps: float | None = None
    lossless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Audio:
    """A whole signal in memory. Long files are never held like this: see `AudioReader.blocks`."""

    samples: Samples
    sample_rate_hz: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[1] / self.sample_rate_hz)

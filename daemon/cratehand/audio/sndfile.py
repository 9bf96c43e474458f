"""libsndfile as a decoder inside this process."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from cratehand.domain.audio import Samples

_UNKNOWN_FRAMES: Final = 1 << 48
"""libsndfile shows a stream without a length as an absurdly long one."""
_BIT_DEPTHS: Final = {
    "PCM_S8": 8,
    "PCM_U8": 8,
    "PCM_16": 16,
    "PCM_24": 24,
    "PCM_32": 32,
    "FLOAT": 32,
    "DOUBLE": 64,
    "ALAC_16": 16,
    "ALAC_20": 20,
    "ALAC_24": 24,
    "ALAC_32": 32,
}
_CODECS: Final = {"MPEG_LAYER_I": "mp1", "MPEG_LAYER_II": "mp2", "MPEG_LAYER_III": "mp3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SndfileReport:
    """What libsndfile says of a file."""

    codec: str
    sample_rate_hz: int
    channels: int
    frames: int | None
    """None for a stream without a length."""
    bit_depth: int | None


class SndfileStream:
    """Decoded samples of one file."""

    def __init__(self, path: Path) -> None:
        """Open; raises `soundfile.LibsndfileError` where libsndfile can not."""
        # Bytes keep names that are no valid text; Windows wants its wide characters.
        name: Any = str(path) if sys.platform == "win32" else os.fsencode(path)
        self._file = soundfile.SoundFile(name)

    def report(self) -> SndfileReport:
        """Return what the headers say."""
        file, subtype = self._file, str(self._file.subtype)
        bit_depth = _BIT_DEPTHS.get(subtype)
        codec = _CODECS.get(subtype, subtype.lower())
        if bit_depth is not None:
            codec = "flac" if file.format == "FLAC" else "alac" if subtype.startswith("ALAC") else "pcm"
        return SndfileReport(
            codec=codec,
            sample_rate_hz=int(file.samplerate),
            channels=int(file.channels),
            frames=int(file.frames) if file.frames < _UNKNOWN_FRAMES else None,
            bit_depth=bit_depth,
        )

    def read(self, frames: int) -> Samples | None:
        """Return the next frames, float32 ``(channels, frames)``, fewer only at the end; None on damage."""
        try:
            block = self._file.read(frames, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, ValueError):
            return None
        return np.ascontiguousarray(block.T)

    def close(self) -> None:
        """Close the file; allowed twice."""
        self._file.close()

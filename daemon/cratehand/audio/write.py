"""Audio files of 24 bits, written beside themselves, named when they are complete."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from cratehand.domain.audio import Samples
from cratehand.domain.errors import UnavailableError, UnsupportedError

_KINDS: Final = {".flac": "FLAC", ".wav": "WAV"}
_FULL_SCALE: Final = np.float32(1.0 - 2.0**-23)


class FileWriter:
    """Implements `AudioWriter` with libsndfile."""

    def open(self, path: Path, *, sample_rate_hz: int, channels: int) -> "FileWriteSession":
        """Begin a file; see `AudioWriter.open`."""
        kind = _KINDS.get(path.suffix.lower())
        if kind is None:
            raise UnsupportedError(f"{path}: stems are written as .flac or .wav, not {path.suffix or 'without ending'}")
        return FileWriteSession(path, kind=kind, sample_rate_hz=sample_rate_hz, channels=channels)


class FileWriteSession:
    """Implements `AudioWriteSession`."""

    def __init__(self, path: Path, *, kind: str, sample_rate_hz: int, channels: int) -> None:
        self._path = path
        self._part = path.with_name(f".{path.stem[:40]}.{secrets.token_hex(4)}.part")
        self._peak = 0.0
        try:
            self._file = soundfile.SoundFile(
                self._part, "w", samplerate=sample_rate_hz, channels=channels, format=kind, subtype="PCM_24"
            )
        except (soundfile.LibsndfileError, OSError) as error:
            raise UnavailableError(f"{path} can not be written: {error}") from error

    def write(self, samples: Samples) -> None:
        """Take the next block."""
        if samples.size:
            self._peak = max(self._peak, float(np.abs(samples).max()))
        try:
            # libsndfile would let what lies above full scale come out at the other end.
            self._file.write(np.clip(samples.T, -1.0, _FULL_SCALE))
        except (soundfile.LibsndfileError, OSError) as error:
            self.discard()
            raise UnavailableError(f"{self._path} can not be written ({error}): is the disk full?") from error

    def close(self) -> float:
        """End the file."""
        try:
            self._file.close()
            with self._part.open("rb") as written:
                os.fsync(written.fileno())
            self._part.replace(self._path)
        except (soundfile.LibsndfileError, OSError) as error:
            self.discard()
            raise UnavailableError(f"{self._path} can not be written ({error}): is the disk full?") from error
        return self._peak

    def discard(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(soundfile.LibsndfileError, OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)

"""Chromaprint fingerprints as AcoustID knows them, computed by the Chromaprint inside the bundled ffmpeg.

The sound goes through the same steps as in AcoustID's own ``fpcalc``: the first 120 s, 16 bits, mixed to mono and
resampled to 11,025 Hz by libswresample with the filter of ``fpcalc`` (``src/audio/ffmpeg_audio_processor_swresample.h``
of acoustid/chromaprint), then algorithm 2 and the compressed base64 form.
"""

import base64
import logging
import subprocess
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.audio import ffmpeg
from cratehand.domain.audio import Samples
from cratehand.domain.errors import InvalidInputError, UnavailableError

_log = logging.getLogger(__name__)

_LENGTH_S: Final = 120
_TIMEOUT_S: Final = 60.0
_RESAMPLE: Final = (
    "aresample=11025:resampler=swr:filter_size=16:phase_shift=8:linear_interp=1:cutoff=0.8:internal_sample_fmt=s16p"
)


class ChromaprintFingerprinter:
    """Computes Chromaprint fingerprints; implements `Fingerprinter`."""

    def session(self, *, sample_rate_hz: int, channels: int) -> "ChromaprintSession":
        """Begin a signal."""
        if sample_rate_hz <= 0 or channels <= 0:
            raise InvalidInputError(f"a signal has a rate and channels above 0, not {sample_rate_hz} and {channels}")
        return ChromaprintSession(sample_rate_hz=sample_rate_hz)


class ChromaprintSession:
    """One signal: gathers its first 120 s as mono of 16 bits (10 MB at 44.1 kHz), then asks ffmpeg once.

    No process lives between calls, so there is nothing that could be left behind.
    """

    def __init__(self, *, sample_rate_hz: int) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._missing_frames = _LENGTH_S * sample_rate_hz
        self._pieces: list[npt.NDArray[np.int16]] = []

    def feed(self, samples: Samples) -> None:
        """Take the next block; what lies behind 120 s is ignored at no cost."""
        if self._missing_frames <= 0:
            return
        heard = samples[:, : self._missing_frames]
        self._missing_frames -= heard.shape[1]
        mono = heard[0] if heard.shape[0] == 1 else heard.mean(axis=0)
        self._pieces.append(np.clip(np.rint(mono * 32_768.0), -32_768, 32_767).astype("<i2"))

    def finish(self) -> str | None:
        """End the signal; takes about 0.1 s for 120 s of sound.

        Raises:
            UnsupportedError: There is no ffmpeg.
            UnavailableError: ffmpeg did not come to an end.
        """
        pieces, self._pieces, self._missing_frames = self._pieces, [], 0
        if not pieces:
            return None
        return _fingerprint(np.concatenate(pieces), self._sample_rate_hz)

    def close(self) -> None:
        """Forget the signal."""
        self._pieces.clear()
        self._missing_frames = 0


def _fingerprint(mono: npt.NDArray[np.int16], sample_rate_hz: int) -> str | None:
    process = ffmpeg.start(
        [
            *("-v", "error", "-threads", "1", "-f", "s16le", "-ar", str(sample_rate_hz), "-ac", "1", "-i", "pipe:0"),
            *("-af", _RESAMPLE, "-ac", "1", "-f", "chromaprint", "-fp_format", "base64", "pipe:1"),
        ],
        stdin=subprocess.PIPE,
    )
    with process:
        try:
            text, complaint = process.communicate(mono.tobytes(), timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise UnavailableError(f"ffmpeg gave no fingerprint in {_TIMEOUT_S:.0f} s") from error
        except BaseException:
            process.kill()
            raise
    fingerprint = text.decode("ascii", "replace").strip()
    if process.returncode != 0 or not fingerprint:
        _log.warning("ffmpeg gave no fingerprint: %s", complaint.decode("utf-8", "replace").strip()[-200:])
        return None
    # Four bytes come first: the algorithm, then the number of items. Sound below about 3 s has none.
    items = int.from_bytes(base64.urlsafe_b64decode(fingerprint[:6] + "==")[1:4], "big")
    return fingerprint if items else None

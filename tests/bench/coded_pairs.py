"""Music before and after lossy codecs, at another gain and a little later: what a model has to hear alike."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from cratehand.domain.audio import Samples
from tests.bench import voice_material as material
from tests.bench.truth import ffmpeg, set_variants

CODECS: Final = ("mp3 128", "mp3 320", "aac 256", "ogg q6", "opus 160")
RATE_HZ: Final = 44_100
_START_S: Final = 40
_LENGTH_S: Final = 24
_LEAST_S: Final = 20
_SONGS: Final = slice(3, None, 7)
_PIECES: Final = 18
_MADE_SEEDS: Final = (31, 32, 33, 34)
"""Draws of `set_variants` that no bench judges on."""
_MADE_NUMBERS: Final = 6
_MADE_S: Final = (0, 120)
_PEAK: Final = 0.45
"""Room for the overshoot of a codec."""
_OPUS_RATE_HZ: Final = 48_000
"""Opus decodes to this rate alone."""
_QUIETER: Final = 10.0 ** (-14.0 / 20.0)
_LATER: Final = 1105
"""Frames by which an MP3 without a LAME header begins late."""

Sound = tuple[Samples, int]


def coded_pairs(folder: Path) -> Iterator[tuple[Sound, dict[str, Sound]]]:
    """Yield pieces of the music of `tests.bench.voice_material` with what each codec makes of them."""
    paths = [path for side in ("fit", "test") for path in material.songs(folder, side)[_SONGS]]
    for path in paths[:_PIECES]:
        piece = _decode(path, ["-ss", f"{_START_S}", "-t", f"{_LENGTH_S}"])
        if piece.shape[1] < _LEAST_S * RATE_HZ or np.abs(piece).max() < 0.05:
            continue
        piece *= np.float32(_PEAK / np.abs(piece).max())
        yield (piece, RATE_HZ), {codec: _coded(piece, codec) for codec in CODECS}


def made_pairs() -> Iterator[tuple[Sound, dict[str, Sound]]]:
    """Yield music played by code, whose tones are purer than those of records, with what each codec makes of it."""
    for seed in _MADE_SEEDS:
        for number in range(_MADE_NUMBERS):
            samples, _ = set_variants.recording(seed, number)
            piece = samples[:, _MADE_S[0] * RATE_HZ : _MADE_S[1] * RATE_HZ]
            piece = piece * np.float32(_PEAK / np.abs(piece).max())
            coded = {codec: _coded(piece, codec) for codec in CODECS}
            quieter = np.round(piece * np.float32(_QUIETER * 32768.0)) / np.float32(32768.0)
            later = np.pad(piece, ((0, 0), (_LATER, 0)))
            yield (piece, RATE_HZ), coded | {"quieter": (quieter, RATE_HZ), "later": (later, RATE_HZ)}


def _coded(piece: Samples, codec: str) -> Sound:
    rate_hz = _OPUS_RATE_HZ if codec.startswith("opus") else RATE_HZ
    with tempfile.TemporaryDirectory() as folder:
        master, coded = Path(folder, "master.wav"), Path(folder, f"coded.{ffmpeg.CODECS[codec][0]}")
        soundfile.write(master, piece.T, RATE_HZ, subtype="PCM_24")
        ffmpeg.encode(master, coded, codec)
        return _decode(coded, [], rate_hz), rate_hz


def _decode(path: Path, part: list[str], rate_hz: int = RATE_HZ) -> Samples:
    raw = ffmpeg.run([*part, "-i", f"file:{path}", "-ac", "2", "-ar", f"{rate_hz}", "-f", "f32le", "pipe:1"])
    return np.ascontiguousarray(np.frombuffer(raw, dtype="<f4").reshape(-1, 2).T)

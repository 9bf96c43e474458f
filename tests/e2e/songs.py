"""Short songs as files, each with a sound of its own, made quickly."""

import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cratehand.domain.fields import Field
from tests.audio_files import write_audio
from tests.music import Song, groove


@functools.cache
def song(number: int, *, bars: int = 4) -> Song:
    """Return song `number`: house drums with bass and chords, 120 BPM and up, another key each."""
    return groove(tempo_bpm=120.0 + number % 40, bars=bars, tonic=number % 12)


def write_song(
    path: Path, number: int, *, tags: Mapping[Field, object] | None = None, codec: str | None = None, bars: int = 4
) -> Path:
    """Write song `number` (8 s or less) to a file, whose folder is made; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_audio(path, song(number, bars=bars).samples, codec=codec, tags=tags)


def write_long(path: Path, number: int, *, minutes: float = 6.0) -> Path:
    """Write a long file that only ffmpeg decodes, made quickly: song `number` over and over, as ALAC in m4a."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = song(number).samples
    repeats = round(minutes * 60.0 * 44_100 / samples.shape[1])
    return write_audio(path, np.tile(samples[:1], repeats), codec="alac")

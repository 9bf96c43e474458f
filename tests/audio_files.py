"""Real audio files of every format, made by code: WAV, AIFF and FLAC by libsndfile, the rest by the bundled ffmpeg."""

import subprocess
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import imageio_ffmpeg
import mutagen
import mutagen.aiff
import mutagen.flac
import mutagen.id3
import mutagen.mp4
import mutagen.oggopus
import mutagen.oggvorbis
import mutagen.wave
import numpy as np
import soundfile

from cratehand.domain.fields import Field
from cratehand.domain.key import MusicalKey
from tests.signals import Signal

_SNDFILE: Final = {
    "wav": ("WAV", "PCM_16"),
    "wav8": ("WAV", "PCM_U8"),
    "wav24": ("WAV", "PCM_24"),
    "wav32": ("WAV", "PCM_32"),
    "wavfloat": ("WAV", "FLOAT"),
    "wavex": ("WAVEX", "PCM_24"),
    "rf64": ("RF64", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "aiff24": ("AIFF", "PCM_24"),
    "aifc": ("AIFF", "FLOAT"),
    "caf": ("CAF", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "flac24": ("FLAC", "PCM_24"),
}
_FFMPEG: Final = {
    "mp3": ("mp3", ["-c:a", "libmp3lame", "-b:a", "192k"]),
    "mp3v2": ("mp3", ["-c:a", "libmp3lame", "-q:a", "2"]),
    "mp3plain": ("mp3", ["-c:a", "libmp3lame", "-q:a", "2", "-write_xing", "0"]),
    "m4a": ("ipod", ["-c:a", "aac", "-b:a", "192k", "-movflags", "+faststart"]),
    "m4alate": ("ipod", ["-c:a", "aac", "-b:a", "192k"]),
    "alac": ("ipod", ["-c:a", "alac", "-sample_fmt", "s16p"]),
    "aac": ("adts", ["-c:a", "aac", "-b:a", "192k"]),
    "ogg": ("ogg", ["-c:a", "libvorbis", "-q:a", "6"]),
    "opus": ("ogg", ["-c:a", "libopus", "-b:a", "160k"]),
    "oggflac": ("ogg", ["-c:a", "flac", "-sample_fmt", "s16"]),
    "flacstream": ("flac", ["-c:a", "flac", "-sample_fmt", "s16"]),
    "wavstream": ("wav", ["-c:a", "pcm_s16le"]),
    "webm": ("webm", ["-c:a", "libopus"]),
    "wma": ("asf", ["-c:a", "wmav2"]),
    "wavpack": ("wv", ["-c:a", "wavpack", "-sample_fmt", "s16p"]),
}
SUFFIXES: Final = {
    "wav8": "wav", "wav24": "wav", "wav32": "wav", "wavfloat": "wav", "wavex": "wav", "rf64": "wav", "wavstream": "wav",
    "aiff24": "aiff", "aifc": "aif", "flac24": "flac", "flacstream": "flac", "mp3v2": "mp3", "mp3plain": "mp3",
    "m4alate": "m4a", "alac": "m4a", "oggflac": "oga", "wavpack": "wv",
}  # fmt: skip
"""The usual file name ending of a codec here; the codec itself where it is not named."""
CODECS: Final = (*_SNDFILE, *_FFMPEG)
"""Everything `write_audio` takes as `codec`."""


def write_audio(
    path: Path,
    samples: Signal,
    sample_rate_hz: int = 44_100,
    *,
    codec: str | None = None,
    tags: Mapping[Field, object] | None = None,
) -> Path:
    """Write a real audio file; its name is not believed, so any name may hold any codec.

    Args:
        path: Where; the folder exists.
        samples: float32 in [-1, 1], shape ``(channels, frames)``.
        sample_rate_hz: Opus is always written at 48 kHz, others as given.
        codec: One of `CODECS`; the ending of `path` where None.
        tags: Text, number and key fields to be written as a DJ program would.

    Returns:
        `path`, for chaining.
    """
    codec = codec or path.suffix.lower().removeprefix(".").replace("aif", "aiff").replace("aifff", "aiff")
    if codec in _SNDFILE:
        kind, subtype = _SNDFILE[codec]
        buffer = BytesIO()
        soundfile.write(buffer, samples.T, sample_rate_hz, format=kind, subtype=subtype)
        path.write_bytes(buffer.getvalue())
    else:
        muxer, options = _FFMPEG[codec]
        source = ["-f", "f32le", "-ar", str(sample_rate_hz), "-ac", str(samples.shape[0]), "-i", "pipe:0"]
        # A pipe can't be gone back in, so the header stays without length, as in a recorded stream.
        is_stream = codec.endswith("stream")
        target = "pipe:1" if is_stream else "file:" + str(path.absolute())
        done = subprocess.run(
            [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-bitexact", *source, *options, "-f", muxer, target],
            input=np.ascontiguousarray(samples.T, dtype="<f4").tobytes(),
            capture_output=True,
            check=True,
        )
        if is_stream:
            path.write_bytes(done.stdout)
    if tags:
        tag_audio(path, tags)
    return path


def tag_audio(path: Path, tags: Mapping[Field, object]) -> None:
    """Write tags with mutagen into an existing WAV, AIFF, FLAC, MP3, AAC, M4A or Ogg file; its other tags stay."""
    texts = {field: _text(value) for field, value in tags.items()}
    head = path.read_bytes()[:64]
    if head[4:8] == b"ftyp":
        _tag_mp4(path, texts)
    elif head.startswith((b"fLaC", b"OggS")):
        audio: Any = mutagen.flac.FLAC(path) if head.startswith(b"fLaC") else mutagen.File(path)
        for field, text in texts.items():
            audio[_VORBIS[field]] = text
        audio.save()
    else:
        _tag_id3(path, texts, wrapped=head.startswith((b"RIFF", b"FORM")))


_VORBIS: Final = {
    Field.TITLE: "title", Field.ARTIST: "artist", Field.ALBUM: "album", Field.ALBUM_ARTIST: "albumartist",
    Field.GENRE: "genre", Field.LABEL: "label", Field.REMIXER: "remixer", Field.COMPOSER: "composer",
    Field.MIX: "version", Field.GROUPING: "grouping", Field.COMMENT: "comment", Field.ISRC: "isrc",
    Field.YEAR: "date", Field.TRACK_NUMBER: "tracknumber", Field.DISC_NUMBER: "discnumber", Field.RATING: "rating",
    Field.TEMPO_BPM: "bpm", Field.KEY: "initialkey", Field.ENERGY: "energylevel",
}  # fmt: skip
_ID3: Final = {
    Field.TITLE: "TIT2", Field.ARTIST: "TPE1", Field.ALBUM: "TALB", Field.ALBUM_ARTIST: "TPE2", Field.GENRE: "TCON",
    Field.LABEL: "TPUB", Field.REMIXER: "TPE4", Field.COMPOSER: "TCOM", Field.MIX: "TIT3", Field.GROUPING: "TIT1",
    Field.ISRC: "TSRC", Field.YEAR: "TDRC", Field.TRACK_NUMBER: "TRCK", Field.DISC_NUMBER: "TPOS",
    Field.TEMPO_BPM: "TBPM", Field.KEY: "TKEY",
}  # fmt: skip
_MP4: Final = {
    Field.TITLE: "\xa9nam", Field.ARTIST: "\xa9ART", Field.ALBUM: "\xa9alb", Field.ALBUM_ARTIST: "aART",
    Field.GENRE: "\xa9gen", Field.COMPOSER: "\xa9wrt", Field.GROUPING: "\xa9grp", Field.COMMENT: "\xa9cmt",
    Field.YEAR: "\xa9day",
}  # fmt: skip


def _text(value: object) -> str:
    return value.short if isinstance(value, MusicalKey) else str(value)


def _tag_mp4(path: Path, texts: Mapping[Field, str]) -> None:
    audio: Any = mutagen.mp4.MP4(path)
    for field, text in texts.items():
        if field in _MP4:
            audio[_MP4[field]] = text
        elif field in (Field.TRACK_NUMBER, Field.DISC_NUMBER):
            audio["trkn" if field is Field.TRACK_NUMBER else "disk"] = [(int(text), 0)]
        elif field is Field.TEMPO_BPM:
            audio["tmpo"] = [round(float(text))]
        else:
            audio[f"----:com.apple.iTunes:{_VORBIS[field].upper()}"] = [text.encode()]
    audio.save()


def _tag_id3(path: Path, texts: Mapping[Field, str], *, wrapped: bool) -> None:
    """Write ID3v2: into a chunk of WAV or AIFF, else at the start of the file."""
    audio: Any
    if wrapped:
        is_wav = path.read_bytes()[:4] == b"RIFF"
        audio = mutagen.wave.WAVE(path) if is_wav else mutagen.aiff.AIFF(path)
        if audio.tags is None:
            audio.add_tags()
        frames = audio.tags
    else:
        try:
            audio = mutagen.id3.ID3(path)
        except mutagen.id3.ID3NoHeaderError:
            audio = mutagen.id3.ID3()
        frames = audio
    for field, text in texts.items():
        if field is Field.COMMENT:
            frames.add(mutagen.id3.COMM(encoding=3, lang="eng", desc="", text=[text]))
        elif field is Field.RATING:
            frames.add(mutagen.id3.POPM(email="traktor@native-instruments.de", rating=51 * int(text)))
        elif field in _ID3:
            frames.add(mutagen.id3.Frames[_ID3[field]](encoding=3, text=[text]))
        else:
            frames.add(mutagen.id3.TXXX(encoding=3, desc=_VORBIS[field].upper(), text=[text]))
    audio.save(path)

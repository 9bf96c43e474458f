"""What a file is and which decoder suits it, found out without decoding it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import soundfile

from cratehand.audio import boxes, chunks, ffmpeg, mpeg, ogg
from cratehand.audio.container import Container, opened, printable, recognise
from cratehand.audio.sndfile import SndfileReport, SndfileStream
from cratehand.domain.audio import AudioFormat
from cratehand.domain.errors import CorruptFileError, UnsupportedError

_SAMPLE_RATES_HZ: Final = range(1_000, 768_001)
_CHANNELS: Final = range(1, 65)
_LOSSLESS: Final = frozenset({"pcm", "flac", "alac", "wavpack", "ape", "tta"})
_OPUS_RATE_HZ: Final = 48_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a file is to be decoded, and what it is."""

    container: Container
    is_native: bool
    """Whether libsndfile decodes it; else ffmpeg does."""
    format: AudioFormat
    is_cut: bool = False
    """The container ends before it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What our own look at a container found, before any decoder was asked."""

    is_native: bool
    sound_bytes: int
    declared_frames: int | None = None
    is_cut: bool = False
    format: AudioFormat | None = None
    """Complete where the container alone says everything."""


def inspect(path: Path, *, stall_s: float = ffmpeg.STALL_S) -> Opening:
    """Find out what a file is; raises like `AudioReader.probe`. ffmpeg may be silent for `stall_s`."""
    with opened(path) as file:
        container = recognise(file, path)
        look = _LOOKS.get(container, _look_at_other)(file, path)
    if look.is_native and (report := _native_report(path)) is not None:
        declared = look.declared_frames or report.frames
        sound = _format(report, container, None if declared is None else declared / report.sample_rate_hz, look)
        # libsndfile stumbles over the end of a stream whose length it does not know.
        look = look if report.frames is not None else _without_native(look)
    elif look.format is not None:
        sound = look.format
        look = _without_native(look)
    else:
        foreign = ffmpeg.probe(path, container, stall_s=stall_s)
        declared_s = look.declared_frames / foreign.sample_rate_hz if look.declared_frames else foreign.duration_s
        if container is Container.ADTS:
            declared_s = None  # ffmpeg guesses it from the size
        look, sound = _without_native(look), _format(foreign, container, declared_s, look)
    _check(sound, path)
    return Opening(container=container, is_native=look.is_native, format=sound, is_cut=look.is_cut)


def _without_native(look: _Look) -> _Look:
    return _Look(is_native=False, sound_bytes=look.sound_bytes, is_cut=look.is_cut)


def _native_report(path: Path) -> SndfileReport | None:
    """Ask libsndfile; None where it can't open the file or finds no sound in it, so that ffmpeg may try."""
    try:
        stream = SndfileStream(path)
    except (soundfile.LibsndfileError, OSError, ValueError):
        return None
    try:
        report = stream.report()
        # Reading a little shows codecs that open and then refuse.
        first = stream.read(16)
        return report if report.frames != 0 and first is not None and first.size else None
    finally:
        stream.close()


def _format(
    report: SndfileReport | ffmpeg.FfmpegReport, container: Container, duration_s: float | None, look: _Look
) -> AudioFormat:
    lossless = report.codec in _LOSSLESS
    if report.codec == "pcm" and report.bit_depth is not None:
        bit_rate_kbps: float | None = report.sample_rate_hz * report.channels * report.bit_depth / 1000
    else:
        bit_rate_kbps = round(look.sound_bytes * 8 / duration_s / 1000, 1) if duration_s and not look.is_cut else None
    return AudioFormat(
        codec=report.codec,
        container=container.value,
        sample_rate_hz=report.sample_rate_hz,
        channels=report.channels,
        duration_s=duration_s,
        bit_depth=report.bit_depth if lossless else None,
        bit_rate_kbps=bit_rate_kbps,
        lossless=lossless,
    )


def _check(sound: AudioFormat, path: Path) -> None:
    """Refuse numbers that only damage writes; they would make blocks of absurd size."""
    if sound.sample_rate_hz not in _SAMPLE_RATES_HZ or sound.channels not in _CHANNELS:
        raise CorruptFileError(
            f"{printable(path)}: declares {sound.sample_rate_hz} Hz and {sound.channels} channels, which is damage"
        )


def _look_at_chunks(file: BinaryIO, path: Path) -> _Look:
    layout = chunks.read_layout(file)
    if layout is None:
        raise CorruptFileError(f"{printable(path)}: has no sample chunk; the file is damaged or was cut")
    if layout.end <= layout.start:
        raise CorruptFileError(f"{printable(path)}: holds no sound")
    return _Look(
        is_native=True,
        sound_bytes=layout.end - layout.start,
        declared_frames=layout.declared_frames,
        is_cut=layout.is_cut,
    )


def _look_at_mpeg(file: BinaryIO, path: Path) -> _Look:
    stream = mpeg.read_stream(file)
    if stream is None:
        raise CorruptFileError(f"{printable(path)}: has no MPEG frames")
    header, sound_bytes = stream.header, stream.end - stream.start
    declared = stream.declared_frames
    duration_s = declared / header.sample_rate_hz if declared else None
    is_cut = stream.xing is not None and (stream.xing.size_bytes or 0) > sound_bytes + mpeg.HEADER_TOLERANCE_BYTES
    bit_rate_kbps: float | None = header.bit_rate_kbps if mpeg.has_constant_bit_rate(file, stream) else None
    if duration_s and not is_cut:
        bit_rate_kbps = round(sound_bytes * 8 / duration_s / 1000, 1)
    sound = AudioFormat(
        codec=f"mp{header.layer}",
        container=Container.MP3.value,
        sample_rate_hz=header.sample_rate_hz,
        channels=header.channels,
        duration_s=duration_s,
        bit_rate_kbps=bit_rate_kbps,
    )
    # libsndfile believes the Xing header blindly, and without one guesses a length and stops there.
    return _Look(
        is_native=stream.is_consistent,
        sound_bytes=sound_bytes,
        declared_frames=declared,
        is_cut=is_cut,
        format=sound,
    )


def _look_at_movie(file: BinaryIO, path: Path) -> _Look:
    movie = boxes.read_movie(file)
    if movie.is_protected:
        raise UnsupportedError(f"{printable(path)}: is protected by DRM; only its own player can open it")
    if not movie.has_index:
        raise CorruptFileError(f"{printable(path)}: its index is missing, as after an interrupted copy; copy it again")
    return _Look(is_native=False, sound_bytes=sum(end - start for start, end in movie.media), is_cut=movie.is_cut)


def _look_at_ogg(file: BinaryIO, path: Path) -> _Look:
    info = ogg.read_info(file)
    sound_bytes = file.seek(0, 2)
    if info.codec != "opus" or info.channels < 1 or info.last_position is None:
        return _Look(is_native=info.codec == "vorbis", sound_bytes=sound_bytes, is_cut=not info.is_complete)
    duration_s = max(0, info.last_position - info.pre_skip_frames) / _OPUS_RATE_HZ
    sound = AudioFormat(
        codec="opus",
        container=Container.OGG.value,
        sample_rate_hz=_OPUS_RATE_HZ,
        channels=info.channels,
        duration_s=duration_s or None,
        bit_rate_kbps=round(sound_bytes * 8 / duration_s / 1000, 1) if duration_s else None,
    )
    return _Look(is_native=False, sound_bytes=sound_bytes, is_cut=not info.is_complete, format=sound)


def _look_at_sndfile_kind(file: BinaryIO, path: Path) -> _Look:
    return _Look(is_native=True, sound_bytes=file.seek(0, 2))


def _look_at_other(file: BinaryIO, path: Path) -> _Look:
    return _Look(is_native=False, sound_bytes=file.seek(0, 2))


_LOOKS: Final[dict[Container, Callable[[BinaryIO, Path], _Look]]] = {
    Container.WAV: _look_at_chunks,
    Container.AIFF: _look_at_chunks,
    Container.MP3: _look_at_mpeg,
    Container.M4A: _look_at_movie,
    Container.OGG: _look_at_ogg,
    Container.FLAC: _look_at_sndfile_kind,
    Container.W64: _look_at_sndfile_kind,
    Container.CAF: _look_at_sndfile_kind,
}

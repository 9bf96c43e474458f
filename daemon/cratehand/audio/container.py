"""Which container a file really is: its content decides, its name is not believed."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final

from cratehand.audio import mpeg
from cratehand.domain.errors import CorruptFileError, NotFoundError, UnavailableError


class Container(StrEnum):
    """Containers that can be read, by the name that `AudioFormat.container` shows."""

    MP3 = "mp3"
    FLAC = "flac"
    WAV = "wav"
    """RIFF, RIFX, RF64 and BW64."""
    W64 = "w64"
    AIFF = "aiff"
    """AIFF and AIFF-C."""
    M4A = "m4a"
    """MP4 and QuickTime."""
    ADTS = "adts"
    """Bare AAC."""
    OGG = "ogg"
    MATROSKA = "matroska"
    ASF = "asf"
    WAVPACK = "wavpack"
    CAF = "caf"


_MAGIC: Final = (
    (0, b"fLaC", Container.FLAC),
    (0, b"OggS", Container.OGG),
    (4, b"ftyp", Container.M4A),
    (4, b"moov", Container.M4A),
    (4, b"mdat", Container.M4A),
    (4, b"wide", Container.M4A),
    (0, b"\x1aE\xdf\xa3", Container.MATROSKA),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Container.ASF),
    (0, b"wvpk", Container.WAVPACK),
    (0, b"caff", Container.CAF),
    (0, b"riff\x2e\x91\xcf\x11", Container.W64),
)
"""Offset and bytes that a container begins with."""

_FORMS: Final = {
    (b"RIFF", b"WAVE"): Container.WAV,
    (b"RIFX", b"WAVE"): Container.WAV,
    (b"RF64", b"WAVE"): Container.WAV,
    (b"BW64", b"WAVE"): Container.WAV,
    (b"FORM", b"AIFF"): Container.AIFF,
    (b"FORM", b"AIFC"): Container.AIFF,
}
"""First and third word of the chunked containers."""

_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP})


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn every error of the operating system inside the block into `NotFoundError` or `UnavailableError`."""
    try:
        yield
    except OSError as error:
        if error.errno in _GONE:
            raise NotFoundError(f"{printable(path)}: no such file") from error
        raise UnavailableError(f"{printable(path)}: can not be read now ({error.strerror or error})") from error
    except ValueError as error:
        if "null" not in str(error):
            raise
        raise NotFoundError(f"{printable(path)}: no such file") from error


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file for reading; every error of the operating system inside the block is translated.

    Raises:
        NotFoundError: No such file.
        CorruptFileError: A folder, a device or an empty file.
        UnavailableError: There, but can not be read now.
    """
    with translated(path):
        # A pipe or a device is never opened: opening alone could wait for ever.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise CorruptFileError(f"{printable(path)}: not a file but a folder or a device")
        if status.st_size == 0:
            raise CorruptFileError(f"{printable(path)}: the file is empty")
        with path.open("rb") as file:
            yield file


def recognise(file: BinaryIO, path: Path) -> Container:
    """Tell the container from the first bytes behind any ID3 tag; `path` is for the message only.

    Raises:
        CorruptFileError: Nothing that holds audio.
    """
    start = mpeg.skip_id3(file)
    file.seek(start)
    head = file.read(16)
    if form := _FORMS.get((head[:4], head[8:12])):
        return form
    for offset, magic, container in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return container
    if mpeg.is_adts(file, start):
        return Container.ADTS
    if mpeg.find_frame(file, start) is not None:
        return Container.MP3
    raise CorruptFileError(f"{printable(path)}: not an audio file ({_describe(head)}); it may be damaged or misnamed")


def _describe(head: bytes) -> str:
    """Say in a word what the bytes are instead."""
    for magic, name in (
        (b"PK\x03\x04", "a zip archive"),
        (b"\xff\xd8\xff", "a JPEG picture"),
        (b"\x89PNG", "a PNG picture"),
        (b"%PDF", "a PDF document"),
        (b"Rar!", "a RAR archive"),
        (b"MThd", "a MIDI file"),
    ):
        if head.startswith(magic):
            return name
    if not head.strip(b"\0"):
        return "only zeros, as after an interrupted copy"
    return "unknown content"


def printable(path: Path) -> str:
    """Return a path for a message: one line, also with line breaks or undecodable bytes in the name."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace") if os.name == "posix" else str(path)
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)

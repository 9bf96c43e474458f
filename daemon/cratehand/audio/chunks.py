"""The chunked containers of plain samples: WAV (RIFF, RIFX, RF64, BW64) and AIFF / AIFF-C.

Sources: Microsoft's multimedia programming interface (RIFF), EBU Tech 3306 (RF64), Apple's AIFF-C draft of 1991.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal

from cratehand.audio import mpeg

_MAX_CHUNKS: Final = 10_000
"""A file made of millions of empty chunks must not keep us busy."""
_UNKNOWN_SIZES: Final = frozenset({0, 0xFFFF_FFFF, 0xFFFF_FFFE, 0x7FFF_FFFF, 0x7FFF_FFFE, 0x8000_0000})
"""What programs write that did not know the length when they began."""
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SAMPLES_FIRST: Final = frozenset({b"NONE", b"sowt", b"twos", b"fl32", b"FL32", b"fl64", b"FL64", b"in24", b"in32"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One chunk; `size_bytes` as the header says, which may lie beyond the end of the file."""

    name: bytes
    start: int
    """Offset of its first content byte."""
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleLayout:
    """Where the samples lie and how they are written."""

    start: int
    end: int
    """Never beyond the end of the file."""
    declared_frames: int | None
    """None where the header does not know it."""
    is_cut: bool
    """Whether the sample chunk reaches beyond the end of the file."""
    description: bytes
    """The same bytes for the same way of writing samples, whichever header variant says so."""


def read_layout(file: BinaryIO) -> SampleLayout | None:
    """Find the samples of a WAV or AIFF file; None where a needed chunk is missing."""
    file.seek(mpeg.skip_id3(file))
    return _aiff(file) if file.read(4) == b"FORM" else _wav(file)


def walk(file: BinaryIO) -> Iterator[Chunk]:
    """Yield the chunks in file order, 64-bit sizes of RF64 put in place; an ID3 tag before them is passed over."""
    start = mpeg.skip_id3(file)
    file.seek(start)
    form = file.read(12)[:4]
    order: Literal["big", "little"] = "big" if form in (b"RIFX", b"FORM") else "little"
    end = file.seek(0, 2)
    long_data_bytes: int | None = None
    offset = start + 12
    for _ in range(_MAX_CHUNKS):
        if offset + 8 > end:
            return
        file.seek(offset)
        head = file.read(8)
        name, size = head[:4], int.from_bytes(head[4:], order)
        if name == b"ds64":
            long_data_bytes = int.from_bytes(file.read(16)[8:], "little")
        if name == b"data" and form in (b"RF64", b"BW64") and size == 0xFFFF_FFFF and long_data_bytes is not None:
            size = long_data_bytes
        yield Chunk(name=name, start=offset + 8, size_bytes=size)
        offset += 8 + size + size % 2


def _wav(file: BinaryIO) -> SampleLayout | None:
    file.seek(mpeg.skip_id3(file))
    order: Literal["big", "little"] = "big" if file.read(4) == b"RIFX" else "little"
    file_end = file.seek(0, 2)
    description, block_bytes, is_plain = b"", 0, False
    for chunk in walk(file):
        if chunk.name == b"fmt ":
            file.seek(chunk.start)
            content = file.read(min(chunk.size_bytes, 40))
            if len(content) < 16:
                return None
            fields = [int.from_bytes(content[at : at + 2], order) for at in (0, 12)]
            tag, block_bytes = fields
            if tag == _EXTENSIBLE and len(content) >= 26:
                tag = int.from_bytes(content[24:26], "little")
            is_plain = tag in (_PCM, _FLOAT)
            description = tag.to_bytes(2, "little") + content[2:8] + content[12:16]
        elif chunk.name == b"data":
            if not description:
                return None
            is_known = chunk.size_bytes not in _UNKNOWN_SIZES
            end = min(chunk.start + chunk.size_bytes, file_end) if is_known else file_end
            frames = chunk.size_bytes // block_bytes if is_known and is_plain and block_bytes else None
            return SampleLayout(
                start=chunk.start,
                end=end,
                declared_frames=frames,
                is_cut=is_known and chunk.start + chunk.size_bytes > file_end,
                description=description,
            )
    return None


def _aiff(file: BinaryIO) -> SampleLayout | None:
    file_end = file.seek(0, 2)
    description, frames, is_plain = b"", 0, True
    sound: Chunk | None = None
    for chunk in walk(file):
        if chunk.name == b"COMM":
            file.seek(chunk.start)
            content = file.read(min(chunk.size_bytes, 22))
            if len(content) < 18:
                return None
            frames = int.from_bytes(content[2:6], "big")
            description = content[0:2] + content[6:]
            is_plain = content[18:22] in (b"", *_SAMPLES_FIRST)
        elif chunk.name == b"SSND":
            sound = chunk
        if sound is not None and description:
            file.seek(sound.start)
            start = sound.start + 8 + int.from_bytes(file.read(4), "big")
            end = min(sound.start + sound.size_bytes, file_end)
            declared = frames if is_plain and frames else None
            return SampleLayout(
                start=start,
                end=max(start, end),
                declared_frames=declared,
                is_cut=sound.start + sound.size_bytes > file_end,
                description=description,
            )
    return None

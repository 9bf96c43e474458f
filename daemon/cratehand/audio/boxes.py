"""MP4 and QuickTime boxes: where the media data lies, and whether it is protected (ISO/IEC 14496-12)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

_MAX_BOXES: Final = 200_000
"""Fragmented files have two per fragment; an endless row of empty boxes must not keep us busy."""
_PATH_TO_SAMPLES: Final = (b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_PROTECTED: Final = frozenset({b"drms", b"drmi", b"enca", b"encv", b"aavd"})
"""Sample entries of encrypted media: FairPlay, Common Encryption, Audible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box. `end` may lie beyond the end of a truncated file."""

    kind: bytes
    start: int
    """Offset of its first content byte."""
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieLayout:
    """What stands in the top level of the file."""

    media: tuple[tuple[int, int], ...]
    """Start and end of each stretch of media data, inside the file."""
    has_index: bool
    """Whether the movie box is there, without which nothing can be decoded."""
    is_protected: bool
    is_cut: bool
    """Whether a box reaches beyond the end of the file."""


def read_movie(file: BinaryIO) -> MovieLayout:
    """Walk the boxes; nothing but their heads is read."""
    file_end = file.seek(0, 2)
    media: list[tuple[int, int]] = []
    has_index = is_protected = is_cut = False
    for box in walk(file, 0, file_end):
        is_cut = is_cut or box.end > file_end
        if box.kind == b"mdat":
            media.append((box.start, min(box.end, file_end)))
        elif box.kind == b"moov" and box.end <= file_end:
            has_index = True
            is_protected = is_protected or any(entry in _PROTECTED for entry in _sample_entries(file, box))
    return MovieLayout(media=tuple(media), has_index=has_index, is_protected=is_protected, is_cut=is_cut)


def walk(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two offsets, in file order."""
    offset = start
    for _ in range(_MAX_BOXES):
        if offset + 8 > end:
            return
        file.seek(offset)
        head = file.read(16)
        size, kind, content = int.from_bytes(head[:4], "big"), head[4:8], offset + 8
        if size == 1:
            size, content = int.from_bytes(head[8:16], "big"), offset + 16
        elif size == 0:
            size = end - offset
        if size < content - offset:
            return
        yield Box(kind=kind, start=content, end=offset + size)
        offset += size


def _sample_entries(file: BinaryIO, movie: Box) -> list[bytes]:
    level = [movie]
    for kind in _PATH_TO_SAMPLES:
        level = [box for parent in level for box in walk(file, parent.start, parent.end) if box.kind == kind][:1000]
    # A sample description begins with version, flags and the number of entries.
    return [entry.kind for table in level for entry in list(walk(file, table.start + 8, table.end))[:100]]

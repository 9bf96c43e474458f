"""Covers in tags: what they are and which of two is the larger."""

import struct
from dataclasses import dataclass
from typing import Final

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_FRAME_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS: Final = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """One picture."""

    data: bytes
    mime: str
    """``image/jpeg`` or ``image/png``; other kinds are not understood by players."""

    @property
    def size(self) -> tuple[int, int]:
        """Number of pixels, then of bytes: what larger means."""
        width, height = _pixels(self.data)
        return width * height, len(self.data)

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height; 0 where they can't be read."""
        return _pixels(self.data)


def cover_of(data: bytes) -> Cover | None:
    """Return the picture that some bytes are; None where they are neither JPEG nor PNG."""
    if data.startswith(b"\xff\xd8\xff"):
        return Cover(data=data, mime="image/jpeg")
    return Cover(data=data, mime="image/png") if data.startswith(_PNG) else None


def larger(one: Cover | None, other: Cover | None) -> Cover | None:
    """Return the larger of two covers; the first where they are equal."""
    if one is None or other is None:
        return one or other
    return other if other.size > one.size else one


def _pixels(data: bytes) -> tuple[int, int]:
    if data.startswith(_PNG) and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    # JPEG (ITU-T T.81, B.1.1.4): segments of a marker and a length; the frame header holds height and width.
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAME_MARKERS:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 if marker in _BARE_MARKERS else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0, 0

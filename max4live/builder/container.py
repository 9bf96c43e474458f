"""The `.amxd` container of a frozen device: written from files, and read back.

Layout, as found in 105 real devices: ``ampf`` with the kind, ``meta``, ``ptch`` with the body. A frozen body begins
with ``mx@c``, then come the files back to back, the main patcher first, then ``dlst``, the list of them. Sizes outside
the body are little-endian, inside big-endian; a field's size includes its own head of eight bytes.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final


class DeviceKind(Enum):
    """What Live takes a device for; the value is its tag."""

    AUDIO_EFFECT = b"aaaa"
    MIDI_EFFECT = b"mmmm"
    INSTRUMENT = b"iiii"

    @property
    def number(self) -> int:
        """The tag as the patcher's ``project.amxdtype`` holds it."""
        return int.from_bytes(self.value, "big")


class DamagedContainerError(ValueError):
    """The bytes are no frozen device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFile:
    """One file inside a device."""

    name: str
    type: bytes
    """Four letters: ``JSON`` for patchers, ``TEXT`` for scripts."""
    data: bytes


_FROZEN: Final = 7
_MAIN_FLAG: Final = 0x11
_HEAD_BYTES: Final = 8
_LEAD_BYTES: Final = 16
_TIME_MAC: Final = 3_850_000_000
"""Seconds since 1904, the same for every build, so that the same sources give the same bytes."""


def freeze(kind: DeviceKind, files: Sequence[DeviceFile]) -> bytes:
    """Return the device that holds `files`; the first one is its patcher."""
    data, entries = b"", b""
    for index, file in enumerate(files):
        offset = _LEAD_BYTES + len(data)
        entries += _entry(file, offset=offset, flag=_MAIN_FLAG if index == 0 else 0)
        data += file.data
    lead = b"mx@c" + struct.pack(">III", _LEAD_BYTES, 0, _LEAD_BYTES + len(data))
    body = lead + data + _field(b"dlst", entries)
    return b"".join(
        [
            b"ampf" + struct.pack("<I", 4) + kind.value,
            b"meta" + struct.pack("<II", 4, _FROZEN),
            b"ptch" + struct.pack("<I", len(body)) + body,
        ]
    )


def thaw(device: bytes) -> tuple[DeviceKind, list[DeviceFile]]:
    """Read a frozen device back.

    Raises:
        DamagedContainerError: It is none, or it is cut off.
    """
    try:
        return _thaw(device)
    except (struct.error, KeyError, IndexError, ValueError) as error:
        raise DamagedContainerError(f"no frozen device: {error}") from error


def _thaw(device: bytes) -> tuple[DeviceKind, list[DeviceFile]]:
    chunks = dict(_chunks(device))
    body = chunks[b"ptch"]
    if body[:4] != b"mx@c":
        raise DamagedContainerError("the device is not frozen")
    _, _, list_at = struct.unpack(">III", body[4:_LEAD_BYTES])
    ((tag, entries),) = _fields(body[list_at:])
    if tag != b"dlst":
        raise DamagedContainerError("the list of files is missing")
    files = []
    for entry_tag, entry in _fields(entries):
        if entry_tag != b"dire":
            raise DamagedContainerError(f"{entry_tag!r} in the list of files")
        found = dict(_fields(entry))
        size, offset = (int.from_bytes(found[name], "big") for name in (b"sz32", b"of32"))
        if offset + size > list_at:
            raise DamagedContainerError("a file lies behind the end")
        name = found[b"fnam"].rstrip(b"\0").decode("utf-8")
        files.append(DeviceFile(name=name, type=found[b"type"], data=body[offset : offset + size]))
    return DeviceKind(chunks[b"ampf"]), files


def _entry(file: DeviceFile, *, offset: int, flag: int) -> bytes:
    name = file.name.encode("utf-8") + b"\0"
    name += b"\0" * (-len(name) % 4)
    numbers = {b"sz32": len(file.data), b"of32": offset, b"vers": 0, b"flag": flag, b"mdat": _TIME_MAC}
    fields = _field(b"type", file.type) + _field(b"fnam", name)
    return _field(b"dire", fields + b"".join(_field(tag, struct.pack(">I", number)) for tag, number in numbers.items()))


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + struct.pack(">I", _HEAD_BYTES + len(content)) + content


def _fields(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        (size,) = struct.unpack(">I", data[at + 4 : at + 8])
        if size < _HEAD_BYTES or at + size > len(data):
            raise DamagedContainerError(f"a field of {size} bytes")
        yield data[at : at + 4], data[at + _HEAD_BYTES : at + size]
        at += size


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        (size,) = struct.unpack("<I", data[at + 4 : at + 8])
        if at + 8 + size > len(data):
            raise DamagedContainerError(f"a chunk of {size} bytes is cut off")
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size

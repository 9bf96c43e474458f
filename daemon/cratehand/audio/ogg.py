"""Ogg pages and the packets of Vorbis and Opus in them (RFC 3533, RFC 7845, the Vorbis I specification)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

_CHUNK_BYTES: Final = 1 << 20
_MAX_PAGE_BYTES: Final = 27 + 255 + 255 * 255
_FIRST_PAGE, _LAST_PAGE = 2, 4
_HEADER_PACKETS: Final = {b"\x01vorbis": 3, b"OpusHead": 2, b"Speex   ": 2}
"""How many packets come before the sound, by how the first one begins. The second is always the comment."""
_COMMENT_PACKET: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OggInfo:
    """What the first and the last page of an Ogg file say."""

    codec: str
    """``vorbis opus flac speex``, else empty."""
    channels: int
    pre_skip_frames: int
    """Only Opus: frames at 48 kHz that are dropped at the start."""
    last_position: int | None
    """Granule position of the last page; None where it can't be found."""
    is_complete: bool
    """Whether the last page is marked as the last of its stream."""
    flac_md5: bytes
    """Only Ogg FLAC: MD5 of the decoded sound, else empty."""


def read_info(file: BinaryIO) -> OggInfo:
    """Read the identification packet and the last page."""
    file.seek(0)
    head = file.read(27 + 255 + 512)
    packet = head[27 + head[26] :] if len(head) > 27 else b""
    codec, channels, pre_skip, md5 = "", 0, 0, b""
    if packet.startswith(b"\x01vorbis"):
        codec, channels = "vorbis", packet[11]
    elif packet.startswith(b"OpusHead") and len(packet) >= 12:
        codec, channels, pre_skip = "opus", packet[9], int.from_bytes(packet[10:12], "little")
    elif packet.startswith(b"\x7fFLAC") and packet[9:13] == b"fLaC":
        # 9 bytes of mapping, the magic, a block header of 4 bytes, then STREAMINFO.
        codec, md5 = "flac", packet[17 + 18 : 17 + 34]
    elif packet.startswith(b"Speex   "):
        codec = "speex"
    position, is_complete = _last_page(file)
    return OggInfo(
        codec=codec,
        channels=channels,
        pre_skip_frames=pre_skip,
        last_position=position,
        is_complete=is_complete,
        flac_md5=md5,
    )


def _last_page(file: BinaryIO) -> tuple[int | None, bool]:
    end = file.seek(0, 2)
    file.seek(max(0, end - 2 * _MAX_PAGE_BYTES))
    tail = file.read()
    start = tail.rfind(b"OggS")
    if start < 0 or start + 27 > len(tail):
        return None, False
    head = tail[start : start + 27]
    lacing = tail[start + 27 : start + 27 + head[26]]
    is_whole = len(lacing) == head[26] and start + 27 + head[26] + sum(lacing) <= len(tail)
    position = int.from_bytes(head[6:14], "little", signed=True)
    return (position if position >= 0 else None), is_whole and bool(head[5] & _LAST_PAGE)


def sound_packets(file: BinaryIO) -> Iterator[bytes]:
    """Yield all packet bytes of Vorbis, Opus and Speex streams but the comments, whichever way they lie on pages.

    How packets are cut into pages, page numbers and checksums change when a comment grows; these bytes do not.
    """
    packets_seen: dict[bytes, int] = {}
    header_packets: dict[bytes, int] = {}
    for flags, serial, lacing, body in _pages(file):
        if flags & _FIRST_PAGE:
            packets_seen[serial] = 0
            header_packets[serial] = next((n for magic, n in _HEADER_PACKETS.items() if body.startswith(magic)), -1)
        expected = header_packets.get(serial, -1)
        if expected < 0:
            continue
        if packets_seen[serial] >= expected:
            yield body
            continue
        offset = 0
        for size in lacing:
            if packets_seen[serial] != _COMMENT_PACKET:
                yield body[offset : offset + size]
            offset += size
            packets_seen[serial] += size < 255


def _pages(file: BinaryIO) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    """Yield flags, serial number, lacing values and body of every page; what is no page is passed over."""
    file.seek(0)
    buffer, offset, is_end = b"", 0, False
    while True:
        if not is_end and len(buffer) - offset < _MAX_PAGE_BYTES:
            chunk = file.read(_CHUNK_BYTES)
            is_end = not chunk
            buffer, offset = buffer[offset:] + chunk, 0
        if buffer[offset : offset + 4] != b"OggS":
            offset = buffer.find(b"OggS", offset)
            if offset < 0:
                offset = max(0, len(buffer) - 3)
                if is_end:
                    return
            continue
        segments_end = offset + 27 + buffer[offset + 26] if offset + 27 <= len(buffer) else len(buffer) + 1
        lacing = buffer[offset + 27 : segments_end]
        end = segments_end + sum(lacing)
        if end > len(buffer):
            if is_end:
                return
            continue
        yield buffer[offset + 5], buffer[offset + 14 : offset + 18], lacing, buffer[segments_end:end]
        offset = end

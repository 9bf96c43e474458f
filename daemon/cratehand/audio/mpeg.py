"""MPEG audio streams: frames, the Xing header with LAME's encoder delay, and the tags around them.

Sources: ISO/IEC 11172-3 and 13818-3 (frame header), the Xing/LAME header as in LAME's ``VbrTag.c``, id3.org's ID3v2.4
structure, the APEv2 and the Lyrics3 v2 specifications.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

_SEARCH_BYTES: Final = 1 << 18
"""How far behind a tag the first frame is looked for."""
_MAX_TAGS: Final = 16
HEADER_TOLERANCE_BYTES: Final = 2 * 1441
"""Encoders differ in whether the Xing header counts its own frame; 1441 bytes is the largest usual frame."""
_BIT_RATES_KBPS: Final = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLE_RATES_HZ: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHeader:
    """The four bytes before each frame."""

    is_mpeg1: bool
    layer: int
    bit_rate_kbps: int
    sample_rate_hz: int
    channels: int
    size_bytes: int
    frames: int
    """Frames of sound in it (one frame: a sample of every channel)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XingHeader:
    """What the encoder wrote into the silent first frame."""

    frames: int | None
    """MPEG frames that follow."""
    size_bytes: int | None
    delay_frames: int = 0
    padding_frames: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MpegStream:
    """Where the sound lies in the file, and what it declares."""

    start: int
    """First byte of the first frame."""
    end: int
    """First byte behind the sound: a trailing tag, or the end of the file."""
    header: FrameHeader
    xing: XingHeader | None

    @property
    def declared_frames(self) -> int | None:
        """Frames of sound without encoder delay and padding; None without a Xing header."""
        if self.xing is None or self.xing.frames is None:
            return None
        whole = self.xing.frames * self.header.frames
        trimmed = whole - self.xing.delay_frames - self.xing.padding_frames
        return trimmed if trimmed > 0 else whole

    @property
    def is_consistent(self) -> bool:
        """Whether the Xing header fits the bytes that are there: neither cut nor joined."""
        if self.xing is None or self.xing.frames is None or self.xing.size_bytes is None:
            return False
        return abs(self.xing.size_bytes - (self.end - self.start)) <= HEADER_TOLERANCE_BYTES


def read_stream(file: BinaryIO) -> MpegStream | None:
    """Find the sound between the tags; None where there is no frame."""
    start = find_frame(file, skip_id3(file))
    if start is None:
        return None
    file.seek(start)
    head = file.read(2048)
    header = parse_header(head)
    if header is None:
        return None
    end = max(sound_end(file, start), start)
    return MpegStream(start=start, end=end, header=header, xing=_xing(head, header))


def skip_id3(file: BinaryIO) -> int:
    """Return the offset behind all ID3v2 tags at the start of the file."""
    offset = 0
    for _ in range(_MAX_TAGS):
        file.seek(offset)
        size = _id3_size(file.read(10))
        if size is None:
            break
        offset += size
    return offset


def _id3_size(head: bytes) -> int | None:
    if len(head) < 10 or head[:3] != b"ID3" or head[3] == 0xFF or any(byte & 0x80 for byte in head[6:10]):
        return None
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    has_footer = head[5] & 0x10
    return 10 + size + (10 if has_footer else 0)


def sound_end(file: BinaryIO, start: int) -> int:
    """Return the offset behind the last byte that is no trailing tag: ID3v1, APEv2, Lyrics3 or an appended ID3v2."""
    end = max(file.seek(0, 2), start)
    for _ in range(_MAX_TAGS):
        size = _trailing_tag_bytes(file, start, end)
        if not size or end - size < start:
            break
        end -= size
    return end


def _trailing_tag_bytes(file: BinaryIO, start: int, end: int) -> int:
    """Size of the tag that ends at `end`, 0 for none."""
    file.seek(max(start, end - 160))
    tail = file.read(min(160, end - start))
    if tail[-128:-125] == b"TAG":
        return 128
    if tail[-32:-24] == b"APETAGEX":
        size, _, flags = struct.unpack("<III", tail[-20:-8])
        return int(size) + (32 if flags & 0x8000_0000 else 0)
    if tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    if tail[-10:-7] == b"3DI":
        return _id3_size(b"ID3" + tail[-7:]) or 0
    if tail[-9:] == b"LYRICSEND":
        file.seek(max(start, end - 5100 - 20))
        lyrics = file.read(end - file.tell())
        begin = lyrics.rfind(b"LYRICSBEGIN")
        return len(lyrics) - begin if begin >= 0 else 0
    return 0


def parse_header(head: bytes) -> FrameHeader | None:
    """Read a frame header; None where the bytes are none (free format counts as none)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bit_rate_index, rate_index, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bit_rate_index in (0, 15) or rate_index == 3 or head[3] & 3 == 2:
        return None
    is_mpeg1 = version == 3
    table = _BIT_RATES_KBPS[(1, layer) if is_mpeg1 else (2, min(layer, 2))]
    bit_rate_kbps, sample_rate_hz = table[bit_rate_index - 1], _SAMPLE_RATES_HZ[version][rate_index]
    frames = 384 if layer == 1 else 1152 if layer == 2 or is_mpeg1 else 576
    if layer == 1:
        size_bytes = (12_000 * bit_rate_kbps // sample_rate_hz + padding) * 4
    else:
        size_bytes = frames * 125 * bit_rate_kbps // sample_rate_hz + padding
    return FrameHeader(
        is_mpeg1=is_mpeg1,
        layer=layer,
        bit_rate_kbps=bit_rate_kbps,
        sample_rate_hz=sample_rate_hz,
        channels=1 if head[3] >> 6 == 3 else 2,
        size_bytes=size_bytes,
        frames=frames,
    )


def find_frame(file: BinaryIO, start: int) -> int | None:
    """Return the offset of the first frame that two of its kind follow, within 256 KiB; None where there is none.

    At the end of the file fewer may follow, so a file of one frame is found as well.
    """
    file.seek(start)
    data = file.read(_SEARCH_BYTES + 3 * 4096)
    at_end = len(data) < _SEARCH_BYTES
    offset = -1
    while (offset := data.find(b"\xff", offset + 1)) >= 0 and offset < _SEARCH_BYTES:
        if _is_chain(data, offset, at_end=at_end):
            return start + offset
    return None


def has_constant_bit_rate(file: BinaryIO, stream: MpegStream) -> bool:
    """Whether the frames of the first 64 KiB all have the same bit rate."""
    file.seek(stream.start)
    data = file.read(1 << 16)
    offset = 0
    while (header := parse_header(data[offset : offset + 4])) is not None:
        if header.bit_rate_kbps != stream.header.bit_rate_kbps:
            return False
        offset += header.size_bytes
    return True


def _is_chain(data: bytes, offset: int, *, at_end: bool) -> bool:
    first = parse_header(data[offset : offset + 4])
    if first is None:
        return False
    position = offset + first.size_bytes
    for _ in range(2):
        if position + 4 > len(data):
            # Only a frame at the very beginning may stand alone: chance finds one anywhere else.
            return at_end and offset == 0
        following = parse_header(data[position : position + 4])
        if following is None or not _alike(first, following):
            return False
        position += following.size_bytes
    return True


def _alike(one: FrameHeader, other: FrameHeader) -> bool:
    return (one.is_mpeg1, one.layer, one.sample_rate_hz) == (other.is_mpeg1, other.layer, other.sample_rate_hz)


def is_adts(file: BinaryIO, start: int) -> bool:
    """Whether three ADTS frames (bare AAC, ISO/IEC 14496-3 annex 1.A) follow each other from here."""
    offset = start
    for index in range(3):
        file.seek(offset)
        head = file.read(7)
        if len(head) < 7:
            return index > 0 and not head
        if head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
            return False
        size_bytes = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        if size_bytes < 7:
            return False
        offset += size_bytes
    return True


def _xing(frame: bytes, header: FrameHeader) -> XingHeader | None:
    """Read the Xing (VBR) or Info (CBR) header out of the first frame."""
    if header.layer != 3:
        return None
    side_info = {(True, 2): 32, (True, 1): 17, (False, 2): 17, (False, 1): 9}[header.is_mpeg1, header.channels]
    body = frame[4 + side_info : header.size_bytes]
    if body[:4] not in (b"Xing", b"Info") or len(body) < 8:
        return None
    flags = int.from_bytes(body[4:8], "big")
    position, values = 8, {}
    for flag, size in ((1, 4), (2, 4), (4, 100), (8, 4)):
        if flags & flag:
            values[flag] = int.from_bytes(body[position : position + size][:4], "big")
            position += size
    lame = body[position : position + 36]
    delay, padding = 0, 0
    if len(lame) >= 24 and lame[:4] in (b"LAME", b"Lavf", b"Lavc"):
        both = int.from_bytes(lame[21:24], "big")
        delay, padding = both >> 12, both & 0xFFF
    return XingHeader(
        frames=values.get(1) or None, size_bytes=values.get(2) or None, delay_frames=delay, padding_frames=padding
    )

"""Makes ANLZ files byte by byte, after https://djl-analysis.deepsymmetry.org."""

import struct
from collections.abc import Sequence
from pathlib import Path


def tag(name: bytes, head: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">4sII", name, 12 + len(head), 12 + len(head) + len(body)) + head + body


def anlz(*tags: bytes) -> bytes:
    body = b"".join(tags)
    return struct.pack(">4sIIIIII", b"PMAI", 28, 28 + len(body), 1, 0x10000, 0x10000, 0) + body


def pqtz(beats: Sequence[tuple[int, float, float]]) -> bytes:
    """Beats of ``(place in the bar, tempo in BPM, time in seconds)``."""
    body = b"".join(struct.pack(">HHI", place, round(bpm * 100), round(time_s * 1000)) for place, bpm, time_s in beats)
    return tag(b"PQTZ", struct.pack(">III", 0, 0x80000, len(beats)), body)


def pssi(mood: int, end_beat: int, phrases: Sequence[tuple[int, int]]) -> bytes:
    """Phrases of ``(first beat, counted from 1, kind)``."""
    body = b"".join(struct.pack(">HHH18x", number, beat, kind) for number, (beat, kind) in enumerate(phrases, 1))
    return tag(b"PSSI", struct.pack(">IHH6xH2xBx", 24, len(phrases), mood, end_beat, 0), body)


def pwv3(columns: int) -> bytes:
    return tag(b"PWV3", struct.pack(">III", 1, columns, 0x960000), bytes(columns))


def pwv4(columns: Sequence[tuple[int, int, int]]) -> bytes:
    """Columns of low, mid and high, 0..127."""
    body = b"".join(bytes((0, 0, 0, *bands)) for bands in columns)
    return tag(b"PWV4", struct.pack(">III", 6, len(columns), 0), body)


def even_beats(count: int, bpm: float, *, start_s: float = 0.0, place: int = 1) -> list[tuple[int, float, float]]:
    """Beats of one tempo."""
    return [((place - 1 + n) % 4 + 1, bpm, start_s + n * 60.0 / bpm) for n in range(count)]


def write(root: Path, data_path: str, dat: bytes | None, ext: bytes | None = None) -> Path:
    """Write the files that an `AnalysisDataPath` stands for; returns the first."""
    path = root.joinpath(*data_path.strip("/").split("/"))
    path.parent.mkdir(parents=True, exist_ok=True)
    if dat is not None:
        path.write_bytes(dat)
    if ext is not None:
        path.with_suffix(".EXT").write_bytes(ext)
    return path

"""A ``.stem.mp4`` of Native Instruments: the mix and four stems in one MP4, described by a box of its own.

Five stereo tracks, the mix first and the only one that a plain player plays, and ``moov/udta/stem`` with JSON: names
and colours of the stems, and the mastering of their sum, which is off here; as the Stem Creator writes it. The tracks
are Apple Lossless, which has no delay that a player would have to know of.
"""

import json
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from cratehand.audio import ffmpeg
from cratehand.audio.boxes import Box, walk
from cratehand.audio.container import printable
from cratehand.audio.tag_writing import MutagenTagWriter
from cratehand.domain.errors import UnavailableError
from cratehand.domain.stem import StemKind

_LONGEST_S: Final = 3600.0
_HEAD: Final = 8
_COLOURS: Final = {
    StemKind.DRUMS: "#009E73",
    StemKind.BASS: "#D55E00",
    StemKind.OTHER: "#CC79A7",
    StemKind.VOCALS: "#56B4E9",
}
"""Four that also colour-blind people can tell apart; any would do."""
_MASTERING_OFF: Final[dict[str, Any]] = {
    "compressor": {
        "enabled": False, "input_gain": 0.5, "output_gain": 0.5, "threshold": 0, "ratio": 3, "attack": 0.003,
        "release": 0.3, "hp_cutoff": 300, "dry_wet": 50,
    },
    "limiter": {"enabled": False, "threshold": 0, "ceiling": -0.35, "release": 0.05},
}  # fmt: skip


class StemFilePacker:
    """Implements `StemPacker` with ffmpeg and mutagen."""

    def pack(self, target: Path, *, source: Path, mix: Path, stems: Sequence[tuple[StemKind, Path]]) -> None:
        """Write the file; see `StemPacker.pack`."""
        part = target.with_name(f".{target.stem[:40]}.{secrets.token_hex(4)}.part.mp4")
        try:
            _mux(part, [mix, *(path for _, path in stems)], target)
            with part.open("r+b") as file:
                append_description(file, description([kind for kind, _ in stems]))
            MutagenTagWriter().merge(source, part)
            part.replace(target)
        except OSError as error:
            raise _unwritable(target, str(error.strerror or error)) from error
        finally:
            part.unlink(missing_ok=True)


def description(kinds: Sequence[StemKind]) -> dict[str, Any]:
    """Return what the box says."""
    stems = [{"name": kind.value.title(), "color": _COLOURS[kind]} for kind in kinds]
    return {"mastering_dsp": _MASTERING_OFF, "version": 1, "stems": stems}


def append_description(file: BinaryIO, told: dict[str, Any]) -> None:
    """Put ``udta/stem`` at the end of the movie box, which has to be the last of the file.

    So nothing moves that the tables of the movie point at.
    """
    movie = list(walk(file, 0, file.seek(0, 2)))[-1]
    if movie.kind != b"moov":
        raise AssertionError("the movie box is not where ffmpeg is asked to write it")
    box = _box(b"stem", json.dumps(told).encode("ascii"))
    last = list(walk(file, movie.start, movie.end))[-1]
    if last.kind == b"udta":
        _lengthen(file, last, len(box))
    else:
        box = _box(b"udta", box)
    _lengthen(file, movie, len(box))
    file.seek(0, 2)
    file.write(box)


def read_description(path: Path) -> dict[str, Any] | None:
    """Return what the box of a file says; None where it has none."""
    with path.open("rb") as file:
        found = [(0, file.seek(0, 2))]
        for kind in (b"moov", b"udta", b"stem"):
            found = [(box.start, box.end) for level in found for box in walk(file, *level) if box.kind == kind]
        if not found:
            return None
        start, end = found[0]
        file.seek(start)
        told: dict[str, Any] = json.loads(file.read(end - start))
        return told


def _lengthen(file: BinaryIO, box: Box, more_bytes: int) -> None:
    file.seek(box.start - _HEAD)
    file.write((box.end - box.start + _HEAD + more_bytes).to_bytes(4, "big"))


def _box(kind: bytes, content: bytes) -> bytes:
    return (_HEAD + len(content)).to_bytes(4, "big") + kind + content


def _mux(part: Path, tracks: Sequence[Path], target: Path) -> None:
    inputs = [word for path in tracks for word in ("-f", "flac", "-i", f"file:{path.absolute()}")]
    chosen = [word for number in range(len(tracks)) for word in ("-map", f"{number}:a:0")]
    # A track without the flag is there, and not played by who knows nothing of stems.
    flags = [
        word
        for number in range(len(tracks))
        for word in (f"-disposition:a:{number}", "default" if number == 0 else "0")
    ]
    # Without the time and what ffmpeg says of itself the same sound gives the same bytes.
    plain = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-c:a", "alac")
    process = ffmpeg.start(["-v", "error", *inputs, *chosen, *plain, *flags, "-f", "mp4", f"file:{part.absolute()}"])
    with process:
        try:
            _, told = process.communicate(timeout=_LONGEST_S)
        except BaseException as error:
            process.kill()
            if isinstance(error, subprocess.TimeoutExpired):
                raise _unwritable(target, "ffmpeg took too long") from error
            raise
    if process.returncode:
        lines = told.decode("utf-8", "replace").strip().splitlines()
        raise _unwritable(target, lines[-1] if lines else "ffmpeg failed")


def _unwritable(target: Path, reason: str) -> UnavailableError:
    return UnavailableError(f"{printable(target)} can not be written ({reason}): is the disk full?")

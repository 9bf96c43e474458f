"""The bundled ffmpeg as a decoder: a process that writes samples into a pipe, watched, and never left behind."""

import logging
import os
import queue
import re
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final

import imageio_ffmpeg
import numpy as np

from cratehand.audio.container import Container, printable
from cratehand.domain.audio import Samples
from cratehand.domain.errors import CorruptFileError, UnavailableError, UnsupportedError

_log = logging.getLogger(__name__)

STALL_S: Final = 20.0
"""How long ffmpeg may be silent before it counts as hanging: a file on a dead network drive, a hostile file."""
_PIECE_BYTES: Final = 1 << 18
_PIECES_AHEAD: Final = 8
_COMPLAINT_LINES: Final = 20
_MAX_ALLOCATION_BYTES: Final = 1 << 29
_DEMUXERS: Final = {
    Container.MP3: "mp3",
    Container.FLAC: "flac",
    Container.WAV: "wav",
    Container.W64: "w64",
    Container.AIFF: "aiff",
    Container.M4A: "mov",
    Container.ADTS: "aac",
    Container.OGG: "ogg",
    Container.MATROSKA: "matroska",
    Container.ASF: "asf",
    Container.WAVPACK: "wv",
    Container.CAF: "caf",
}
_STREAM_LINE: Final = re.compile(r"^\s+Stream #0:\d+[^\n]*?: Audio: (?P<codec>\w+)(?P<rest>[^\n]*)$", re.MULTILINE)
_DURATION_LINE: Final = re.compile(r"^\s+Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
_BITS: Final = re.compile(r"\b(?:s|u)(?P<format>8|16|32|64)p?\b(?: \((?P<bits>\d+) bit\))?")
_NO_WINDOW: Final = 0x0800_0000
"""CREATE_NO_WINDOW: on Windows a console program would flash a window up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FfmpegReport:
    """What ffmpeg says of the first audio stream of a file."""

    codec: str
    sample_rate_hz: int
    channels: int
    duration_s: float | None
    bit_depth: int | None


def executable() -> str:
    """Return the path of ffmpeg: IMAGEIO_FFMPEG_EXE, else the bundled one.

    Raises:
        UnsupportedError: There is none for this platform.
    """
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())  # type: ignore[attr-defined, no-untyped-call]  # has no types
    except RuntimeError as error:
        raise UnsupportedError(
            "no ffmpeg for this platform: install one and set IMAGEIO_FFMPEG_EXE to its path"
        ) from error


def start(arguments: list[str], *, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start ffmpeg with pipes for what it writes.

    Raises:
        UnsupportedError: The program is not there or can not be run.
        UnavailableError: The system has no room for another process.
    """
    try:
        return subprocess.Popen(
            [executable(), "-hide_banner", "-nostdin", *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            creationflags=_NO_WINDOW if sys.platform == "win32" else 0,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise UnsupportedError(f"ffmpeg can not be started ({error}); check IMAGEIO_FFMPEG_EXE") from error
    except OSError as error:
        raise UnavailableError(f"ffmpeg can not be started now ({error})", retry_after_s=10.0) from error


def _input(path: Path, container: Container) -> list[str]:
    # The demuxer is fixed and only files are allowed: a playlist posing as music can not make ffmpeg open an address.
    # `file:` keeps names that begin with a dash or hold a colon from being read as options or protocols.
    return [
        *("-max_alloc", str(_MAX_ALLOCATION_BYTES), "-protocol_whitelist", "file,pipe", "-threads", "1"),
        *("-f", _DEMUXERS[container], "-i", "file:" + os.fspath(path.absolute())),
        *("-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-c:a", "pcm_f32le"),
    ]


def probe(path: Path, container: Container, *, stall_s: float = STALL_S) -> FfmpegReport:
    """Let ffmpeg open the file and decode its first moment, so that rate and channels are those of the decoder.

    Raises:
        CorruptFileError: ffmpeg can not read it.
        UnavailableError: ffmpeg did not answer for `stall_s`.
    """
    process = start(["-v", "info", *_input(path, container), "-t", "0.05", "-f", "wav", "pipe:1"])
    with process:
        try:
            sound, text = process.communicate(timeout=stall_s)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise UnavailableError(f"{printable(path)}: ffmpeg gave no answer in {stall_s:.0f} s") from error
        except BaseException:
            process.kill()
            raise
    report = text.decode("utf-8", "replace")
    stream = _STREAM_LINE.search(report)
    form = sound.find(b"fmt ")
    if stream is None or form < 0 or len(sound) < form + 24:
        raise CorruptFileError(f"{printable(path)}: no readable {container} audio ({_last_line(report)})")
    bits = _BITS.search(stream["rest"])
    return FfmpegReport(
        codec="pcm" if stream["codec"].startswith("pcm_") else stream["codec"],
        channels=int.from_bytes(sound[form + 10 : form + 12], "little"),
        sample_rate_hz=int.from_bytes(sound[form + 12 : form + 16], "little"),
        duration_s=_duration_s(report),
        bit_depth=int(bits["bits"] or bits["format"]) if bits else None,
    )


def _duration_s(report: str) -> float | None:
    match = _DURATION_LINE.search(report)
    if match is None:
        return None
    return int(match[1]) * 3600.0 + int(match[2]) * 60.0 + float(match[3]) or None


def _last_line(report: str) -> str:
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    # The last line of all is about the output that could not be made; the one with the reason stands before it.
    named = [line for line in lines if "rror" in line or "nvalid" in line or "matches no streams" in line]
    return (named or lines or ["ffmpeg said nothing"])[0][:200]


class FfmpegStream:
    """Decoded samples of one file; `close` ends the process, in whatever state it is."""

    def __init__(
        self, path: Path, container: Container, *, sample_rate_hz: int, channels: int, stall_s: float = STALL_S
    ) -> None:
        # Layouts above stereo have several orders; a forced count would make ffmpeg mix between them.
        count = ["-ac", str(channels)] if channels <= 2 else []
        output = ["-ar", str(sample_rate_hz), *count, "-f", "f32le", "pipe:1"]
        self._path = path
        self._channels = channels
        self._stall_s = stall_s
        self._rest = b""
        self._pieces: queue.Queue[bytes] = queue.Queue(_PIECES_AHEAD)
        self._complaints: deque[str] = deque(maxlen=_COMPLAINT_LINES)
        self._at_end = False
        self._process = start(["-v", "error", *_input(path, container), *output])
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._threads = (
            threading.Thread(target=self._pump, args=(self._process.stdout,), name="ffmpeg-sound", daemon=True),
            threading.Thread(target=self._listen, args=(self._process.stderr,), name="ffmpeg-words", daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> "FfmpegStream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def complaint(self) -> str | None:
        """The last thing ffmpeg complained about, None if nothing."""
        return self._complaints[-1] if self._complaints else None

    def read(self, frames: int) -> Samples:
        """Return the next frames, float32 ``(channels, frames)``; fewer only at the end.

        Raises:
            UnavailableError: Nothing came for `stall_s`.
        """
        wanted = frames * self._channels * 4
        pieces, size = [self._rest], len(self._rest)
        while size < wanted and not self._at_end:
            try:
                piece = self._pieces.get(timeout=self._stall_s)
            except queue.Empty as error:
                self.close()
                raise UnavailableError(
                    f"{printable(self._path)}: ffmpeg stood still for {self._stall_s:.0f} s"
                ) from error
            self._at_end = not piece
            pieces.append(piece)
            size += len(piece)
        data = b"".join(pieces)
        usable = min(wanted, len(data) // (self._channels * 4) * self._channels * 4)
        self._rest = data[usable:]
        interleaved = np.frombuffer(data, dtype="<f4", count=usable // 4).reshape(-1, self._channels)
        return np.ascontiguousarray(interleaved.T, dtype=np.float32)

    def close(self) -> None:
        """Kill the process if it still runs and wait for it; allowed twice."""
        self._process.kill()
        for thread in self._threads:
            while thread.is_alive():
                # The pump may stand before a full queue; its pipe ends now that the process is gone.
                self._drop_pieces()
                thread.join(0.01)
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._drop_pieces()
        self._at_end = True

    def _drop_pieces(self) -> None:
        while not self._pieces.empty():
            self._pieces.get_nowait()

    def _pump(self, pipe: IO[bytes]) -> None:
        gathered = bytearray()
        while piece := pipe.read(_PIECE_BYTES):
            gathered += piece
            if len(gathered) >= _PIECE_BYTES:
                self._pieces.put(bytes(gathered))
                gathered.clear()
        if gathered:
            self._pieces.put(bytes(gathered))
        self._pieces.put(b"")

    def _listen(self, pipe: IO[bytes]) -> None:
        while piece := pipe.read(4096):
            self._complaints.extend(line for line in piece.decode("utf-8", "replace").splitlines() if line.strip())

"""Damaged audio files, and a child process that reads them, so that a crash or a hang is seen and counted."""

import json
import os
import queue
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from cratehand.domain.fields import Field
from tests.audio_files import CODECS, SUFFIXES, write_audio
from tests.signals import noise, stereo

TIME_LIMIT_S: Final = 20.0
_EXTREMES: Final = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\x80",
)
_NAMES: Final = ("mp3", "flac", "wav", "aiff", "m4a", "ogg", "opus", "txt", "MP3", "")
_TAGGABLE: Final = ("wav", "aiff", "flac", "mp3", "m4a", "alac", "ogg", "opus", "aac")


@dataclass(kw_only=True)
class Tally:
    """What reading many damaged files led to."""

    files: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    largest_mb: float = 0.0

    @property
    def faults(self) -> list[str]:
        return self.crashes + self.hangs + self.leaks + self.bugs


def corpus(folder: Path, *, duration_s: float = 1.5) -> list[Path]:
    """Write one good file of every codec."""
    files = []
    for codec in CODECS:
        tags = {Field.TITLE: "Title", Field.TEMPO_BPM: 126, Field.COMMENT: "x" * 300} if codec in _TAGGABLE else None
        path = folder / f"{codec}.{SUFFIXES.get(codec, codec)}"
        files.append(write_audio(path, stereo(noise(duration_s=duration_s)), codec=codec, tags=tags))
    return files


def damage(good: Sequence[bytes], rng: random.Random) -> tuple[str, bytes]:
    """Return the kind of damage and a file damaged so."""
    kind = rng.choice(list(_DAMAGES))
    return kind, _DAMAGES[kind](rng.choice(good), rng.choice(good), rng)


def _truncated(data: bytes, other: bytes, rng: random.Random) -> bytes:
    return data[: rng.choice((rng.randrange(64), rng.randrange(2000), rng.randrange(len(data))))]


def _flipped(data: bytes, other: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    reach = rng.choice((128, 1024, len(data)))
    for _ in range(rng.choice((1, 5, 50))):
        changed[rng.randrange(min(reach, len(data)))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _extreme(data: bytes, other: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 3))):
        at = rng.randrange(min(rng.choice((64, 256, 4096)), len(data)))
        changed[at : at + 4] = rng.choice(_EXTREMES)
    return bytes(changed)


def _scribbled(data: bytes, other: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data)), rng.choice((4, 100, 5000))
    filling = rng.choice((rng.randbytes(size), bytes(size), b"\xff" * size))
    return data[:at] + filling + data[at + size :]


def _shifted(data: bytes, other: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data)), rng.choice((1, 17, 4096))
    return data[:at] + (rng.randbytes(size) + data[at:] if rng.random() < 0.5 else data[at + size :])


def _beheaded(data: bytes, other: bytes, rng: random.Random) -> bytes:
    size = rng.choice((4, 12, 44, 512))
    return other[:size] + data[size:]


def _joined(data: bytes, other: bytes, rng: random.Random) -> bytes:
    return data + (other if rng.random() < 0.7 else data)


def _repeated(data: bytes, other: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    piece = data[at : at + rng.choice((8, 64, 1024))]
    return data[:at] + piece * rng.choice((2, 100)) + data[at:]


def _noise(data: bytes, other: bytes, rng: random.Random) -> bytes:
    return data[: rng.choice((0, 4, 16, 64))] + rng.randbytes(rng.choice((0, 1, 100, 5000, 100_000)))


def _empty(data: bytes, other: bytes, rng: random.Random) -> bytes:
    return rng.choice((b"", b"\0", b"\0" * 4096, b"ID3"))


def _misnamed(data: bytes, other: bytes, rng: random.Random) -> bytes:
    return data


_DAMAGES: Final[dict[str, Callable[[bytes, bytes, random.Random], bytes]]] = {
    "truncated": _truncated,
    "flipped": _flipped,
    "extreme": _extreme,
    "scribbled": _scribbled,
    "shifted": _shifted,
    "beheaded": _beheaded,
    "joined": _joined,
    "repeated": _repeated,
    "noise": _noise,
    "empty": _empty,
    "misnamed": _misnamed,
}


class Child:
    """A process that reads files one after the other, see `fuzz_child.py`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", "tests.unit.audio.fuzz_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[3],
        )
        self._answers: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put(b"")

    def read(self, path: Path, tally: Tally, *, label: str) -> bool:
        """Let it read one file; False when the child is no more."""
        assert self._process.stdin is not None
        self._process.stdin.write(os.fsencode(path).hex().encode() + b"\n")
        self._process.stdin.flush()
        try:
            # A file takes up to four readings, each with its own limit inside.
            answer = self._answers.get(timeout=TIME_LIMIT_S)
        except queue.Empty:
            tally.hangs.append(label)
            self.close()
            return False
        if not answer:
            tally.crashes.append(f"{label}: exit {self._process.wait(10)}")
            return False
        result = json.loads(answer)
        tally.outcomes.update(f"{verb}: {outcome}" for verb, outcome in result["outcomes"].items())
        tally.bugs += [f"{label}: {bug}" for bug in result["bugs"]]
        tally.slowest_s = max(tally.slowest_s, result["seconds"])
        tally.largest_mb = max(tally.largest_mb, result["memory_mb"])
        if left := psutil.Process(self._process.pid).children(recursive=True):
            tally.leaks.append(f"{label}: {left}")
        return True

    def close(self) -> None:
        for process in psutil.Process(self._process.pid).children(recursive=True):
            process.kill()
        self._process.kill()
        self._process.wait()


def run(folder: Path, *, files: int, seed: int) -> Tally:
    """Damage and read `files` files; a file that led to a fault stays in `folder`, all others are removed."""
    rng = random.Random(seed)
    (folder / "good").mkdir()
    good = [path.read_bytes() for path in corpus(folder / "good")]
    tally, child = Tally(), Child()
    try:
        for index in range(files):
            kind, data = damage(good, rng)
            path = folder / f"{index} {kind}.{rng.choice(_NAMES)}"
            path.write_bytes(data)
            before = len(tally.faults)
            if not child.read(path, tally, label=path.name):
                child = Child()
            tally.files += 1
            if len(tally.faults) == before:
                path.unlink()
    finally:
        child.close()
    return tally

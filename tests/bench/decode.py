"""How fast audio files are decoded, digested and fingerprinted, decode alone.

Run as ``python -m tests.bench.decode [--record] [--quick]``. Sound comes from ``audio/*.flac`` below ``CRATEHAND_BENCH_DATA``
(default ``../shared/data``); where that is not there, made noise stands in, and the table says so.
"""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cratehand.audio import AudioDigester, ChromaprintFingerprinter, FileReader, MutagenTags
from cratehand.domain.audio import Samples
from tests.audio_files import SUFFIXES, write_audio
from tests.bench.report import Report, command
from tests.signals import noise, stereo

LENGTH_S = 300.0
RATE_HZ = 44_100
CODECS = ("wav", "aiff", "flac", "mp3", "mp3plain", "m4a", "alac", "aac", "ogg", "opus")
COLUMNS = ("file", "decoded by", "x real time", "CPU s", "probe ms", "tags ms", "digest ms", "digest MB/s")


def _cpu_s() -> float:
    """CPU time of this process and of the children that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def _best_s(act: Callable[[], object], *, rounds: int = 3) -> float:
    """Wall time of the fastest of some rounds."""
    times = []
    for _ in range(rounds):
        began_s = time.perf_counter()
        act()
        times.append(time.perf_counter() - began_s)
    return min(times)


def _sound() -> tuple[str, Samples]:
    folder = Path(os.environ.get("CRATEHAND_BENCH_DATA", "../shared/data")) / "audio"
    frames = round(LENGTH_S * RATE_HZ)
    for path in sorted(folder.glob("*.flac")):
        if FileReader().probe(path).sample_rate_hz != RATE_HZ:
            continue
        heard = np.concatenate(list(FileReader().blocks(path)), axis=1)
        return path.stem, np.tile(heard, frames // heard.shape[1] + 1)[:2, :frames]
    return "made noise (no bench data found)", stereo(noise(duration_s=LENGTH_S))


def _decode(path: Path) -> None:
    for _ in FileReader().blocks(path):
        pass


def _row(path: Path, codec: str) -> tuple[str, ...]:
    reader, megabytes = FileReader(), path.stat().st_size / 1e6
    cpu_before_s = _cpu_s()
    _decode(path)
    cpu_s = _cpu_s() - cpu_before_s
    digest_s = _best_s(lambda: AudioDigester().digest(path))
    speed = "header" if codec == "flac" else f"{megabytes / digest_s:.0f}"
    return (
        codec,
        "libsndfile" if codec in ("wav", "aiff", "flac", "mp3", "ogg") else "ffmpeg",
        f"{LENGTH_S / _best_s(lambda: _decode(path)):.0f}",
        f"{cpu_s:.2f}",
        f"{1000 * _best_s(lambda: reader.probe(path)):.1f}",
        f"{1000 * _best_s(lambda: MutagenTags().tags(path)):.1f}",
        f"{1000 * digest_s:.1f}",
        speed,
    )


def _fingerprint_s(sound: Samples) -> float:
    def act() -> None:
        session = ChromaprintFingerprinter().session(sample_rate_hz=RATE_HZ, channels=2)
        for start in range(0, sound.shape[1], RATE_HZ):
            session.feed(sound[:, start : start + RATE_HZ])
        session.finish()

    return _best_s(act)


def run(quick: bool) -> Report:
    """Measure every codec; three of them for a quick look."""
    name, sound = _sound()
    codecs = CODECS[2:5] if quick else CODECS
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            _row(write_audio(Path(folder) / f"x-{codec}.{SUFFIXES.get(codec, codec)}", sound, codec=codec), codec)
            for codec in codecs
        ]
    note = (
        f"{LENGTH_S:.0f} s of {name}, stereo, {RATE_HZ} Hz, one process, file cache warm. "
        f"Fingerprint of 120 s: {1000 * _fingerprint_s(sound):.0f} ms, process start included."
    )
    return Report(title="Decoding", head=COLUMNS, rows=list(rows), notes=[note])


if __name__ == "__main__":
    sys.exit(command(run, __doc__))

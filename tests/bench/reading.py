"""How fast a worker reads whole files, and what memory that takes: ``python -m tests.bench.reading [--record]``.

Everything that a worker does with a file: probe, tags, digest, decoding, fingerprint, the whole analysis. Each number is
of a process of its own at normal priority, on one thread. Real tracks come from ``CRATEHAND_BENCH_DATA`` (default
``../shared/data``); where they are not there, synthesised ones stand in, and the notes say so.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import imageio_ffmpeg
import numpy as np
import soundfile

from tests.bench.crate import bench_folder
from tests.bench.rekordbox_collection import BENCH_DATA
from tests.bench.report import Report, command
from tests.music import groove

WANTED: Final = 60.0
FILE_S: Final = 300.0
LONG_S: Final = 8 * 3600.0
SHORT_MB: Final = 600.0
LONG_MB: Final = 800.0
_ENCODERS: Final = {
    "flac": ("-c:a", "flac"), "mp3": ("-c:a", "libmp3lame", "-b:a", "256k"), "m4a": ("-c:a", "aac", "-b:a", "256k"),
}  # fmt: skip
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run(quick: bool) -> Report | None:
    """Read real files of three kinds, then one of ten minutes and one of eight hours (of one, for a quick look)."""
    report = Report(title="Reading and analysing whole files")
    with bench_folder() as folder:
        originals = _originals(folder, count=2 if quick else 8)
        speeds = []
        for kind in _ENCODERS:
            files = [_encode(path, folder / f"{path.stem}.{kind}", loop_to_s=FILE_S) for path in originals]
            found = [_read(path) for path in files]
            music_s = sum(each["duration_s"] for each in found)
            wall, cpu = music_s / sum(each["wall_s"] for each in found), music_s / sum(each["cpu_s"] for each in found)
            speeds.append(cpu)
            report.at_least(
                f"{len(files)} tracks of {FILE_S / 60:g} minutes as {kind}, per second of processor", cpu, WANTED,
                "x real time", remark=f" ({wall:.0f} x on the clock)",
            )  # fmt: skip
            for path in files:
                path.unlink()
        _lengths(report, originals[0], folder, longest_s=3600.0 if quick else LONG_S)
    if originals[0].parent == folder:
        report.notes.append("The benchmark data are not there: the tracks are synthesised.")
    return report


def _lengths(report: Report, original: Path, folder: Path, *, longest_s: float) -> None:
    """Measure the peak of memory for ten minutes and for a very long mix."""
    for length_s, limit_mb in ((600.0, SHORT_MB), (longest_s, LONG_MB)):
        path = _long(original, folder / "long.mp3", length_s)
        found = _read(path)
        path.unlink()
        assert abs(found["duration_s"] - length_s) < 1.0, "the file is not as long as it was to be"
        name = f"{length_s / 3600:g} h" if length_s >= 3600 else f"{length_s / 60:g} minutes"
        remark = f" ({found['duration_s'] / found['cpu_s']:.0f} x real time)"
        report.at_most(f"one mp3 of {name}: peak of memory", found["peak_mb"], limit_mb, "MB", digits=0, remark=remark)


def _originals(folder: Path, *, count: int) -> list[Path]:
    found = sorted((BENCH_DATA / "audio").glob("*.flac"))[:count]
    if found:
        return found
    made = []
    for number in range(count):
        song = groove(tempo_bpm=118.0 + 5 * number, bars=32, tonic=number)
        made.append(folder / f"made {number}.flac")
        soundfile.write(made[-1], np.asarray(song.samples).T, 44_100)
    return made


def _encode(source: Path, target: Path, *, loop_to_s: float) -> Path:
    """Encode a track anew, repeated up to a length."""
    _ffmpeg("-stream_loop", "-1", "-i", str(source), "-t", f"{loop_to_s}", *_ENCODERS[target.suffix[1:]], str(target))
    return target


def _long(source: Path, target: Path, length_s: float) -> Path:
    """Make a file of any length quickly: one piece is encoded, then its frames are copied again and again."""
    piece = _encode(source, target.with_name(f"piece{target.suffix}"), loop_to_s=FILE_S)
    _ffmpeg("-stream_loop", "-1", "-i", str(piece), "-t", f"{length_s}", "-c", "copy", str(target))
    piece.unlink()
    return target


def _ffmpeg(*words: str) -> None:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *words], check=True)


def _read(path: Path) -> dict[str, float]:
    """Read one file in a fresh process; return seconds and the peak of its memory."""
    environment = {**os.environ, **dict.fromkeys(_THREADS, "1")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.reading", "--read", str(path)],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _read_here(path: Path) -> dict[str, float]:
    from cratehand.app.reading_tools import reading_tools
    from cratehand.app.worker import read_file

    reading_tools()
    wall_s, cpu_s = time.perf_counter(), _cpu_s()
    reading = read_file(str(path))
    assert reading.analysis is not None, reading.errors
    assert reading.format is not None
    return {
        "wall_s": time.perf_counter() - wall_s,
        "cpu_s": _cpu_s() - cpu_s,
        "duration_s": reading.format.duration_s or 0.0,
        "peak_mb": _peak_mb(),
    }


def _cpu_s() -> float:
    """Processor time of this process and of the decoders that have ended."""
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _peak_mb() -> float:
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main(words: Sequence[str]) -> int:
    """Be the command line, or the process that reads one file."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--read", type=Path)
    chosen, _ = parser.parse_known_args(words)
    if chosen.read is None:
        return command(run, __doc__)
    print(json.dumps(_read_here(chosen.read)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Two workers of a Dask cluster against one, on loopback: ``python -m tests.bench.cluster [--record] [--quick]``.

Each worker is a process with one thread. The same files are read by one and by two; what counts is the time from the first
file to the last reading, when all processes are warm.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from cratehand.app.cluster import ClusterExecutor
from cratehand.app.worker import read_file
from tests.audio_files import write_audio
from tests.bench.report import Report, command
from tests.dask_cluster import running_cluster
from tests.music import groove

FILES, QUICK_FILES = 24, 4
BARS, QUICK_BARS = 48, 4
ROUNDS = 3
TITLE = "Analyses on a Dask cluster"


def run(quick: bool) -> Report:
    """Measure one worker, then two."""
    report = Report(title=TITLE)
    bars = QUICK_BARS if quick else BARS
    with tempfile.TemporaryDirectory() as name:
        song = groove(tempo_bpm=124.0, bars=bars)
        first = write_audio(Path(name) / "0.flac", song.samples)
        paths = [first]
        for number in range(1, QUICK_FILES if quick else FILES):
            paths.append(first.with_name(f"{number}.flac"))
            os.link(first, paths[-1])
        rounds = 1 if quick else ROUNDS
        one_s, two_s = (_measured(Path(name), paths, workers=count, rounds=rounds) for count in (1, 2))
    length_s = song.samples.shape[1] / 44_100
    what = f"{len(paths)} files of {length_s:.0f} s"
    report.add(f"{what}, one worker of one thread", f"{one_s:.1f} s ({one_s / len(paths):.2f} s a file)")
    report.add(f"{what}, two workers", f"{two_s:.1f} s")
    report.at_least("two workers against one", one_s / two_s, 1.6 if _cores() < 4 else 1.8, "x", digits=2)
    report.notes.append(f"{_cores()} cores; scheduler, workers and this process share them. Median of {rounds}.")
    return report


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _measured(folder: Path, paths: Sequence[Path], *, workers: int, rounds: int) -> float:
    """Return the median of seconds for all files."""
    place = folder / f"{workers} workers"
    place.mkdir()
    with running_cluster(place, workers=[()] * workers) as cluster:
        executor = ClusterExecutor(cluster.address, connect_s=60.0)
        try:
            while executor.width < workers:
                executor.submit(read_file, str(paths[0])).result(600)
                time.sleep(0.2)
            # Every worker imports its tools with its first file.
            _read(executor, [*paths[:2]] * workers)
            return statistics.median(_read(executor, paths) for _ in range(rounds))
        finally:
            executor.shutdown()


def _read(executor: ClusterExecutor, paths: Sequence[Path]) -> float:
    began_s = time.perf_counter()
    futures = [executor.submit(read_file, str(path)) for path in paths]
    readings = [future.result(600) for future in futures]
    took_s = time.perf_counter() - began_s
    assert all(reading.analysis is not None for reading in readings)
    return took_s


if __name__ == "__main__":
    sys.exit(command(run, __doc__))

"""What the benchmarks of the daemon share: a large collection on disk, a daemon process, what it uses."""

import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import psutil

from tests.bench.rekordbox_collection import large_collection
from tests.e2e.daemon_process import DaemonProcess

TRACKS: Final = 50_000


class TimedDaemon(DaemonProcess):
    """A daemon that notes how long it took to be ready.

    Attributes:
        ready_s: From the start of the process until ready.json was there, in seconds.
    """

    def __init__(self, data_dir: Path, *arguments: str, **settings: str) -> None:
        self._began_s, self._wall_start_s = time.perf_counter(), time.time()
        super().__init__(data_dir, *arguments, **{"logs__level": "debug", **settings})

    def __enter__(self) -> Self:
        ready = self.data_dir / "ready.json"
        while not ready.exists() and self.process.poll() is None and time.perf_counter() - self._began_s < 60:
            time.sleep(0.005)
        self.ready_s = time.perf_counter() - self._began_s
        return super().__enter__()

    def log_line(self, *parts: str, timeout_s: float = 120.0) -> "LogLine":
        """Wait for a line of this run's log with all these parts."""
        log = self.data_dir / "logs" / "cratehand.log"
        until_s = time.monotonic() + timeout_s
        while True:
            for line in reversed(log.read_text(encoding="utf-8").splitlines()):
                if all(part in line for part in parts):
                    found = LogLine(text=line)
                    if found.at_s >= self._wall_start_s:
                        return found
                    break
            if time.monotonic() > until_s:
                raise TimeoutError(f"no line with {parts} in {log} for {timeout_s:.0f} s")
            time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the daemon's log."""

    text: str

    @property
    def at_s(self) -> float:
        """When it was written, in seconds since 1970."""
        stamp = " ".join(self.text.split(" ")[:2]).replace(",", ".")
        return datetime.fromisoformat(stamp).timestamp()

    def number(self, pattern: str) -> float:
        """Return the number that the first group of a pattern finds in it."""
        found = re.search(pattern, self.text)
        assert found is not None, self.text
        return float(found[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a daemon has used and holds now."""

    at_s: float
    cpu_s: Mapping[int, float]
    """By process id."""
    main_cpu_s: float
    main_rss_mb: float
    family_rss_mb: float
    family_pss_mb: float
    processes: int

    @classmethod
    def of(cls, daemon: DaemonProcess) -> "Usage":
        """Look at the daemon and at all processes that it started and that live."""
        cpu, memory = {}, {}
        for process in daemon.family():
            # A worker may end just now.
            with suppress(psutil.NoSuchProcess):
                times, sizes = process.cpu_times(), process.memory_full_info()
                cpu[process.pid], memory[process.pid] = times.user + times.system, sizes
        return cls(
            at_s=time.monotonic(),
            cpu_s=cpu,
            main_cpu_s=cpu[daemon.pid],
            main_rss_mb=memory[daemon.pid].rss / 1e6,
            family_rss_mb=sum(each.rss for each in memory.values()) / 1e6,
            family_pss_mb=sum(each.pss for each in memory.values()) / 1e6,
            processes=len(cpu),
        )

    def cores_since(self, before: "Usage") -> float:
        """Return the share of a core that was used since, by all processes that live together."""
        used_s = sum(cpu_s - before.cpu_s.get(pid, 0.0) for pid, cpu_s in self.cpu_s.items())
        return used_s / (self.at_s - before.at_s)


@contextmanager
def bench_folder() -> Iterator[Path]:
    """A temporary folder, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="cratehand-bench-") as folder:
        yield Path(folder)


def copy_collection(folder: Path, *, tracks: int = TRACKS) -> Path | None:
    """Copy a large master.db there; None where the benchmark data are not there."""
    made = large_collection(tracks=tracks)
    return None if made is None else Path(shutil.copyfile(made, folder / "master.db"))

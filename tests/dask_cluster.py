"""A real Dask scheduler with worker processes on the loopback, as `dask scheduler` and `dask worker` start them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

_ROOT = Path(__file__).parents[1]


@dataclass(kw_only=True)
class Cluster:
    """What runs; `workers` are the nannies, which start a worker anew that was killed."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)


@contextmanager
def running_cluster(folder: Path, *, workers: Sequence[Sequence[str]] = ((), ()), deaths: int = 3) -> Iterator[Cluster]:
    """Run a scheduler and workers of one thread each until the end of the block.

    Args:
        folder: For what they write.
        workers: Further arguments of each worker.
        deaths: How many workers a task may take along before it is given up.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": str(_ROOT),
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(deaths - 1),
    }
    note = folder / "scheduler.json"
    started: list[subprocess.Popen[bytes]] = []
    log = (folder / "dask.log").open("wb")

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", *arguments, "--no-dashboard", "--scheduler-file", str(note)]
        started.append(subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log))
        return started[-1]

    try:
        scheduler = start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0")
        places = ["--nthreads", "1", "--local-directory", str(folder), "--host", "127.0.0.1"]
        nannies = [start("distributed.cli.dask_worker", *places, *more) for more in workers]
        yield Cluster(address=_address(note), scheduler=scheduler, workers=nannies)
    finally:
        for process in reversed(started):
            for child in [*_family(process.pid), process]:
                _kill(child.pid)
        for process in started:
            process.wait(10)
        log.close()


def _address(note: Path) -> str:
    began_s = time.monotonic()
    while time.monotonic() - began_s < 120.0:
        if note.is_file() and (text := note.read_text()):
            found: dict[str, Any] = json.loads(text)
            return str(found["address"])
        time.sleep(0.05)
    raise TimeoutError("the scheduler does not start")


def _family(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)

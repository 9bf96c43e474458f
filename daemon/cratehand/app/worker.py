"""What runs in a worker process: reading one file completely, at the lowest priority.

Light to import, since the daemon names these functions and never runs them: the tools come with the first file.
"""

import contextlib
import faulthandler
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from pathlib import Path

import psutil

from cratehand.app.freed_memory import use_few_heaps
from cratehand.domain.ids import ContentDigest
from cratehand.domain.track_analysis import FileReading
from cratehand.domain.upgrade import CopyName, Judgement, KnownSound
from cratehand.usecases import file_reading


def read_file(path: str, known_digest: ContentDigest | None = None, *, clap: str | None = None) -> FileReading:
    """Read one file; see `cratehand.usecases.file_reading.read_file`. Runs in a worker, or in this process.

    Args:
        path: The file.
        known_digest: As there.
        clap: The folder of models, where tracks are to be placed by CLAP too.
    """
    from cratehand.app.reading_tools import reading_tools

    tools = reading_tools() if clap is None else reading_tools(Path(clap))
    return file_reading.read_file(tools, Path(path), known_digest=known_digest)


def judge_pair(current: str, candidate: str, name: CopyName | None, sound: KnownSound | None) -> Judgement:
    """Judge two files; see `cratehand.usecases.upgrade_judgement`. Runs in a worker, or in this process."""
    from cratehand.app.reading_tools import upgrade_judgement

    return upgrade_judgement().judge(Path(current), Path(candidate), current_name=name, current_known=sound)


def fingerprint_file(path: str) -> str | None:
    """Return the fingerprint of a file; runs in a worker, or in this process."""
    from cratehand.app.reading_tools import fingerprint_of

    return fingerprint_of(Path(path))


def become_worker(log: str | None) -> None:
    """Make this process a good neighbour: lowest priority, deaf to Ctrl-C, gone when the daemon is gone.

    Args:
        log: File that takes what decoders write to the standard error stream, and the trace of a crash in one of them.
    """
    end_with_parent()
    if log is not None:
        with open(log, "ab", buffering=0) as file:  # noqa: PTH123
            os.dup2(file.fileno(), 2)
        faulthandler.enable()
    lower_priority()


def end_with_parent() -> None:
    """Make this process deaf to Ctrl-C, which the daemon answers, and let it end when the daemon is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True, name="parent watch").start()


def lower_priority() -> None:
    """Give this process the lowest priority for the processor and the disk."""
    process = psutil.Process()
    with contextlib.suppress(OSError, psutil.Error):
        if sys.platform == "win32":
            process.nice(psutil.IDLE_PRIORITY_CLASS)
        else:
            os.nice(19)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        with contextlib.suppress(OSError, psutil.Error):
            process.ionice(psutil.IOPRIO_CLASS_IDLE)
    use_few_heaps()


def _die_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)

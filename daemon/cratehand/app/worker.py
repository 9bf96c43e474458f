"""What runs in a worker process: reading one file completely, at the lowest priority."""

import contextlib
import ctypes
import faulthandler
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from functools import cache
from pathlib import Path

import psutil

from cratehand.analysis.track_analyser import TrackAnalyser
from cratehand.audio.decode import FileReader
from cratehand.audio.digest import AudioDigester
from cratehand.audio.fingerprint import ChromaprintFingerprinter
from cratehand.audio.stamp import stamp_of
from cratehand.audio.tags import MutagenTags
from cratehand.domain.audio import AudioFormat
from cratehand.domain.ids import ContentDigest
from cratehand.domain.track_analysis import FileReading
from cratehand.usecases import file_reading


def read_file(path: str, known_digest: ContentDigest | None = None) -> FileReading:
    """Read one file; see `cratehand.usecases.file_reading.read_file`. Runs in a worker, or in this process."""
    return file_reading.read_file(_tools(), Path(path), known_digest=known_digest)


@cache
def _tools() -> file_reading.ReadingTools:
    return file_reading.ReadingTools(
        reader=FileReader(),
        tags=MutagenTags(),
        digester=AudioDigester(),
        fingerprinter=ChromaprintFingerprinter(),
        stamp_of=stamp_of,
        analyser=_analyser,
    )


def _analyser(declared: AudioFormat) -> TrackAnalyser:
    return TrackAnalyser(declared.sample_rate_hz, declared.channels, declared=declared)


def become_worker(log: str | None) -> None:
    """Make this process a good neighbour: lowest priority, deaf to Ctrl-C, gone when the daemon is gone.

    Args:
        log: File that takes what decoders write to the standard error stream, and the trace of a crash in one of them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if log is not None:
        with open(log, "ab", buffering=0) as file:  # noqa: PTH123
            os.dup2(file.fileno(), 2)
        faulthandler.enable()
    _lower_priority()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True, name="parent watch").start()


def _lower_priority() -> None:
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
        with contextlib.suppress(OSError, AttributeError):
            # glibc keeps freed blocks in one arena per thread; two are enough here (M_ARENA_MAX of mallopt(3)).
            ctypes.CDLL(None).mallopt(-8, 2)


def _die_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)

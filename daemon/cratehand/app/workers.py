"""Worker processes behind `concurrent.futures.Executor`: started when needed, gone when idle."""

import contextlib
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, InvalidStateError
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Final, TypeVar

from pebble import ProcessPool

from cratehand.app.first_import import PROCESS_NAME
from cratehand.app.worker import become_worker
from cratehand.domain.errors import UnavailableError

R = TypeVar("R")

_TASKS_A_PROCESS: Final = 200
"""A worker is replaced after so many files, so that whatever a decoder leaks stays bounded."""
_IDLE_S: Final = 20.0


class WorkerPool(Executor):
    """Processes that can be killed singly: a cancelled task ends its process, a dead process costs its task only."""

    def __init__(self, workers: int, *, log: Path | None = None, idle_s: float = _IDLE_S) -> None:
        self._workers = workers
        self._log = log
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._open: set[Future[Any]] = set()
        self._idle_since_s = time.monotonic()

    @property
    def width(self) -> int:
        """How many tasks run at once."""
        return self._workers

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Run a picklable function in a worker; its future can be cancelled while it runs.

        Raises:
            UnavailableError: No process can be started now.
        """
        self.mend()
        with self._lock:
            if self._pool is None:
                self._pool = _new_pool(self._workers, self._log)
            try:
                # No time limit here: pebble measures it with the wall clock, which may jump.
                future: Future[R] = self._pool.schedule(fn, args=args, kwargs=kwargs)
            except (RuntimeError, OSError, EOFError) as error:
                reason = error.__cause__ or error
                raise UnavailableError(f"no worker process can be started: {reason}", retry_after_s=5.0) from error
            self._open.add(future)
        future.add_done_callback(self._done)
        return future

    def mend(self) -> None:
        """Let go of processes that can work no more, e.g. since an idle one was killed; what they worked on fails."""
        with self._lock:
            if self._pool is None or self._pool.active:
                return
            pool, self._pool = self._pool, None
            lost = list(self._open)
        _end(pool)
        for future in lost:
            with contextlib.suppress(InvalidStateError):
                future.set_exception(BrokenProcessPool("the worker processes broke down"))

    def close_if_idle(self) -> None:
        """End the processes when nothing ran for a while; the next task starts new ones."""
        with self._lock:
            if self._pool is None or self._open or time.monotonic() - self._idle_since_s < self._idle_s:
                return
            pool, self._pool = self._pool, None
        _end(pool)
        _end_fork_server()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End all processes at once, also those that work."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            _end(pool)

    def _done(self, future: Future[Any]) -> None:
        with self._lock:
            self._open.discard(future)
            self._idle_since_s = time.monotonic()


def make_executor(workers: int, *, log: Path | None = None) -> WorkerPool:
    """Return a pool of at most `workers` processes; none is started yet.

    Args:
        workers: How many files are read at once.
        log: File for what decoders say; None leaves it on the standard error stream.
    """
    return WorkerPool(workers, log=log)


def _new_pool(workers: int, log: Path | None) -> ProcessPool:
    # One thread a process: the parallel work is in the number of processes.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    # The daemon has threads, so a plain fork is unsafe; a fork server starts each further worker in milliseconds.
    method = "spawn" if sys.platform == "win32" else "forkserver"
    context = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(["cratehand.app.worker", "cratehand.app.reading_tools"])
    return ProcessPool(
        max_workers=workers,
        max_tasks=_TASKS_A_PROCESS,
        initializer=become_worker,
        initargs=(None if log is None else str(log),),
        context=context,
    )


def _end_fork_server() -> None:
    """End the process that workers are forked from: it holds all they import, some 130 MB.

    The next pool starts another. Python has no public way to; without this one it would simply stay.
    """
    if sys.platform != "win32":
        from multiprocessing import forkserver

        stop = getattr(forkserver._forkserver, "_stop", None)
        if stop is not None:
            stop()


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    # A worker keeps nothing that it would have to save; asked politely, one after the other, they may take seconds.
    for worker in multiprocessing.active_children():
        if worker.name != PROCESS_NAME:
            worker.kill()
    pool.join()

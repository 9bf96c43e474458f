"""Separation in a process of its own: stopped by killing it, which costs the window it was at."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TextIO

from cratehand.domain import errors
from cratehand.domain.errors import CratehandError, InternalError, UnavailableError
from cratehand.domain.stem import StemOrder
from cratehand.usecases.stem_queue import StoppedWorkError, WorkerDiedError

_LOOK_S: Final = 0.2
_END_S: Final = 10.0
_NO_WINDOW: Final = 0x0800_0000
"""CREATE_NO_WINDOW: on Windows a console program would flash a window up."""


class StemProcess:
    """Implements `StemWorker`.

    Args:
        common: What every order is told besides: ``data_dir`` and the settings of the ``models``.
        log: Takes what the process says on its standard error stream.
        module: What is run, as ``python -m`` names it.
    """

    def __init__(self, common: Mapping[str, Any], *, log: Path, module: str = "cratehand.app.stem_worker") -> None:
        self._common = common
        self._log = log
        self._module = module

    def run(self, order: StemOrder, *, on_progress: Callable[[float], None], stopped: threading.Event) -> None:
        """Separate; see `StemWorker.run`."""
        if stopped.is_set():
            raise StoppedWorkError(order.path)
        with self._started() as process:
            try:
                self._follow(process, order, on_progress, stopped)
            finally:
                process.kill()

    def _started(self) -> "subprocess.Popen[str]":
        try:
            with self._log.open("ab") as log:
                return subprocess.Popen(
                    [sys.executable, "-m", self._module],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    encoding="utf-8",
                    creationflags=_NO_WINDOW if sys.platform == "win32" else 0,
                )
        except OSError as error:
            raise UnavailableError(f"no process for stems can be started now ({error})", retry_after_s=10.0) from error

    def _follow(
        self,
        process: "subprocess.Popen[str]",
        order: StemOrder,
        on_progress: Callable[[float], None],
        stopped: threading.Event,
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        lines: queue.Queue[str] = queue.Queue()
        # Daemonic: a thread that reads a pipe ends with the process at its other end, which is killed behind it.
        threading.Thread(target=_pump, args=(process.stdout, lines), daemon=True, name="stem process").start()
        try:
            process.stdin.write(json.dumps({**self._common, **asdict(order)}) + "\n")
            process.stdin.flush()
        except OSError as error:
            raise WorkerDiedError(f"it ended at once ({error}); see {self._log}") from error
        while not stopped.is_set():
            try:
                line = lines.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if not line:
                raise WorkerDiedError(f"it ended with {process.wait(_END_S)}; see {self._log}")
            told = json.loads(line)
            if told.get("done"):
                return
            if "error" in told:
                raise _error(told["error"], told["message"])
            on_progress(told["progress"])
        raise StoppedWorkError(order.path)


def _pump(pipe: TextIO, lines: "queue.Queue[str]") -> None:
    for line in pipe:
        lines.put(line)
    lines.put("")


def _error(name: str, message: str) -> CratehandError:
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, CratehandError):
        return kind(message)
    # Those that only one module knows, e.g. that memory ran out.
    return UnavailableError(message) if name.startswith("_") else InternalError(f"{name}: {message}")

"""Gathers paths until they are calm, and gives them out in few batches."""

import math
import threading
from collections.abc import Callable
from pathlib import Path

from cratehand.watch.paths import parent_of


class _Wait:
    """When a path is calm. Both ends of a move share one, so that they come out together."""

    __slots__ = ("due_s", "is_folder")

    def __init__(self, due_s: float, *, is_folder: bool) -> None:
        self.due_s = due_s
        self.is_folder = is_folder


class Debounce:
    """Paths that changed, each with the time from which on it counts as calm. Thread-safe.

    A path is given out when nothing happened to it for `settle_s`. While others are still busy, the calm ones are held
    back for at most half of `settle_s`, so that a burst comes out in few batches.

    Args:
        settle_s: How long a path has to be calm.
        monotonic_s: The time in seconds; never goes back.
    """

    def __init__(self, *, settle_s: float, monotonic_s: Callable[[], float]) -> None:
        self._settle_s = settle_s
        self._hold_s = settle_s / 2
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._waits: dict[str, _Wait] = {}
        self._promised_s = math.inf

    def note(self, path: str, *, is_folder: bool = False) -> bool:
        """Something happened to a path; return whether it is due earlier than `wait_s` last said."""
        with self._lock:
            due_s = self._monotonic_s() + self._settle_s
            return self._put(path, lambda due_before_s: max(due_s, due_before_s), is_folder=is_folder)

    def note_written(self, path: str, *, patience_s: float) -> bool:
        """Somebody writes the file and will say when it is done (`note_closed`), or is not waited for any longer."""
        with self._lock:
            due_s = self._monotonic_s() + max(patience_s, self._settle_s)
            return self._put(path, lambda _: due_s, is_folder=False)

    def note_closed(self, path: str) -> bool:
        """The writer closed the file."""
        with self._lock:
            due_s = self._monotonic_s() + self._settle_s
            return self._put(path, lambda _: due_s, is_folder=False)

    def note_moved(self, before: str, after: str, *, is_folder: bool) -> bool:
        """A path became another one."""
        with self._lock:
            wait = _Wait(self._monotonic_s() + self._settle_s, is_folder=is_folder)
            self._waits[before] = self._waits[after] = wait
            return self._is_sooner(wait)

    def take(self) -> frozenset[Path]:
        """Give out what is calm, if it is time to.

        A path below a folder that is given out along with it is left out: the folder stands for all below it.
        """
        with self._lock:
            now_s = self._monotonic_s()
            if not self._waits or now_s < self._next_s():
                return frozenset()
            calm = {path: wait for path, wait in self._waits.items() if wait.due_s <= now_s}
            for path in calm:
                del self._waits[path]
        folders = {path for path, wait in calm.items() if wait.is_folder}
        return frozenset(Path(path) for path in calm if not (folders and _has_ancestor(path, folders)))

    def wait_s(self) -> float | None:
        """Return in how many seconds `take` has something to give; None where nothing waits."""
        with self._lock:
            self._promised_s = self._next_s() if self._waits else math.inf
            return max(0.0, self._promised_s - self._monotonic_s()) if self._waits else None

    def _put(self, path: str, due: Callable[[float], float], *, is_folder: bool) -> bool:
        wait = self._waits.get(path)
        if wait is None:
            wait = self._waits[path] = _Wait(due(0.0), is_folder=is_folder)
        else:
            wait.due_s = due(wait.due_s)
            wait.is_folder = wait.is_folder or is_folder
        return self._is_sooner(wait)

    def _is_sooner(self, wait: _Wait) -> bool:
        if wait.due_s >= self._promised_s:
            return False
        self._promised_s = wait.due_s
        return True

    def _next_s(self) -> float:
        due_s = [wait.due_s for wait in self._waits.values()]
        return min(max(due_s), min(due_s) + self._hold_s)


def _has_ancestor(path: str, folders: set[str]) -> bool:
    parent = parent_of(path)
    while parent != path:
        if parent in folders:
            return True
        path, parent = parent, parent_of(parent)
    return False

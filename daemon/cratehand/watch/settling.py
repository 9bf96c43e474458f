"""Whether a file is still being written."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from cratehand.domain.ports import Clock

_SHARING_VIOLATION = 32


class Settling:
    """Remembers files that changed a moment ago until they have been calm for long enough.

    A file counts as calm at once when its last change (the later of mtime and ctime, so that a copy program that sets
    an old mtime does not deceive) is at least `settle_s` old. Where the file's times can't be trusted, because they lie
    in the future or a clock jumped, it has to look the same at two looks that are `settle_s` apart.

    Args:
        settle_s: How long size and times have to stand still.
        clock: The time.
    """

    def __init__(self, *, settle_s: float, clock: Clock) -> None:
        self._settle_s = settle_s
        self._clock = clock
        self._looks: dict[str, tuple[tuple[int, int, int], float]] = {}

    def is_calm(self, path: str, found: os.stat_result) -> bool:
        """Whether the file has stopped changing; one that has not is remembered."""
        if _is_held(path):
            return False
        last_change_s = max(found.st_mtime, found.st_ctime)
        if last_change_s + self._settle_s <= self._clock.now_s():
            self._looks.pop(path, None)
            return True
        seen = (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        now_s = self._clock.monotonic_s()
        before = self._looks.get(path)
        if before is None or before[0] != seen:
            self._looks[path] = (seen, now_s)
            return self._settle_s <= 0
        if now_s - before[1] < self._settle_s:
            return False
        del self._looks[path]
        return True

    def forget_except(self, paths: Iterable[str]) -> None:
        """Keep in mind only these paths."""
        kept = set(paths)
        self._looks = {path: look for path, look in self._looks.items() if path in kept}


def _is_held(path: str) -> bool:
    """Whether a program that writes the file keeps everybody else out, as copies on Windows do."""
    if sys.platform == "win32":
        try:
            with Path(path).open("rb"):
                return False
        except OSError as error:
            return error.winerror == _SHARING_VIOLATION
    return False

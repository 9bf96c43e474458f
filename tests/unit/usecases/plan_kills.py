"""Processes that apply or undo a plan and are killed with SIGKILL before a chosen call into the system.

A child is forked, counts every call of Python into C that can change a file or the catalogue (write, link, unlink,
rename, fsync, execute, commit ...), and kills itself before the n-th. What it left is then looked at as the next start
of the daemon would: `History.recover`, and everything has to be the old state or the new one.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from cratehand.domain.plan_record import PlanState
from tests.fakes.swaps import Crate, make_crate, reopened

_CHANGING = frozenset(
    {
        "write", "flush", "fsync", "link", "unlink", "remove", "rename", "replace", "mkdir", "rmdir", "rmtree", "open",
        "close", "utime", "chmod", "truncate", "execute", "executemany", "commit", "readinto", "read",
    }
)  # fmt: skip


@dataclass(kw_only=True)
class Tally:
    """What all kills together led to."""

    points: int = 0
    old: int = 0
    new: int = 0
    steps: dict[str, int] = field(default_factory=dict)


def count_calls(work: Callable[[], object]) -> int:
    """Run to the end in a child; return how many calls there were."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        calls = [0]
        _trace(calls, kill_before=None)
        work()
        sys.setprofile(None)
        os.write(writer, str(calls[0]).encode())
        os._exit(0)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader) as told:
        said = told.read()
    assert status == 0, f"the child failed: {status}"
    return int(said)


def kill_before(number: int, work: Callable[[], object]) -> None:
    """Run in a child that is killed before its n-th call."""
    child = os.fork()
    if child == 0:
        _trace([0], kill_before=number)
        try:
            work()
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"call {number} was never reached: {status}"
    assert os.WTERMSIG(status) == signal.SIGKILL


def _trace(calls: list[int], *, kill_before: int | None) -> None:
    def look(_: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and getattr(called, "__name__", "") in _CHANGING:
            calls[0] += 1
            if calls[0] == kill_before:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(look)


class PlanKills:
    """One plan, killed at points of applying and undoing.

    Args:
        root: An empty folder.
        options: For `make_crate`.
    """

    def __init__(self, root: Path, **options: Any) -> None:
        self._root = root
        self._place = root / "crate"
        self.tally = Tally()
        crate = make_crate(self._place, **options)
        self._options = options
        self.plan_id = crate.upgrade().id
        self.open = _look(crate)
        self._sounds = {crate.files.state(crate.current).digest, crate.files.state(crate.landed).digest}
        crate.catalogue.close()
        self._save("open")
        crate = self._fresh("open")
        crate.history().apply(self.plan_id, who="dj")
        self.applied = _look(crate)
        crate.catalogue.close()
        self._save("applied")

    def run(self, *, verb: str, every: int) -> Tally:
        """Kill before each `every`-th call of ``apply`` or ``undo``."""
        start = "open" if verb == "apply" else "applied"
        total = count_calls(self._work(start, verb))
        for number in range(1, total + 1, every):
            self._kill(start, verb, number)
        self.tally.steps[verb] = total
        return self.tally

    def _kill(self, start: str, verb: str, number: int) -> None:
        kill_before(number, self._work(start, verb))
        crate = reopened(self._place, **self._options)
        self._require_both_sounds(crate)
        crate.history().recover()
        self._require_both_sounds(crate)
        state, seen = crate.plan().state, _look(crate)
        self.tally.points += 1
        if verb == "apply":
            assert state in {PlanState.OPEN, PlanState.APPLIED}, f"{verb} {number}: {state}"
            assert seen == (self.open if state is PlanState.OPEN else self.applied), f"{verb} {number}"
            self.tally.old += state is PlanState.OPEN
            self.tally.new += state is PlanState.APPLIED
        else:
            assert state in {PlanState.APPLIED, PlanState.UNDONE}, f"{verb} {number}: {state}"
            assert seen == (self.open if state is PlanState.UNDONE else self.applied), f"{verb} {number}"
            self.tally.old += state is PlanState.APPLIED
            self.tally.new += state is PlanState.UNDONE
        # Whatever state it is, the way goes on from there.
        if state is PlanState.OPEN:
            crate.history().apply(self.plan_id, who="dj")
            assert _look(crate) == self.applied
        elif verb == "undo" and state is PlanState.APPLIED:
            crate.history().undo(self.plan_id, who="dj")
            assert _look(crate) == self.open
        crate.catalogue.close()

    def _work(self, start: str, verb: str) -> Callable[[], object]:
        crate = self._fresh(start)
        crate.catalogue.close()

        def work() -> None:
            fresh = reopened(self._place, **self._options)
            history = fresh.history()
            (history.apply if verb == "apply" else history.undo)(self.plan_id, who="dj")
            fresh.catalogue.close()

        return work

    def _require_both_sounds(self, crate: Crate) -> None:
        files = [path for path in _files(self._place) if path.suffix not in {".db", ".db-wal", ".db-shm", ".json"}]
        found = {digest for path in files if (digest := _digest(crate, path)) is not None}
        assert self._sounds <= found, f"a sound is gone: {files}"

    def _save(self, name: str) -> None:
        shutil.copytree(self._place, self._root / name)

    def _fresh(self, name: str) -> Crate:
        shutil.rmtree(self._place)
        shutil.copytree(self._root / name, self._place)
        return reopened(self._place, **self._options)


def _files(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*")) if path.is_file())


def _digest(crate: Crate, path: Path) -> str | None:
    try:
        return crate.files.state(path).digest
    except Exception:
        return None  # half a copy is no sound


def _look(crate: Crate) -> object:
    """Return everything that has to be equal: names, bytes, tags, rows; of a written file its sound and its tags."""
    music = {name: content for name, (content, _) in crate.music().items()}
    rows = crate.rows()
    # A file that is made anew has another time of change.
    rows["tracks"] = [tuple("stamp" if i == 5 else value for i, value in enumerate(row)) for row in rows["tracks"]]
    return music, rows

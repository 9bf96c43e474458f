"""The steps of an installation: shown as a plan, or taken, from the same list."""

import contextlib
import os
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cratehand.domain.errors import UnavailableError
from cratehand.domain.plan import Change, Plan
from cratehand_service.commands import Runner

_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeFolder:
    """A folder that has to be there."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFile:
    """A file with its whole content."""

    path: Path
    content: bytes
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFile:
    """A file that is to go."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    """A command of the operating system."""

    command: tuple[str, ...]
    may_fail: bool = False
    """Whether its failure changes nothing, e.g. stopping what does not run."""
    attempts: int = 1
    """How often it is tried: some service managers need a moment to forget the previous one."""


Step = MakeFolder | WriteFile | RemoveFile | RunCommand


def plan_of(why: str, steps: Sequence[Step]) -> Plan:
    """Show steps in words."""
    return Plan(why=why, changes=tuple(_change_of(step) for step in steps))


def _change_of(step: Step) -> Change:
    match step:
        case MakeFolder():
            return Change(what="make folder", where=str(step.path))
        case WriteFile():
            return Change(
                what="write",
                where=str(step.path),
                before=_read_text(step.path, step.encoding),
                after=step.content.decode(step.encoding),
            )
        case RemoveFile():
            return Change(what="remove", where=str(step.path))
        case RunCommand():
            return Change(what="run", where=shlex.join(step.command))


def take(steps: Sequence[Step], runner: Runner, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Take steps in their order; where one fails, the files written before are put back as they were.

    Raises:
        UnavailableError: A file can't be written, or a command failed.
        UnsupportedError: There is no such command.
    """
    undo = contextlib.ExitStack()
    with undo:
        for step in steps:
            _take_one(step, runner, undo, pause)
        undo.pop_all()


def _take_one(step: Step, runner: Runner, undo: contextlib.ExitStack, pause: Callable[[float], None]) -> None:
    if isinstance(step, RunCommand):
        _run(step, runner, pause)
        return
    try:
        if isinstance(step, MakeFolder):
            step.path.mkdir(parents=True, exist_ok=True)
        elif isinstance(step, WriteFile):
            before = step.path.read_bytes() if step.path.exists() else None
            step.path.parent.mkdir(parents=True, exist_ok=True)
            undo.callback(_put_back, step.path, before)
            _write_whole(step.path, step.content)
        else:
            step.path.unlink(missing_ok=True)
    except OSError as error:
        raise UnavailableError(f"can not change {step.path}: {error.strerror or error}") from error


def _run(step: RunCommand, runner: Runner, pause: Callable[[float], None]) -> None:
    for attempt in range(1, step.attempts + 1):
        outcome = runner(step.command)
        if outcome.code == 0 or step.may_fail:
            return
        if attempt < step.attempts:
            pause(_PAUSE_S)
    raise UnavailableError(f"`{shlex.join(step.command)}` failed: {outcome.words}")


def _write_whole(path: Path, content: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    try:
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _put_back(path: Path, before: bytes | None) -> None:
    with contextlib.suppress(OSError):
        if before is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(before)


def _read_text(path: Path, encoding: str) -> str:
    try:
        return path.read_bytes().decode(encoding, errors="replace")
    except OSError:
        return ""

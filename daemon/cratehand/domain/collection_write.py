"""Writes into the DJ's collection that wait until they may be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cratehand.domain.collection_edit import CollectionEdit, EditRecord


class WriteState(StrEnum):
    """Where a write stands."""

    WAITING = "waiting"
    """Until the DJ program is closed, or whatever else stood in the way has passed."""
    WRITTEN = "written"
    REFUSED = "refused"
    """Waiting does not help: the plan has to be made anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionWrite:
    """One change of the collection: edits to apply, or a record to undo."""

    id: str
    """The caller's own, never used twice; also the name of the change at the editor, so that none is written twice."""
    asked_at_s: float
    """Wall time, seconds since 1970 UTC."""
    edits: tuple[CollectionEdit, ...] = ()
    undoes: EditRecord | None = None
    state: WriteState = WriteState.WAITING
    problem: str = ""
    """Why it waits or was refused, in one line."""
    tried_at_s: float | None = None
    record: EditRecord | None = None
    """What was written, once it was."""


class CollectionWriteStore(Protocol):
    """Keeps writes over a restart. Synchronous; may block."""

    def waiting(self) -> Sequence[CollectionWrite]:
        """Return those that wait, in the order they were asked for."""
        ...

    def save(self, write: CollectionWrite) -> None:
        """Add it, or replace the one with its id."""
        ...

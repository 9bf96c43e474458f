"""Takes the events of watchdog in and notes what they speak of."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from watchdog.events import (
    EVENT_TYPE_CLOSED,
    EVENT_TYPE_CREATED,
    EVENT_TYPE_DELETED,
    EVENT_TYPE_MODIFIED,
    EVENT_TYPE_MOVED,
    FileSystemEvent,
    FileSystemEventHandler,
)

from cratehand.watch.debounce import Debounce
from cratehand.watch.ignore import IgnoreRules, is_audio_name
from cratehand.watch.paths import is_folder, is_link, name_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedPlace:
    """A watched folder, or a folder that a link in it leads to."""

    root: str
    """The watched folder as the user gave it."""
    real: str
    """Where the observer was told to look."""
    seen: str
    """The path of `real` at or below `root`."""
    busy_after: frozenset[str]
    """Kinds of events after which a file is taken for unfinished."""
    patience_s: float
    """How long an unfinished file is waited for, unless its writer closes it."""


class EventIntake(FileSystemEventHandler):
    """Notes the events of one place.

    Args:
        place: The place.
        debounce: Where they are noted.
        rules: What is never music for us.
        on_sooner: Called when something is noted that is due before what waited until now.
        on_link: Called when a link to a folder appeared.
    """

    def __init__(
        self,
        place: WatchedPlace,
        *,
        debounce: Debounce,
        rules: IgnoreRules,
        on_sooner: Callable[[], None],
        on_link: Callable[[], None],
    ) -> None:
        self._place = place
        self._debounce = debounce
        self._rules = rules
        self._on_sooner = on_sooner
        self._on_link = on_link

    def dispatch(self, event: FileSystemEvent) -> None:
        """Take one event in; called by watchdog from its own thread."""
        # Events that watchdog makes up for what lies below a folder add nothing to the folder itself.
        if not event.is_synthetic and self._note(event):
            self._on_sooner()

    def _note(self, event: FileSystemEvent) -> bool:
        path = self._path_of(event.src_path)
        match event.event_type:
            case kind if kind == EVENT_TYPE_MOVED:
                return self._note_moved(path, self._path_of(event.dest_path), is_folder=event.is_directory)
            case kind if event.is_directory:
                return (
                    kind != EVENT_TYPE_MODIFIED
                    and self._is_wanted(path, is_folder=True)
                    and self._debounce.note(path, is_folder=True)
                )
            case kind if kind == EVENT_TYPE_DELETED and sys.platform == "win32" and not is_audio_name(name_of(path)):
                # Windows does not tell what it was that went.
                return self._is_wanted(path, is_folder=True) and self._debounce.note(path, is_folder=True)
            case kind if kind == EVENT_TYPE_CREATED and not is_audio_name(name_of(path)):
                return self._note_link(path)
            case _ if not self._is_wanted(path, is_folder=False):
                return False
            case kind if kind in self._place.busy_after:
                return self._debounce.note_written(path, patience_s=self._place.patience_s)
            case kind if kind == EVENT_TYPE_CLOSED:
                return self._debounce.note_closed(path)
        return self._debounce.note(path)

    def _note_moved(self, before: str, after: str, *, is_folder: bool) -> bool:
        was_wanted = self._is_wanted(before, is_folder=is_folder)
        is_wanted = self._is_wanted(after, is_folder=is_folder)
        if was_wanted and is_wanted:
            return self._debounce.note_moved(before, after, is_folder=is_folder)
        if was_wanted or is_wanted:
            return self._debounce.note(before if was_wanted else after, is_folder=is_folder)
        return False

    def _note_link(self, path: str) -> bool:
        if not (is_link(path) and is_folder(path) and self._is_wanted(path, is_folder=True)):
            return False
        self._on_link()
        return self._debounce.note(path, is_folder=True)

    def _is_wanted(self, path: str, *, is_folder: bool) -> bool:
        return not self._rules.ignores_name(path, self._place.root, is_folder=is_folder)

    def _path_of(self, raw: bytes | str) -> str:
        path = os.fsdecode(raw)
        place = self._place
        return place.seen + path[len(place.real) :] if path.startswith(place.real) else path

"""The observers of watchdog, so that nothing they lose stays unnoticed."""

import errno
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingEmitter

from cratehand.watch.ignore import IgnoreRules, is_audio_name, is_skipped_content, is_skipped_folder_name
from cratehand.watch.paths import identity_of, is_link, look, look_or_raise, name_of, prefix_of

WATCHED_EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]
"""The events that say something about a file's content or place; reading a file is not among them."""

_LIMITS = frozenset({errno.ENOSPC, errno.EMFILE})
_PATIENCE = 50
_LONGEST_PAUSE_S = 300.0


def is_limit(error: OSError) -> bool:
    """Whether the system refuses because its limit of watched folders is reached."""
    return error.errno in _LIMITS


if sys.platform == "linux":
    from watchdog.observers.inotify import InotifyEmitter
    from watchdog.observers.inotify_c import CallbackId, InotifyEvent, InotifyFD, Mask, WatchCallback, WatchDescriptor

    # watchdog meets folders twice that appear while it adds them, and says so in a RuntimeWarning; it does no harm.
    warnings.filterwarnings("ignore", message="Callback with id .* already exists", category=RuntimeWarning)

    class _TellingInotify(InotifyFD):
        """inotify that tells when a folder could not be watched and when events were lost."""

        def __init__(self, on_limit: Callable[[], None], on_overflow: Callable[[], None]) -> None:
            super().__init__()
            self._on_limit = on_limit
            self._on_overflow = on_overflow

        def add_callback(self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId) -> WatchDescriptor:
            if not os.access(path, os.R_OK):
                # watchdog would keep the error value as if it were a watch.
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fsdecode(path))
            try:
                return super().add_callback(path, mask, callback, id_)
            except OSError as error:
                if is_limit(error):
                    self._on_limit()
                raise

        def handle_event(self, event: InotifyEvent) -> None:
            super().handle_event(event)
            if event.is_queue_overflow:
                self._on_overflow()

    class _LinuxObserver(BaseObserver):
        def __init__(self, on_limit: Callable[[], None], on_overflow: Callable[[], None]) -> None:
            self._inotify = _TellingInotify(on_limit, on_overflow)
            self._inotify.start()
            super().__init__(InotifyEmitter, inotify_fd=self._inotify)

        def on_thread_stop(self) -> None:
            super().on_thread_stop()
            self._inotify.stop()
            self._inotify.join()

        def is_alive(self) -> bool:
            # Without its reader the observer would wait forever.
            return super().is_alive() and self._inotify.is_alive()

    def make_native_observer(on_limit: Callable[[], None], on_overflow: Callable[[], None]) -> BaseObserver:
        """Return inotify's observer, not started.

        Args:
            on_limit: Called, from any thread, when a folder could not be watched because of the system's limit.
            on_overflow: Called, from any thread, when the system lost events.

        Raises:
            OSError: The system offers none now; see `is_limit`.
        """
        return _LinuxObserver(on_limit, on_overflow)

else:

    def make_native_observer(on_limit: Callable[[], None], on_overflow: Callable[[], None]) -> BaseObserver:
        """Return the observer that this system offers, not started; it tells neither of limits nor of lost events."""
        return Observer()


def make_polling_observer(rules: IgnoreRules, root: str, *, interval_s: float) -> BaseObserver:
    """Return an observer that looks by itself every now and then, not started.

    Args:
        rules: What is not looked at.
        root: The watched folder.
        interval_s: Time between two looks; longer, up to five minutes, where one look takes more than a fiftieth of it.
    """
    view = _View(rules, root)
    return _PollingObserver(view, interval_s=interval_s)


class _View:
    """What a poll sees of a folder: audio files, and each folder once whatever the links, by its own path if there."""

    def __init__(self, rules: IgnoreRules, root: str) -> None:
        self._rules = rules
        self._root = root
        self._real_root = os.path.realpath(root)
        self._visited: set[tuple[int, int]] = set()
        self.began_s = time.monotonic()
        self.stopped = False

    def stat(self, path: str) -> os.stat_result:
        if self.stopped:
            raise FileNotFoundError(errno.ENOENT, "no longer watched", path)
        found = look_or_raise(path)
        if path == self._root:
            self.began_s = time.monotonic()
            self._visited = self._rules.own_identities()
        return found

    def listdir(self, folder: str | None) -> Iterator["os.DirEntry[str]"]:
        identity = identity_of(folder or ".")
        if folder is None or self.stopped or identity in self._visited or self._leads_back_inside(folder):
            return iter(())
        if identity is not None:
            self._visited.add(identity)
        with os.scandir(folder) as scan:
            entries = list(scan)
        if folder != self._root and is_skipped_content(name_of(folder), [entry.name for entry in entries]):
            return iter(())
        return iter([entry for entry in entries if self._shows(entry)])

    def _leads_back_inside(self, folder: str) -> bool:
        return folder != self._root and is_link(folder) and _is_within(os.path.realpath(folder), self._real_root)

    def _shows(self, entry: "os.DirEntry[str]") -> bool:
        try:
            is_folder = entry.is_dir()
        except OSError:
            return False
        if is_skipped_folder_name(entry.name) if is_folder else not is_audio_name(entry.name):
            return False
        return not (
            self._rules.has_patterns and self._rules.matches_pattern(entry.path, self._root, is_folder=is_folder)
        )


class _PatientEmitter(PollingEmitter):
    """Polls less often where a look takes long, so that it never costs more than a fiftieth of a core."""

    def __init__(self, *args: Any, view: _View, **options: Any) -> None:
        super().__init__(*args, stat=view.stat, listdir=view.listdir, **options)
        self._view = view
        self._look_s = 0.0

    def on_thread_start(self) -> None:
        super().on_thread_start()
        self._look_s = time.monotonic() - self._view.began_s

    def on_thread_stop(self) -> None:
        self._view.stopped = True
        super().on_thread_stop()

    def queue_events(self, timeout: float) -> None:
        before_s = self._view.began_s
        super().queue_events(max(timeout, min(self._look_s * _PATIENCE, _LONGEST_PAUSE_S)))
        if self._view.began_s != before_s:
            self._look_s = time.monotonic() - self._view.began_s


class _PollingObserver(BaseObserver):
    def __init__(self, view: _View, *, interval_s: float) -> None:
        super().__init__(_PatientEmitter, timeout=interval_s, view=view)


def linked_folders(root: str, rules: IgnoreRules) -> list[tuple[str, str]]:
    """Find the folders that symbolic links below `root` lead out to: where they really are, and their path below it.

    Links that lead back inside, up to where `root` lies in, or to where another one already led, are left out.
    """
    reached = [os.path.realpath(root)]
    found: list[tuple[str, str]] = []
    pending = [root]
    while pending:
        for folder, names, files in os.walk(pending.pop()):
            names[:] = [name for name in names if not is_skipped_folder_name(name)]
            if folder != root and is_skipped_content(name_of(folder), [*names, *files]):
                names.clear()
                continue
            for name in sorted(names):
                path = Path(folder, name)
                if not path.is_symlink() or rules.ignores_name(str(path), root, is_folder=True):
                    continue
                target = os.path.realpath(path)
                if look(target) is not None and not any(
                    _is_within(target, place) or _is_within(place, target) for place in reached
                ):
                    reached.append(target)
                    found.append((target, str(path)))
                    pending.append(str(path))
    return found


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(prefix_of(folder))

"""Keeps one folder watched, whatever happens to it."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from watchdog.events import EVENT_TYPE_CREATED, EVENT_TYPE_MODIFIED
from watchdog.observers.api import BaseObserver

from cratehand.domain.folders import WatchedFolder
from cratehand.watch.debounce import Debounce
from cratehand.watch.ignore import IgnoreRules
from cratehand.watch.intake import EventIntake, WatchedPlace
from cratehand.watch.mounts import MountTable
from cratehand.watch.observers import (
    WATCHED_EVENTS,
    is_limit,
    linked_folders,
    make_native_observer,
    make_polling_observer,
)
from cratehand.watch.paths import identity_of

_log = logging.getLogger(__name__)

_NATIVE_BUSY = frozenset({EVENT_TYPE_MODIFIED}) if sys.platform == "linux" else frozenset[str]()
"""Only Linux tells when a writer is done; elsewhere there would be nothing to wait for."""
_POLLED_BUSY = frozenset({EVENT_TYPE_CREATED, EVENT_TYPE_MODIFIED})
_POLLED_PATIENCE = 1.2
"""In intervals: a polled file is calm when the next look found no change; the clock of another computer says little."""
_MOST_PATIENT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchingSystem:
    """What watching asks of the operating system.

    Attributes:
        read_mounts: Gives the drives at this moment.
        make_observer: Makes the system's own observer from what to call at its limit and at lost events.
    """

    read_mounts: Callable[[], MountTable] = MountTable.read
    make_observer: Callable[[Callable[[], None], Callable[[], None]], BaseObserver] = make_native_observer


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardOptions:
    """What all guards of one watcher share.

    Attributes:
        debounce: Where changed paths are noted.
        rules: What is never music for us.
        on_sooner: Called from any thread when something is noted that is due before what waited until now.
        system: The operating system.
        poll_interval_s: Time between two looks at a folder that is polled.
        check_interval_s: Time between two looks whether the folder is still the one that is watched.
        write_patience_s: How long a writer that never closes its file is waited for.
    """

    debounce: Debounce
    rules: IgnoreRules
    on_sooner: Callable[[], None]
    system: WatchingSystem
    poll_interval_s: float
    check_interval_s: float
    write_patience_s: float


class FolderGuard(threading.Thread):
    """A thread that arms the observer of one folder, and arms it anew when the folder went and came back.

    Everything that may block on a dead drive happens here, one thread for each folder, so that no folder holds up
    another one. It is a daemon thread: a drive that never answers does not keep the program from ending.

    Args:
        folder: The folder.
        options: What all guards share.
        on_ready: Called once when the folder is watched, or known not to be there.
    """

    def __init__(self, folder: WatchedFolder, options: GuardOptions, on_ready: Callable[[], None]) -> None:
        super().__init__(name=f"watch {folder.path.name}", daemon=True)
        self._folder = folder
        self._root = str(folder.path)
        self._options = options
        self._on_ready = on_ready
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._observer: BaseObserver | None = None
        self._identity: tuple[int, int] | None = None
        self._links: set[str] = set()
        self._limit_reached = False
        self._links_changed = False
        self._is_polling = False
        self._last_trouble = ""
        self._failures = 0
        self._is_late = threading.Event()

    def ask_to_stop(self) -> None:
        """Let the thread end soon; does not wait."""
        self._stopping.set()
        self._wake.set()

    def look_when_ready(self) -> None:
        """Note the whole folder as soon as it is watched: nobody waits for that any longer."""
        self._is_late.set()
        self._wake.set()

    def run(self) -> None:
        """Guard the folder until asked to stop."""
        self._check()
        self._on_ready()
        while not self._stopping.is_set():
            self._wake.wait(self._options.check_interval_s * min(2**self._failures, _MOST_PATIENT))
            self._wake.clear()
            if self._stopping.is_set():
                break
            if self._check() or self._is_late.is_set():
                self._is_late.clear()
                self.note_everything()
        self._disarm()

    def note_everything(self) -> None:
        """Note the whole folder: events may have been missed."""
        if self._options.debounce.note(self._root, is_folder=True):
            self._options.on_sooner()

    def _check(self) -> bool:
        """Bring the observer in line with the folder; return whether events may have been missed."""
        identity = identity_of(self._root)
        wants_polling = self._limit_reached and not self._is_polling
        if identity == self._identity and self._is_healthy() and not wants_polling:
            if self._links_changed and self._observer is not None:
                self._links_changed = False
                self._watch_links(self._observer)
            return False
        was_there = self._identity is not None
        self._disarm()
        if identity is None:
            return was_there
        is_armed = self._arm()
        self._failures = 0 if is_armed else min(self._failures + 1, _MOST_PATIENT)
        self._identity = identity if is_armed else None
        return is_armed or was_there

    def _is_healthy(self) -> bool:
        observer = self._observer
        if observer is None:
            return self._identity is None
        return observer.is_alive() and all(emitter.is_alive() for emitter in observer.emitters)

    def _arm(self) -> bool:
        real = os.path.realpath(self._root)
        try:
            polling = self._folder.polling or self._limit_reached or self._options.system.read_mounts().is_network(real)
            if not polling:
                try:
                    self._start(real, polling=False)
                except OSError as error:
                    if not is_limit(error):
                        raise
                    self._limit_reached = True
                if self._limit_reached:
                    self._disarm()
                    polling = True
            if polling:
                if self._limit_reached:
                    self._warn_of_limit()
                self._start(real, polling=True)
        except OSError as error:
            self._disarm()
            if str(error) != self._last_trouble:
                self._last_trouble = str(error)
                _log.warning("cannot watch %s now, will try again: %s", self._root, error)
            return False
        self._last_trouble = ""
        _log.info("watching %s%s", self._root, " by polling" if polling else "")
        return True

    def _start(self, real: str, *, polling: bool) -> None:
        self._is_polling = polling
        self._links_changed = False
        if polling:
            observer = make_polling_observer(self._options.rules, real, interval_s=self._options.poll_interval_s)
        else:
            observer = self._options.system.make_observer(self._note_limit, self.note_everything)
        self._observer = observer
        self._schedule(observer, real, self._root)
        observer.start()
        if not polling:
            self._watch_links(observer)

    def _schedule(self, observer: BaseObserver, real: str, seen: str) -> None:
        options = self._options
        patience_s = options.poll_interval_s * _POLLED_PATIENCE if self._is_polling else options.write_patience_s
        intake = EventIntake(
            WatchedPlace(
                root=self._root,
                real=real,
                seen=seen,
                busy_after=_POLLED_BUSY if self._is_polling else _NATIVE_BUSY,
                patience_s=patience_s,
            ),
            debounce=options.debounce,
            rules=options.rules,
            on_sooner=options.on_sooner,
            on_link=self._note_link,
        )
        observer.schedule(intake, real, recursive=True, event_filter=None if self._is_polling else WATCHED_EVENTS)

    def _watch_links(self, observer: BaseObserver) -> None:
        for real, seen in linked_folders(self._root, self._options.rules):
            if real not in self._links:
                self._links.add(real)
                try:
                    self._schedule(observer, real, seen)
                except OSError as error:
                    _log.warning("cannot watch %s, which is a link to %s: %s", seen, real, error)

    def _disarm(self) -> None:
        observer, self._observer = self._observer, None
        self._identity = None
        self._links.clear()
        if observer is not None:
            observer.stop()
            if observer.ident is not None:
                observer.join()

    def _note_limit(self) -> None:
        self._limit_reached = True
        self._wake.set()

    def _note_link(self) -> None:
        self._links_changed = True
        self._wake.set()

    def _warn_of_limit(self) -> None:
        _log.warning(
            "cannot watch all of %s: the system's limit of watched folders is reached, it is looked at every %.0f s "
            "instead; raise it with: sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512",
            self._root,
            self._options.poll_interval_s,
        )

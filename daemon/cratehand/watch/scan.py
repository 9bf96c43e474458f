"""Compares the disk with what is known."""

import logging
import os
import stat
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cratehand.domain.folders import FolderChange, KnownFile
from cratehand.domain.ports import Clock
from cratehand.domain.track import Presence
from cratehand.watch.comparison import Comparison
from cratehand.watch.ignore import IgnoreRules
from cratehand.watch.mounts import MountTable
from cratehand.watch.paths import device_of, is_empty_folder, path_key, prefix_of
from cratehand.watch.paths import look as look_up
from cratehand.watch.settling import Settling
from cratehand.watch.walk import TreeWalk

_log = logging.getLogger(__name__)

_MOST_COMPLAINTS = 10
"""So many unreadable folders are named in the log at one look."""


class DiskScanner:
    """Implements `FolderScanner` on real folders. Thread-safe; one look runs at a time.

    What a difference means:

    - Two spellings of one path (NFC, NFD) are one file. Where the known spelling can't be opened, the file has *moved*
      to the spelling on the disk. The same holds for a rename that changes nothing but case.
    - A known file that is not at its path, while an unknown file has its inode, size and mtime, has *moved* there.
    - The same holds where it lies under the path of another known file (two swapped names, a series renumbered). Where
      that other one is nowhere else it is gone, which is not told once more.
    - A known file whose stamp is None, or differs in anything, is *altered*, also when its presence was missing or
      offline; one that reappears with the same stamp has *returned*. Inode numbers are left out of account on file
      systems that make them up at every mount (FAT, exFAT, network shares).
    - A watched folder that is not there, or an empty one where a drive was mounted before, is *offline*, not empty; the
      same for the drives of known files outside the watched folders. It is told as long as some known file below it has
      another presence, or none is known below it. A watched folder that this scanner finds empty at its first look,
      while files are known below it, counts as offline too: nobody can tell an unmounted place from an emptied one.
    - Nothing is said of what can't be looked at (permission, I/O error): it keeps the presence it had.
    - A new file without a single byte is not there yet.

    Args:
        ignore: What is never music for us.
        clock: The time.
        settle_s: How long a new or altered file has to stand still before it is reported.
        on_growing: Called at the end of each look with the paths that have to be looked at again, if any; meant for
            `WatchdogWatcher.look_again`.
        read_mounts: Gives the drives at this moment.
    """

    def __init__(
        self,
        *,
        ignore: IgnoreRules,
        clock: Clock,
        settle_s: float = 2.0,
        on_growing: Callable[[frozenset[Path]], None] | None = None,
        read_mounts: Callable[[], MountTable] = MountTable.read,
    ) -> None:
        self._ignore = ignore
        self._settling = Settling(settle_s=settle_s, clock=clock)
        self._on_growing = on_growing
        self._read_mounts = read_mounts
        self._lock = threading.Lock()
        self._devices: dict[str, int] = {}
        self._mount_points: set[str] = set()
        self._complained: set[str] = set()
        self._own_roots: set[str] = set()
        self._growing: frozenset[Path] = frozenset()

    @property
    def growing(self) -> frozenset[Path]:
        """Files that the last look left for later, because they changed less than `settle_s` ago."""
        return self._growing

    def sweep(self, folders: Sequence[Path], known: Sequence[KnownFile]) -> FolderChange:
        with self._lock:
            roots = [str(folder) for folder in folders]
            look = _Look(TreeWalk(self._ignore, mounts := self._read_mounts(), roots), mounts, known)
            offline = self._walk_roots(roots, look)
            look.walk.follow_links(look.has_known_below)
            self._mount_points |= look.walk.crossings
            change = self._compare(look, look.known, offline, everything=True)
        return self._tell_growing(change)

    def look_at(self, paths: Iterable[Path], folders: Sequence[Path], known: Sequence[KnownFile]) -> FolderChange:
        with self._lock:
            roots = [str(folder) for folder in folders]
            look = _Look(TreeWalk(self._ignore, mounts := self._read_mounts(), roots), mounts, known)
            offline: set[str] = set()
            scope: dict[str, KnownFile] = {}
            for path in sorted({str(path) for path in paths}):
                for start, root in _starts(path, roots):
                    if start == root:
                        offline |= self._walk_roots([root], look)
                    else:
                        self._walk_part(start, root, look, offline)
                scope.update(look.known_at_or_below(path))
            look.walk.follow_links(look.has_known_below)
            self._mount_points |= look.walk.crossings
            change = self._compare(look, scope, offline, everything=False)
        return self._tell_growing(change)

    def _tell_growing(self, change: FolderChange) -> FolderChange:
        if self._growing and self._on_growing is not None:
            self._on_growing(self._growing)
        return change

    def _walk_roots(self, roots: Sequence[str], look: "_Look") -> set[str]:
        """Walk whole watched folders; return those that are offline."""
        offline: set[str] = set()
        for root in roots:
            device = device_of(root)
            if device is None:
                offline.add(root)
                continue
            if self._ignore.is_own(root):
                self._own_roots.add(root)
                self._complain(
                    root, "watched folder %s is one of cratehand's own folders, nothing in it is taken", root
                )
                continue
            before = len(look.walk.files)
            look.walk.walk(root, root)
            if len(look.walk.files) > before:
                self._devices[root] = device
            elif look.expects_files_below(root) and self._is_bare(root, device):
                offline.add(root)
            if device_of(root) != device:
                # It was unplugged in the middle of the walk.
                offline.add(root)
        return offline

    def _is_bare(self, root: str, device: int) -> bool:
        """Whether a watched folder without files is but the place where its drive was mounted."""
        before = self._devices.get(root)
        return device != before if before is not None else is_empty_folder(root)

    def _walk_part(self, path: str, root: str, look: "_Look", offline: set[str]) -> None:
        if device_of(root) is None:
            offline.add(root)
            return
        found = look_up(path)
        if found is None or self._ignore.ignores(path, root, is_folder=stat.S_ISDIR(found.st_mode)):
            return
        if stat.S_ISDIR(found.st_mode):
            look.walk.walk(path, root)
        else:
            look.walk.add_single(path)

    def _compare(
        self, look: "_Look", scope: dict[str, KnownFile], offline: set[str], *, everything: bool
    ) -> FolderChange:
        comparison = Comparison(
            walk=look.walk, known=look.known, offline_roots=offline, settling=self._settling,
            absent_drive=self._absent_drive_finder(look.mounts),
        )  # fmt: skip
        change = comparison.compare(scope, everything=everything)
        unread = {**look.walk.unread, **comparison.unread}
        fresh = [path for path in sorted(unread) if path not in self._complained]
        for path in fresh[:_MOST_COMPLAINTS]:
            self._complain(path, "cannot look at %s, what is known below it stays as it was: %s", path, unread[path])
        if len(fresh) > _MOST_COMPLAINTS:
            _log.warning("cannot look at %d more folders either", len(fresh) - _MOST_COMPLAINTS)
        self._complained.update(fresh)
        if everything:
            self._complained &= {*unread, *self._own_roots}
            self._settling.forget_except(comparison.growing)
        self._growing = frozenset(map(Path, comparison.growing))
        return change

    def _absent_drive_finder(self, mounts: MountTable) -> Callable[[Path], Path | None]:
        unmounted = [Path(place) for place in sorted(self._mount_points) if not os.path.ismount(place)]

        def find(path: Path) -> Path | None:
            return next((place for place in unmounted if place in path.parents), None) or mounts.absent_drive(path)

        return find

    def _complain(self, key: str, message: str, *values: object) -> None:
        if key not in self._complained:
            self._complained.add(key)
            _log.warning(message, *values)


class _Look:
    """What one sweep or look works with."""

    def __init__(self, walk: TreeWalk, mounts: MountTable, known: Sequence[KnownFile]) -> None:
        self.mounts = mounts
        self.walk = walk
        self.known = {path_key(file.name): file for file in known}
        self._sorted: list[str] | None = None

    def known_at_or_below(self, path: str) -> dict[str, KnownFile]:
        key = path_key(path)
        found = {key: self.known[key]} if key in self.known else {}
        for below in self._keys_below(key):
            found[below] = self.known[below]
        return found

    def has_known_below(self, path: str) -> bool:
        return next(iter(self._keys_below(path_key(path))), None) is not None

    def expects_files_below(self, path: str) -> bool:
        return any(self.known[key].presence is not Presence.MISSING for key in self._keys_below(path_key(path)))

    def _keys_below(self, key: str) -> Iterable[str]:
        if self._sorted is None:
            self._sorted = sorted(self.known)
        prefix = prefix_of(key)
        for index in range(bisect_left(self._sorted, prefix), len(self._sorted)):
            if not self._sorted[index].startswith(prefix):
                return
            yield self._sorted[index]


def _starts(path: str, roots: Sequence[str]) -> Sequence[tuple[str, str]]:
    """Return where to walk for one path: from itself on, or all watched folders below it."""
    below = [(root, root) for root in roots if root == path or root.startswith(prefix_of(path))]
    above = [root for root in roots if path.startswith(prefix_of(root))]
    return [*below, *([(path, max(above, key=len))] if above and (path, path) not in below else [])]

"""What differs between one walk and what is known."""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cratehand.domain.folders import FolderChange, KnownFile, SeenFile
from cratehand.domain.track import FileStamp, Presence
from cratehand.watch.paths import look_or_raise, name_of, names_in, parent_of, path_key, prefix_of
from cratehand.watch.settling import Settling
from cratehand.watch.walk import Found, TreeWalk

_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL})

_Content = tuple[int, int, int]
"""Inode, size and mtime: what a rename leaves alone."""


class Comparison:
    """Judges every known file in scope and every unknown file of a walk.

    Args:
        walk: What is there.
        known: All known files by `path_key`.
        offline_roots: Watched folders that are not there.
        settling: Tells whether a file is still being written.
        absent_drive: Returns the drive that a path needs and that is not there.

    Attributes:
        growing: Paths that are left for later.
        unread: Known paths that could not be looked at, with the reason.
    """

    def __init__(
        self,
        *,
        walk: TreeWalk,
        known: Mapping[str, KnownFile],
        offline_roots: set[str],
        settling: Settling,
        absent_drive: Callable[[Path], Path | None],
    ) -> None:
        self._walk = walk
        self._known = known
        self._offline = {Path(root) for root in offline_roots}
        self._settling = settling
        self._absent_drive = absent_drive
        self._blind = tuple(prefix_of(path_key(path)) for path in walk.unread)
        self._dark = tuple(prefix_of(path_key(root)) for root in offline_roots)
        self._told_offline: set[Path] = set()
        self._altered: list[SeenFile] = []
        self._moved: list[tuple[Path, SeenFile]] = []
        self._gone: list[Path] = []
        self._returned: list[Path] = []
        self._displaced: set[str] = set()
        self.growing: set[str] = set()
        self.unread: dict[str, str] = {}

    def compare(self, scope: Mapping[str, KnownFile], *, everything: bool) -> FolderChange:
        """Return the differences.

        Args:
            scope: The known files that the walk was to see, by `path_key`.
            everything: Whether the scope is all that is known.
        """
        self._prefer_known_spellings()
        new = self._walk.files
        traded = self._match_traded()
        unseen: list[KnownFile] = [self._known[key] for key in self._displaced]
        settled = {*self._displaced, *traded}
        for key, file in scope.items():
            if key in settled:
                continue
            found = new.pop(key, None)
            if found is None:
                unseen.append(file)
            else:
                self._judge_there(file, found)
        for key in [key for key in new if key in self._known and key not in settled]:
            self._judge_there(self._known[key], new.pop(key))
        displaced = unseen if everything else [*unseen, *(f for k, f in self._known.items() if k not in scope)]
        moved = self._match_moved(displaced, taken={self._known[key].name for key in traded}) if new else set()
        for file in unseen:
            # What lay where another known file lies now and was not found elsewhere is gone with that news.
            if file.name not in moved and path_key(file.name) not in self._displaced:
                self._judge_unseen(file)
        landed = [self._seen(found) for found in new.values() if found.stat.st_size and self._is_calm(found)]
        return FolderChange(
            landed=tuple(sorted(landed, key=lambda seen: seen.path)),
            altered=tuple(sorted(self._altered, key=lambda seen: seen.path)),
            moved=tuple(sorted(self._moved, key=lambda pair: pair[0])),
            gone=tuple(sorted(self._gone)),
            offline=tuple(sorted(self._offline_news())),
            returned=tuple(sorted(self._returned)),
        )

    def _prefer_known_spellings(self) -> None:
        for double in self._walk.doubles:
            key = path_key(double.path)
            file = self._known.get(key)
            if file is not None and file.name == double.path:
                self._walk.files[key] = double

    def _match_traded(self) -> set[str]:
        """Find known files under the path of another known one: swapped names, a renumbered series, one over another.

        Those found are taken out of the walk; what was known at their new path, and was not found elsewhere itself, is
        displaced.

        Returns:
            Keys of the paths that they had.
        """
        files = self._walk.files
        others = [key for key, found in files.items() if self._is_another(key, found)]
        if not others:
            return set()
        by_content = {_content(file.stamp): file for file in self._known.values() if file.stamp is not None}
        traded: dict[str, str] = {}
        for key in others:
            file = by_content.get(_content(FileStamp.of(files[key].stat)))
            if file is None or not (self._left(file) or self._holds_known(file, by_content)):
                continue
            if self._is_calm(files[key]):
                traded[path_key(file.name)] = key
                self._moved.append((file.path, self._seen(files.pop(key))))
        self._displaced = set(traded.values()) - traded.keys()
        return set(traded)

    def _is_another(self, key: str, found: Found) -> bool:
        """Whether another file than the known one lies at a path."""
        file = self._known.get(key)
        if file is None or file.stamp is None or not found.stable_inode:
            return False
        known = file.stamp.inode
        # A stamp folds large numbers, which takes its time a hundred thousand times; most are the same as they are.
        return known != found.stat.st_ino and known != FileStamp.of(found.stat).inode

    def _holds_known(self, file: KnownFile, by_content: Mapping[_Content, KnownFile]) -> bool:
        """Whether the path of a known file holds another known one now."""
        try:
            there = os.lstat(file.path)
        except (OSError, ValueError):
            return False
        holder = by_content.get(_content(FileStamp.of(there)))
        return holder is not None and holder is not file and self._walk.is_stable(file.name, there.st_dev)

    def _judge_there(self, file: KnownFile, found: Found) -> None:
        stamp = file.stamp
        if stamp is None or not _is_same(stamp, found):
            if self._is_calm(found):
                self._altered.append(self._seen(found))
            return
        if file.name != found.path and not os.path.lexists(file.path):
            self._moved.append((file.path, self._seen(found)))
        elif file.presence is not Presence.PRESENT:
            self._returned.append(file.path)

    def _judge_unseen(self, file: KnownFile) -> None:
        """Judge a known file that the walk did not meet: outside, ignored, gone, or on a drive that is not there."""
        path = file.name
        key = path_key(path)
        if key.startswith(self._dark):
            if file.presence is not Presence.OFFLINE:
                self._told_offline |= {root for root in self._offline if key.startswith(prefix_of(path_key(str(root))))}
            return
        if not file.path.is_absolute() or key.startswith(self._blind):
            return
        try:
            found = look_or_raise(path)
        except (OSError, ValueError) as error:
            if _says_not_there(error) or self._absent_drive(file.path) is not None:
                self._judge_absent(file)
            else:
                self.unread.setdefault(parent_of(path), str(error))
            return
        if stat.S_ISREG(found.st_mode):
            self._judge_there(file, Found(path, found, self._walk.is_stable(path, found.st_dev)))
        else:
            self._judge_absent(file)

    def _judge_absent(self, file: KnownFile) -> None:
        drive = self._absent_drive(file.path)
        if drive is None:
            if file.presence is not Presence.MISSING:
                self._gone.append(file.path)
        elif file.presence is not Presence.OFFLINE:
            self._offline.add(drive)
            self._told_offline.add(drive)

    def _match_moved(self, displaced: Iterable[KnownFile], *, taken: set[str]) -> set[str]:
        """Find new files that are known ones under another path and not yet taken; return the paths they had."""
        by_content: dict[_Content, list[KnownFile]] = {}
        by_case: dict[str, list[KnownFile]] = {}
        for file in displaced:
            if file.stamp is not None:
                by_content.setdefault(_content(file.stamp), []).append(file)
            by_case.setdefault(path_key(file.name).casefold(), []).append(file)
        matched = set(taken)
        for key in sorted(self._walk.files):
            found = self._walk.files[key]
            same = by_content.get(_content(FileStamp.of(found.stat)), [])
            if any(_is_linked_twin(file.path, found.path) for file in same):
                del self._walk.files[key]
                continue
            free = [file for file in (*same, *by_case.get(key.casefold(), [])) if file.name not in matched]
            previous = self._find_previous(found, free, same)
            if previous is not None:
                matched.add(previous.name)
                self._moved.append((previous.path, self._seen(found)))
                del self._walk.files[key]
        return matched

    def _find_previous(
        self, found: Found, candidates: Sequence[KnownFile], same: Sequence[KnownFile]
    ) -> KnownFile | None:
        """Return the known file that a new one was before: of several with the same content one of the same name."""
        name = name_of(found.path)
        for file in sorted(candidates, key=lambda file: (file.path.name != name, file.path)):
            if (file in same and self._left(file)) or _is_respelled(file.path, found.path):
                return file
        return None

    def _left(self, file: KnownFile) -> bool:
        """Whether a known file is no longer at its path although its drive is there."""
        key = path_key(file.name)
        if not file.path.is_absolute() or key.startswith((*self._dark, *self._blind)):
            return False
        if key in self._displaced:
            return True
        try:
            os.lstat(file.path)
        except (OSError, ValueError) as error:
            return _says_not_there(error) and self._absent_drive(file.path) is None
        return False

    def _offline_news(self) -> Iterable[Path]:
        below = {root: prefix_of(path_key(str(root))) for root in self._offline - self._told_offline}
        silent = {root for root, prefix in below.items() if any(key.startswith(prefix) for key in self._known)}
        return self._offline - silent

    def _is_calm(self, found: Found) -> bool:
        if self._settling.is_calm(found.path, found.stat):
            return True
        self.growing.add(found.path)
        return False

    @staticmethod
    def _seen(found: Found) -> SeenFile:
        return SeenFile(path=Path(found.path), stamp=FileStamp.of(found.stat))


def _content(stamp: FileStamp) -> _Content:
    return stamp.inode, stamp.size_bytes, stamp.mtime_ns


def _is_same(stamp: FileStamp, found: Found) -> bool:
    now = found.stat
    if (
        stamp.size_bytes == now.st_size
        and stamp.mtime_ns == now.st_mtime_ns
        and stamp.ctime_ns == now.st_ctime_ns
        and (stamp.inode == now.st_ino or not found.stable_inode)
    ):
        return True
    folded = FileStamp.of(now)
    return stamp == (folded if found.stable_inode else replace(folded, inode=stamp.inode))


def _says_not_there(error: Exception) -> bool:
    # A ValueError means a path that no file of this system can have (a zero byte, a lone surrogate).
    return isinstance(error, ValueError) or (isinstance(error, OSError) and error.errno in _NOT_THERE)


def _is_linked_twin(known: Path, found: str) -> bool:
    """Whether a new path leads through a symbolic link to a file that is known under another path."""
    try:
        return os.path.realpath(found) != found and known.samefile(found) and str(known) != found
    except (OSError, ValueError):
        return False


def _is_respelled(known: Path, found: str) -> bool:
    """Whether two paths differ in case only and are one file on a file system that does not care."""
    if path_key(str(known)).casefold() != path_key(found).casefold():
        return False
    try:
        if not known.samefile(found):
            return False
        # The two may also be two names of one file on a file system that does care: then the listing has both.
        for depth, (before, now) in enumerate(zip(known.parts, Path(found).parts, strict=True)):
            if path_key(before) != path_key(now):
                return path_key(before) not in map(path_key, names_in(str(Path(*known.parts[:depth]))))
    except (OSError, ValueError):
        return False
    return False

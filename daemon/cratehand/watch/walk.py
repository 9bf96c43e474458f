"""One walk over watched folders: every audio file once, whatever links, loops and unreadable folders there are."""

import errno
import os
import stat
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cratehand.watch.ignore import (
    IgnoreRules,
    is_audio_name,
    is_hidden,
    is_skipped_content,
    is_skipped_folder_name,
)
from cratehand.watch.mounts import MountTable
from cratehand.watch.paths import identity_of, is_folder, look, look_or_raise, name_of, path_key, prefix_of

_VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR})
_HIDES_BY_ATTRIBUTE = sys.platform in {"win32", "darwin"}


class Found(NamedTuple):
    """An audio file as it lies on the disk now."""

    path: str
    stat: os.stat_result
    stable_inode: bool
    """Whether the inode number says anything on its file system."""


class TreeWalk:
    """What a walk saw.

    Args:
        rules: What is not looked at.
        mounts: The drives at this moment.
        roots: All watched folders, also those that are not walked now.

    Attributes:
        files: The audio files by `path_key`.
        doubles: Files whose key was taken by another spelling (NFC or NFD) of the same path.
        unread: Folders that are there and could not be read, with the reason.
        crossings: Folders below a root at which another device begins.
    """

    def __init__(self, rules: IgnoreRules, mounts: MountTable, roots: Sequence[str]) -> None:
        self._rules = rules
        self._mounts = mounts
        self._roots = [os.path.realpath(root) for root in roots]
        self._visited = rules.own_identities()
        self._links: list[tuple[str, str]] = []
        self._stable_devices: dict[int, bool] = {}
        self.files: dict[str, Found] = {}
        self.doubles: list[Found] = []
        self.unread: dict[str, str] = {}
        self.crossings: set[str] = set()

    def walk(self, start: str, root: str) -> None:
        """Walk `start`, which is `root` or a folder below it; symbolic links wait for `follow_links`."""
        pending: list[tuple[str, int | None]] = [(start, None)]
        while pending:
            folder, parent_device = pending.pop()
            try:
                identity = look_or_raise(folder)
                key = (identity.st_dev, identity.st_ino)
                if key in self._visited:
                    continue
                with os.scandir(folder) as scan:
                    entries = list(scan)
            except (OSError, ValueError) as error:
                self._note_unread(folder, error)
                continue
            self._visited.add(key)
            if parent_device is not None and identity.st_dev != parent_device:
                self.crossings.add(folder)
            pending += [(child, identity.st_dev) for child in self._read(folder, root, identity.st_dev, entries)]

    def follow_links(self, is_preferred: Callable[[str], bool]) -> None:
        """Walk what the symbolic links that were met lead to, each folder once and only where nothing led there yet.

        What lies inside a watched folder is not reached through links: it is walked under its own path. A link up to a
        folder that a watched folder lies in is a loop and not followed.

        Args:
            is_preferred: Whether a link is to be taken before others that lead to the same place.
        """
        file_links: list[str] = []
        self._visited |= {identity for root in self._roots if (identity := identity_of(root)) is not None}
        while self._links:
            links, self._links = self._links, []
            for link, root in sorted(links, key=lambda pair: (not is_preferred(pair[0]), pair[0])):
                if self._leads_back(link):
                    continue
                if is_folder(link):
                    if not is_skipped_folder_name(name_of(link)):
                        self.walk(link, root)
                elif is_audio_name(name_of(link)):
                    file_links.append(link)
        if file_links:
            self._add_linked_files(file_links)

    def add_file(self, path: str, found: os.stat_result, *, stable_inode: bool) -> None:
        """Take in one audio file."""
        entry = Found(path, found, stable_inode)
        if self.files.setdefault(path_key(path), entry) is not entry:
            self.doubles.append(entry)

    def add_single(self, path: str) -> None:
        """Take in one file by its path, where it is a regular file that can be looked at."""
        found = look(path)
        if found is not None and stat.S_ISREG(found.st_mode) and not is_hidden(found):
            self.add_file(path, found, stable_inode=self.is_stable(path, found.st_dev))

    def is_stable(self, path: str, device: int) -> bool:
        """Whether inode numbers say anything on the device that `path` lies on."""
        if device not in self._stable_devices:
            self._stable_devices[device] = self._mounts.has_stable_inodes(os.path.realpath(path))
        return self._stable_devices[device]

    def _read(self, folder: str, root: str, device: int, entries: list["os.DirEntry[str]"]) -> list[str]:
        """Take in the files of one folder; return the folders below it that are to be walked."""
        has_patterns = self._rules.has_patterns
        if folder != root and is_skipped_content(name_of(folder), [entry.name for entry in entries]):
            return []
        folders: list[str] = []
        stable = self.is_stable(folder, device)
        for entry in entries:
            name = entry.name
            try:
                if name[0] == "." or (has_patterns and self._is_named_by_user(entry, root)):
                    continue
                if entry.is_symlink():
                    self._links.append((entry.path, root))
                elif entry.is_dir(follow_symlinks=False):
                    if self._enters(entry):
                        folders.append(entry.path)
                elif is_audio_name(name) and entry.is_file(follow_symlinks=False):
                    found = _look_at(entry)
                    if not (_HIDES_BY_ATTRIBUTE and is_hidden(found)):
                        self.add_file(entry.path, found, stable_inode=stable)
            except (OSError, ValueError) as error:
                self._note_unread(entry.path, error)
        return folders

    def _is_named_by_user(self, entry: "os.DirEntry[str]", root: str) -> bool:
        return self._rules.matches_pattern(entry.path, root, is_folder=entry.is_dir())

    @staticmethod
    def _enters(entry: "os.DirEntry[str]") -> bool:
        if is_skipped_folder_name(entry.name):
            return False
        return not (_HIDES_BY_ATTRIBUTE and is_hidden(entry.stat(follow_symlinks=False)))

    def _leads_back(self, link: str) -> bool:
        target = os.path.realpath(link)
        return any(
            target == root or target.startswith(prefix_of(root)) or root.startswith(prefix_of(target))
            for root in self._roots
        )

    def _add_linked_files(self, links: list[str]) -> None:
        known = {(found.stat.st_dev, found.stat.st_ino) for found in self.files.values()}
        for link in links:
            found = look(link)
            if found is None or not stat.S_ISREG(found.st_mode):
                continue
            identity = (found.st_dev, found.st_ino)
            if identity not in known:
                known.add(identity)
                self.add_file(link, found, stable_inode=self.is_stable(link, found.st_dev))

    def _note_unread(self, path: str, error: Exception) -> None:
        # What vanished between two looks is simply no longer there.
        if not (isinstance(error, OSError) and error.errno in _VANISHED):
            self.unread[path] = str(error)


def _look_at(entry: "os.DirEntry[str]") -> os.stat_result:
    # What a listing tells on Windows has neither inode nor device.
    return look_or_raise(entry.path) if sys.platform == "win32" else entry.stat(follow_symlinks=False)

"""What is never music for us, wherever it lies."""

import os
import stat
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from cratehand.watch.paths import identity_of, join, look, name_of, names_in, parent_of, path_key, prefix_of
from cratehand.watch.patterns import PathPatterns

AUDIO_SUFFIXES = frozenset(
    {
        ".aac", ".aif", ".aifc", ".aiff", ".alac", ".flac", ".m4a", ".mp3",
        ".oga", ".ogg", ".opus", ".wav", ".wave",
    }
)  # fmt: skip
"""Endings of audio files, in lower case.

``.mp4`` is not among them: it nearly always is a video, audio alone is ``.m4a``. A video that
Rekordbox knows is still followed, as every known file is."""

STEMS_MARKER = ".cratehand-stems"
"""An (empty) file of this name marks a folder as our own output: nothing in it or below it is music for us."""

STEMS_SUFFIX = ".stems"
"""A folder ``<anything>.stems`` is our own output, too, also where the marker got lost in a copy."""

_SYSTEM_FOLDERS = frozenset(
    {
        "$recycle.bin", "system volume information", "@eadir", "#recycle", "lost+found", "__macosx",
        "pioneer", "found.000",
    }
)  # fmt: skip
_PARTIAL_SUFFIXES = (".part", ".partial", ".crdownload", ".download", ".tmp", ".temp", ".!ut", ".!qb", ".aria2")
_PARTIAL_STEMS = (".part", ".temp", ".tmp")
_LIVE_PROJECT = " project"
_LIVE_INFO = "ableton project info"


def is_audio_name(name: str) -> bool:
    """Whether a file of this name may be audio; partial downloads, hidden files and AppleDouble files are not."""
    dot = name.rfind(".")
    if dot <= 0 or name[0] == "." or name[dot:].lower() not in AUDIO_SUFFIXES:
        return False
    # yt-dlp and others write `name.temp.m4a` before they rename it.
    return not name[:dot].lower().endswith(_PARTIAL_STEMS)


def is_skipped_folder_name(name: str) -> bool:
    """Whether a folder of this name never holds music of the collection, whatever is in it."""
    lower = name.lower()
    return name.startswith(".") or lower in _SYSTEM_FOLDERS or lower.endswith((STEMS_SUFFIX, *_PARTIAL_SUFFIXES))


def is_skipped_content(folder_name: str, names: Collection[str]) -> bool:
    """Whether the names inside a folder show that it is our own output or a Live project."""
    if STEMS_MARKER in names:
        return True
    if not folder_name.lower().endswith(_LIVE_PROJECT):
        return False
    return any(name.lower() == _LIVE_INFO or name.lower().endswith(".als") for name in names)


def is_hidden(found: os.stat_result) -> bool:
    """Whether Windows or macOS hide a file or folder by an attribute."""
    if sys.platform == "win32":
        return bool(found.st_file_attributes & stat.FILE_ATTRIBUTE_HIDDEN)
    return bool(getattr(found, "st_flags", 0) & stat.UF_HIDDEN)


class IgnoreRules:
    """Decides what below a watched folder is not looked at.

    Ignored are hidden files and folders, AppleDouble files, recycle bins and the like of all systems, ``PIONEER``, Live
    projects (a folder ``* Project`` with an ``.als`` or ``Ableton Project Info`` in it), partial downloads, our own
    stems (`STEMS_MARKER`, `STEMS_SUFFIX`) and own folders, everything that is no audio by its name, and the user's
    patterns (`PathPatterns`). The watched folder itself was named by a person: only what is below it is judged.

    Args:
        patterns: ``[watch] ignore`` of the settings.
        own_folders: Data folder, trash and whatever else we write to; with all below them.
    """

    def __init__(self, patterns: Sequence[str] = (), own_folders: Sequence[Path] = ()) -> None:
        self._patterns = PathPatterns(patterns)
        self._own = tuple(sorted({path_key(spelling) for folder in own_folders for spelling in _spellings_of(folder)}))
        self._own_prefixes = tuple(prefix_of(folder) for folder in self._own)

    @property
    def has_patterns(self) -> bool:
        """Whether `matches_pattern` can ever be true."""
        return bool(self._patterns)

    def own_identities(self) -> set[tuple[int, int]]:
        """Return device and inode of those own folders that exist."""
        return {identity for folder in self._own if (identity := identity_of(folder)) is not None}

    def is_own(self, path: str) -> bool:
        """Whether a path is one of our own folders or lies below one."""
        key = path_key(path)
        return key in self._own or key.startswith(self._own_prefixes)

    def matches_pattern(self, path: str, root: str, *, is_folder: bool) -> bool:
        """Whether the user's patterns name this path below a watched folder."""
        return self._patterns.match(path.removeprefix(prefix_of(root)), path, is_folder=is_folder)

    def ignores_name(self, path: str, root: str, *, is_folder: bool) -> bool:
        """Whether a path below `root` is ignored as far as names tell; the disk is not touched.

        A file is ignored also where its name is not that of audio.
        """
        if path == root:
            return False
        if self.is_own(path):
            return True
        *folders, name = path.removeprefix(prefix_of(root)).split(os.sep)  # noqa: PTH206 - a string, see `paths`
        if any(is_skipped_folder_name(folder) for folder in folders):
            return True
        if is_skipped_folder_name(name) if is_folder else not is_audio_name(name):
            return True
        if not self.has_patterns:
            return False
        parents = (join(root, *folders[:depth]) for depth in range(1, len(folders) + 1))
        return self.matches_pattern(path, root, is_folder=is_folder) or any(
            self.matches_pattern(parent, root, is_folder=True) for parent in parents
        )

    def ignores(self, path: str, root: str, *, is_folder: bool) -> bool:
        """Whether a path below `root` is ignored; looks into the folders between the two."""
        if self.ignores_name(path, root, is_folder=is_folder):
            return True
        folder = path if is_folder else parent_of(path)
        while len(folder) > len(root):
            if self._is_skipped_on_disk(folder):
                return True
            folder = parent_of(folder)
        return False

    @staticmethod
    def _is_skipped_on_disk(folder: str) -> bool:
        found = look(folder)
        if found is None or is_hidden(found):
            return found is not None
        name = name_of(folder)
        if name.lower().endswith(_LIVE_PROJECT):
            return is_skipped_content(name, names_in(folder))
        return os.path.lexists(join(folder, STEMS_MARKER))


def _spellings_of(folder: Path) -> set[str]:
    return {str(folder.absolute()), os.path.realpath(folder)}

"""Paths as plain strings, which a walk over a hundred thousand files needs, and looks at them that never raise."""

# ruff: noqa: PTH114, PTH116, PTH118, PTH119, PTH120, PTH208 - a Path object for every file costs more than the walk itself.

import os
import stat
import unicodedata
from collections.abc import Sequence


def path_key(path: str) -> str:
    """Return what is the same for the NFC and the NFD spelling of one path."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def prefix_of(folder: str) -> str:
    """Return what every path below a folder begins with."""
    return folder.rstrip(os.sep) + os.sep


def name_of(path: str) -> str:
    """Return the last part of a path."""
    return os.path.basename(path)


def parent_of(path: str) -> str:
    """Return the folder a path lies in; that of a root is itself."""
    return os.path.dirname(path)


def join(*parts: str) -> str:
    """Put parts of a path together."""
    return os.path.join(*parts)


def look(path: str) -> os.stat_result | None:
    """Return what the system knows of a path, symbolic links followed; None where that can't be had."""
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def look_or_raise(path: str) -> os.stat_result:
    """Return what the system knows of a path, symbolic links followed.

    Raises:
        OSError: Not there, or can't be looked at.
        ValueError: No file of this system can have such a path.
    """
    return os.stat(path)


def identity_of(path: str) -> tuple[int, int] | None:
    """Return device and inode of a path, None where it can't be looked at."""
    found = look(path)
    return (found.st_dev, found.st_ino) if found is not None else None


def device_of(folder: str) -> int | None:
    """Return the device of a folder; None where there is none."""
    found = look(folder)
    return found.st_dev if found is not None and stat.S_ISDIR(found.st_mode) else None


def is_folder(path: str) -> bool:
    """Whether a path is, or leads to, a folder."""
    return device_of(path) is not None


def is_link(path: str) -> bool:
    """Whether a path is a symbolic link."""
    return os.path.islink(path)


def names_in(folder: str) -> Sequence[str]:
    """Return the names in a folder; none where it can't be read."""
    try:
        return os.listdir(folder)
    except (OSError, ValueError):
        return ()


def is_empty_folder(path: str) -> bool:
    """Whether a path is a folder with nothing in it; False where that can't be seen."""
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except (OSError, ValueError):
        return False

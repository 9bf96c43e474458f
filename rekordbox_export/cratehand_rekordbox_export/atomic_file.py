"""Files that a DJ owns are written beside themselves and take their name only when they are complete."""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from cratehand.domain.errors import InvalidInputError, NotFoundError, UnavailableError

T = TypeVar("T")

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_LONGEST_STEM: Final = 40


def write_file_atomically(path: Path, write: Callable[[BinaryIO], T]) -> T:
    """Write a file so that a reader sees either the old one or the complete new one.

    The new content goes to a hidden sibling, is flushed to the disk, gets the permissions of the file it replaces,
    and is renamed. Whatever goes wrong before, the old file is untouched and the sibling is removed. A symbolic
    link stays one; the file it points to is replaced.

    Args:
        path: The file; its folder has to exist.
        write: Called once with the open sibling.

    Returns:
        What `write` returned.

    Raises:
        NotFoundError: The folder does not exist.
        InvalidInputError: The path is a folder, or its name is not possible here.
        UnavailableError: No permission, no space, or another program holds the file.
    """
    final = _final_path(path)
    sibling = final.with_name(f".{final.name[:_LONGEST_STEM]}.{secrets.token_hex(4)}.part")
    try:
        return _write_and_rename(sibling, final, write)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: its folder {path.parent} does not exist; make it or choose another") from error
    except OSError as error:
        raise _translated(path, error) from error


def _final_path(path: Path) -> Path:
    try:
        final = path.resolve()
        is_folder = final.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # too long, a circle of links, a NUL in it
        raise InvalidInputError(f"{str(path)!r} can not be the name of a file: {error}") from error
    if is_folder or not final.name:
        raise InvalidInputError(f"{path} is a folder; give the name of a file in it")
    return final


def _write_and_rename(sibling: Path, final: Path, write: Callable[[BinaryIO], T]) -> T:
    # Not tempfile: its files are 0600, a new file of the user has to follow the umask.
    descriptor = os.open(sibling, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            result = write(file)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            sibling.chmod(stat.S_IMODE(final.stat().st_mode))
        sibling.replace(final)
    except BaseException:
        with contextlib.suppress(OSError):
            sibling.unlink()
        raise
    _flush_folder(final.parent)
    return result


def _flush_folder(folder: Path) -> None:
    # The rename itself reaches the disk with its folder; where folders can't be opened (Windows) the system does it.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _translated(path: Path, error: OSError) -> Exception:
    if error.errno in _FULL:
        return UnavailableError(
            f"{path} could not be written: the disk is full; free some space or choose another disk"
        )
    if error.errno == errno.EROFS or isinstance(error, PermissionError):
        return UnavailableError(
            f"{path} could not be written: no permission in {path.parent}, or another program holds the file; "
            "close it there or choose another folder"
        )
    if error.errno in {errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP, errno.ENOTDIR}:
        return InvalidInputError(f"{str(path)!r} can not be the name of a file: {error.strerror}")
    return UnavailableError(
        f"{path} could not be written: {error.strerror or error}; try again or choose another folder"
    )

"""Files that take each other's place without ever being half there."""

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cratehand.audio.container import printable
from cratehand.audio.digest import AudioDigester
from cratehand.audio.stamp import stamp_of
from cratehand.domain.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from cratehand.domain.plan_record import FileState
from cratehand.domain.track import FileStamp

_PIECE_BYTES: Final = 1 << 20
_SPARE_BYTES: Final = 4 << 20
"""Room that has to be left besides the file itself: for tags and the record."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_HELD: Final = frozenset({errno.EBUSY, errno.ETXTBSY, errno.EACCES, errno.EPERM})
_NO_LINKS: Final = frozenset(
    {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES, errno.EINVAL}
)
"""Why a second name can't be given although a copy may still work: another disk, exFAT, a network share."""


class DiskSwapper:
    """Implements `FileSwapper` on real folders.

    Args:
        links: Whether second names may be given; off, everything is copied as between two disks.
    """

    def __init__(self, *, links: bool = True) -> None:
        self._links = links
        self._digester = AudioDigester()

    def state(self, path: Path) -> FileState:
        stamp = stamp_of(path)
        digest = self._digester.digest(path)
        if stamp_of(path) != stamp:
            raise UnavailableError(f"{printable(path)}: it is still being written; try again when it is complete")
        return FileState(path=path, stamp=stamp, digest=digest)

    def stamp(self, path: Path) -> FileStamp | None:
        try:
            return stamp_of(path)
        except NotFoundError:
            return None

    def bytes_digest(self, path: Path) -> str | None:
        state = hashlib.blake2b(digest_size=16)
        with _translated(path):
            try:
                with path.open("rb") as file:
                    while piece := file.read(_PIECE_BYTES):
                        state.update(piece)
            except FileNotFoundError:
                return None
        return state.hexdigest()

    def are_same(self, one: Path, other: Path) -> bool:
        try:
            if one == other:
                return True
            if not (one.samefile(other) and one.parent.samefile(other.parent)):
                return False
            if one.name == other.name:
                return True
            # One file may have two names in one folder (a hard link); the folder knows which spellings it holds.
            names = {path.name for path in one.parent.iterdir()}
        except (OSError, ValueError):
            return False
        return not (one.name in names and other.name in names)

    def require_room(self, folder: Path, size_bytes: int) -> None:
        with _translated(folder):
            there = folder
            while not there.exists() and there != there.parent:
                there = there.parent
            free_bytes = shutil.disk_usage(there).free
        if size_bytes and free_bytes < size_bytes + _SPARE_BYTES:
            raise UnavailableError(
                f"{printable(folder)}: the disk is full: {size_bytes / 1e6:.0f} MB are needed, "
                f"{free_bytes / 1e6:.0f} MB are free; make room or empty the trash"
            )
        if not os.access(there, os.W_OK | os.X_OK):
            raise UnavailableError(
                f"{printable(folder)} can not be written: mend its rights, or its drive is read-only"
            )

    def copy(self, source: Path, target: Path) -> None:
        with _translated(target, source):
            self._copy(source, target)
        if self.bytes_digest(source) != self.bytes_digest(target):
            self.remove(target)
            raise UnavailableError(f"{printable(source)}: it changed while it was copied; try again later")

    def keep(self, source: Path, target: Path) -> None:
        with _translated(target, source):
            target.parent.mkdir(parents=True, exist_ok=True)
            if self._links and _link(source, target):
                _flush_folder(target.parent)
                return
        self.copy(source, target)

    def flush(self, path: Path) -> None:
        with _translated(path), path.open("rb+") as file:
            os.fsync(file.fileno())

    def place(self, prepared: Path, target: Path, *, over: bool) -> None:
        with _translated(target, prepared):
            if over:
                prepared.replace(target)
            elif _link(prepared, target):
                prepared.unlink()
            else:
                # Without links nothing gives a name only where it is free; the look before it is the best there is.
                if os.path.lexists(target):
                    raise ConflictError(f"{printable(target)} is there already: nothing is overwritten")
                prepared.rename(target)
            _flush_folder(target.parent)

    def remove(self, path: Path) -> None:
        with _translated(path):
            try:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            except FileNotFoundError:
                return
            with contextlib.suppress(FileNotFoundError):
                _flush_folder(path.parent)

    def note(self, path: Path, text: str) -> None:
        part = path.with_name(f".{path.name}.part")
        with _translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            _flush_folder(path.parent)

    def _copy(self, source: Path, target: Path) -> None:
        status = source.stat()
        # What lies under the name of a copy is the rest of an earlier try of the same plan.
        with source.open("rb") as old, target.open("xb") as new:
            while piece := old.read(_PIECE_BYTES):
                new.write(piece)
            new.flush()
            os.fsync(new.fileno())
        with contextlib.suppress(OSError):
            shutil.copystat(source, target)
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
        _flush_folder(target.parent)


def _link(source: Path, target: Path) -> bool:
    """Give a second name; False where this file system has none, raises FileExistsError where the name is taken."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return False
    except NotImplementedError:
        return False
    return True


def _flush_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _translated(path: Path, source: Path | None = None) -> Iterator[None]:
    named = printable(path)
    try:
        yield
    except FileExistsError as error:
        raise ConflictError(f"{named} is there already: nothing is overwritten; rename it or move it away") from error
    except FileNotFoundError as error:
        gone = Path(error.filename) if isinstance(error.filename, str) else source or path
        raise NotFoundError(f"{printable(gone)} is not there any more") from error
    except OSError as error:
        raise _told(named, error) from error


def _told(named: str, error: OSError) -> Exception:
    if error.errno in _FULL:
        return UnavailableError(f"{named}: the disk is full; make room or empty the trash, then try again")
    if error.errno == errno.EROFS:
        return UnavailableError(f"{named}: its drive is read-only; nothing was changed")
    if error.errno in _HELD:
        return UnavailableError(
            f"{named}: no permission, or another program holds it; close it there (eject the deck) and try again"
        )
    if error.errno == errno.ENAMETOOLONG:
        return InvalidInputError(f"{named}: the name is too long for this drive")
    return UnavailableError(f"{named}: {error.strerror or error}; nothing was changed, try again")

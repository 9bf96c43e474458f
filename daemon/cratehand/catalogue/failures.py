"""What SQLite says when something is wrong, in words that tell what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import exc

from cratehand.domain.errors import (
    ConflictError,
    CorruptFileError,
    CratehandError,
    InternalError,
    UnavailableError,
)

_BUSY_S: Final = 1.0
_FULL_S: Final = 60.0

_CORRUPT: Final = ("malformed", "not a database", "file is encrypted", "disk image")
_UNWRITABLE: Final = ("readonly database", "unable to open", "read-only")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn errors of the database at `path` into ours; all others pass."""
    try:
        yield
    except exc.TimeoutError as error:
        message = f"{path}: too many readers at once; try again in a second"
        raise UnavailableError(message, retry_after_s=_BUSY_S) from error
    except exc.IntegrityError as error:
        raise ConflictError(f"{path}: it contradicts what is there already ({error.orig})") from error
    except exc.DBAPIError as error:
        raise domain_error(error.orig or error, path) from error
    except Exception as error:
        # Errors of a driver that was used without SQLAlchemy (backup) know each other by their module only.
        if _is_driver_error(error):
            raise domain_error(error, path) from error
        raise


def domain_error(error: BaseException, path: Path) -> CratehandError:
    """Return our error for one of a driver, told apart by SQLite's own words, the same in all drivers."""
    said = str(error).lower()
    if "locked" in said or "busy" in said:
        message = f"{path} is held by another program; close it, or try again in a second"
        return UnavailableError(message, retry_after_s=_BUSY_S)
    if "full" in said:
        message = f"no space left for {path}; nothing was changed, make room and try again"
        return UnavailableError(message, retry_after_s=_FULL_S)
    if any(word in said for word in _CORRUPT):
        return CorruptFileError(
            f"{path} is damaged or no catalogue ({error}); stop cratehand and bring back a backup with "
            f"`cratehand restore`, they lie in {path.parent / 'backups'}"
        )
    if any(word in said for word in _UNWRITABLE):
        return UnavailableError(
            f"{path} can not be opened for writing ({error}); look at the permissions of the file and its folder",
            retry_after_s=_FULL_S,
        )
    if "disk i/o" in said:
        message = f"{path}: the disk failed ({error}); nothing was changed, see whether it is full or came off"
        return UnavailableError(message, retry_after_s=_FULL_S)
    return InternalError(f"{path}: {error}")


def _is_driver_error(error: Exception) -> bool:
    return any(base.__module__.startswith(("sqlite3", "pysqlite3", "sqlcipher3")) for base in type(error).__mro__)

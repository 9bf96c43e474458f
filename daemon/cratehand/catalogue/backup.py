"""Copies of the catalogue, and the way back."""

import datetime as dt
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from cratehand.catalogue import schema
from cratehand.catalogue.driver import Driver, choose_driver
from cratehand.catalogue.failures import translated
from cratehand.catalogue.opening import connect, read_version
from cratehand.domain.errors import (
    ConflictError,
    CorruptFileError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)

_log = logging.getLogger(__name__)

_LOCK_WAIT_S: Final = 10.0
_SIDES: Final = ("-wal", "-shm", "-journal")


def backup(path: Path, target: Path) -> Path:
    """Copy the catalogue to one file of its own, also while a daemon writes to it.

    The copy is what was committed at one moment; it is checked before it takes its name, and a file that was there
    before stays until then.

    Returns:
        `target`.

    Raises:
        NotFoundError: There is no catalogue at `path`.
        CorruptFileError: The catalogue is damaged; there is no copy then.
        UnavailableError: No space, no permission, or locked for too long.
    """
    if target.exists() and target.samefile(path):
        raise InvalidInputError(f"{target} is the catalogue itself; name another file for the backup")
    driver = choose_driver()
    with translated(path), closing(_open_existing(path, driver)) as source:
        if read_version(source, path) is None:
            raise NotFoundError(f"{path} holds nothing; there is nothing to back up")
    copy_database(path, target, driver=driver)
    _log.info("backed up %s to %s", path, target)
    return target


def restore(saved: Path, path: Path) -> Path | None:
    """Put a backup in the place of the catalogue; nobody may have it open.

    The replaced catalogue is kept as ``backups/replaced-<time>.db`` beside it, even a damaged one. An older backup is
    migrated when it is opened the next time.

    Returns:
        Where the replaced catalogue is; None where there was none.

    Raises:
        NotFoundError: No such backup.
        CorruptFileError: It is damaged, or no catalogue.
        UnsupportedError: A newer version of cratehand made it.
        ConflictError: Somebody has the catalogue open.
        UnavailableError: No space or no permission. The catalogue is as it was before.
    """
    if path.exists() and saved.exists() and saved.samefile(path):
        raise InvalidInputError(f"{saved} is the catalogue itself")
    driver = choose_driver()
    _require_catalogue(saved, driver)
    now = dt.datetime.now(tz=dt.UTC)
    replaced = free_name(path.parent / "backups", f"replaced-{now:%Y%m%dT%H%M%SZ}") if path.exists() else None
    fresh = path.with_name(f".{path.name}.restored")
    try:
        copy_database(saved, fresh, driver=driver)
        with _files(path):
            if replaced is not None:
                _set_aside(path, replaced, driver=driver)
            # From here to the rename a crash leaves the old catalogue, after it the new one; never none.
            fresh.replace(path)
            _flush_folder(path.parent)
    finally:
        fresh.unlink(missing_ok=True)
    _log.info("restored %s from %s", path, saved)
    return replaced


def copy_database(path: Path, target: Path, *, driver: Driver) -> None:
    """Copy a database page by page in one consistent read, check the copy, and only then give it its name."""
    draft = target.with_name(f".{target.name}.part")
    with _files(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
    try:
        with (
            translated(path),
            closing(_open_existing(path, driver)) as source,
            translated(target),
            closing(connect(draft, driver, lock_wait_s=_LOCK_WAIT_S)) as copy,
        ):
            source.backup(copy)
            # One plain file, that needs no -wal beside it to be complete.
            copy.execute("PRAGMA journal_mode = DELETE").fetchone()
            _require_sound(copy, path)
        with _files(target):
            _flush_file(draft)
            draft.replace(target)
            _flush_folder(target.parent)
    finally:
        for side in ("", *_SIDES):
            with suppress(OSError):
                draft.with_name(draft.name + side).unlink(missing_ok=True)


def free_name(folder: Path, stem: str) -> Path:
    """Return the path of a ``.db`` file in a folder that does not exist yet."""
    candidates = (folder / f"{stem}{f'-{number}' if number else ''}.db" for number in range(1000))
    return next(candidate for candidate in candidates if not candidate.exists())


def _open_existing(path: Path, driver: Driver) -> Any:
    if not path.is_file():
        raise NotFoundError(f"there is no file {path}")
    return connect(path, driver, lock_wait_s=_LOCK_WAIT_S)


def _require_catalogue(saved: Path, driver: Driver) -> None:
    with translated(saved), closing(_open_existing(saved, driver)) as connection:
        version = read_version(connection, saved)
        if version is None:
            raise CorruptFileError(f"{saved} is empty; name a file that `cratehand backup` wrote")
        _require_sound(connection, saved)
    if version != schema.HEAD and version not in _known_versions():
        raise UnsupportedError(f"{saved} has the schema {version} of a newer cratehand; update cratehand first")


def _known_versions() -> set[str]:
    # Names are enough here; only a migration itself needs Alembic.
    folder = Path(__file__).with_name("migrations") / "versions"
    return {script.stem.partition("_")[0] for script in folder.glob("[0-9]*_*.py")}


def _require_sound(connection: Any, path: Path) -> None:
    findings = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(1)")]
    if findings != ["ok"]:
        raise CorruptFileError(f"{path} is damaged: {findings[0]}")


def _set_aside(path: Path, replaced: Path, *, driver: Driver) -> None:
    """Copy the catalogue away and leave its place without a -wal, which would be applied to whatever comes there."""
    try:
        with closing(connect(path, driver, lock_wait_s=1.0)) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchone()
            # Fails where any other connection exists, also an idle one.
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
            replaced.parent.mkdir(parents=True, exist_ok=True)
            with closing(connect(replaced, driver, lock_wait_s=1.0)) as copy:
                connection.backup(copy)
    except driver.module.Error as error:
        if "locked" in str(error) or "busy" in str(error):
            message = f"{path} is open in another program; stop the daemon, then restore"
            raise ConflictError(message) from error
        # Damaged: keep its bytes as they are, with what lies beside them.
        _log.warning("%s is damaged (%s); kept as it is at %s", path, error, replaced)
        replaced.parent.mkdir(parents=True, exist_ok=True)
        for side in _SIDES:
            beside = path.with_name(path.name + side)
            if beside.exists():
                beside.replace(replaced.with_name(replaced.name + side))
        shutil.copyfile(path, replaced)


@contextmanager
def _files(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnavailableError(f"{path} can not be written: {error.strerror or error}", retry_after_s=60.0) from error


def _flush_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    # Windows can not open a folder, and flushes renames by itself.
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

"""A copy of a master.db in our cache folder, for when the original can't be read where it is."""

import logging
import shutil
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from cratehand.domain.errors import NotFoundError, UnavailableError
from cratehand_bridges.rekordbox.connection import Access, open_database, translate
from cratehand_bridges.rekordbox.stamp import take_stamp, wal_path

_log = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a copy is tried that a writer came between."""


def take_snapshot(path: Path, folder: Path) -> Path:
    """Copy master.db with its write-ahead log, of one moment, and check the copy.

    Args:
        path: The user's master.db.
        folder: A folder of ours; what an earlier snapshot left there is replaced.

    Returns:
        The copied database inside `folder`; `discard_snapshot` removes it.

    Raises:
        NotFoundError: The database is not there.
        UnavailableError: It changed during each attempt, its writer keeps a rollback journal, or there is no room.
        CorruptFileError: The copy is damaged, so the original is.
        UnauthorizedError: Encrypted with another key.
    """
    problem: Exception | None = None
    for _ in range(ATTEMPTS):
        before = take_stamp(path)
        if before.journal:
            raise UnavailableError(f"{path} is being written without a log; will be tried again", retry_after_s=2.0)
        try:
            copy = _copy(path, folder, with_log=before.wal is not None)
        except FileNotFoundError as error:
            problem = error
            continue
        except OSError as error:
            discard_snapshot(folder)
            raise UnavailableError(
                f"can not copy {path} to {folder} ({error.strerror}); make room or check the permissions"
            ) from error
        if take_stamp(path) != before:
            _log.info("%s changed while it was copied", path)
            continue
        if (problem := _problem_of(copy)) is None:
            return copy
    discard_snapshot(folder)
    if problem is None:
        raise UnavailableError(
            f"{path} changed during each of {ATTEMPTS} copies; will be tried again", retry_after_s=5.0
        )
    if isinstance(problem, FileNotFoundError):
        raise NotFoundError(f"{path} vanished while it was copied") from problem
    raise translate(problem, path) from problem


def discard_snapshot(folder: Path) -> None:
    """Remove a snapshot; a folder without one is left as it is."""
    for name in ("master.db", "master.db-wal", "master.db-shm"):
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            _log.warning("could not remove the snapshot %s: %s", folder / name, error)


def _copy(path: Path, folder: Path, *, with_log: bool) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    discard_snapshot(folder)
    copy = folder / "master.db"
    # The order matters: a checkpoint between the two files shows in the stamp of the first.
    shutil.copyfile(path, copy)
    if with_log:
        shutil.copyfile(wal_path(path), wal_path(copy))
    return copy


def _problem_of(copy: Path) -> Exception | None:
    """Return what is wrong with a copied database; None where it is sound."""
    try:
        connection = open_database(copy, Access.COPY)
        try:
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
    except (sqlcipher.Error, OSError) as error:
        return error
    return None if answer and answer[0] == "ok" else sqlcipher.DatabaseError(f"quick_check: {answer}")

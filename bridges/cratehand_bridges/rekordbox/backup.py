"""Copies of master.db from before a change, in a folder of ours, checked and rotated."""

import shlex
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from cratehand.domain.errors import CorruptFileError, UnavailableError
from cratehand_bridges.rekordbox.connection import connect
from cratehand_bridges.rekordbox.playlists_file import NAME

KEPT = 10
"""How many backups are kept."""


class Backups:
    """The folder of backups of one database.

    Args:
        folder: Ours; made where it is missing.
        kept: How many remain.
        platform: As `sys.platform`: how the command to restore is written.
    """

    def __init__(self, folder: Path, *, kept: int = KEPT, platform: str) -> None:
        self.folder = folder
        self._kept = max(kept, 1)
        self._windows = platform == "win32"

    def new_name(self, at_s: float) -> str:
        """Return a name that sorts after those that are there, also where the clock went back."""
        latest = max((each.stem for each in self.folder.glob("*.db") if each.stem.isdecimal()), default="0")
        return f"{max(int(at_s * 1000), int(latest) + 1):014d}"

    def take(self, connection: sqlcipher.Connection, database: Path, name: str, *, encrypted: bool) -> Path:
        """Copy what the connection sees, with the same key, and the file of playlists; then open and check the copy.

        Raises:
            UnavailableError: There is no room, or the folder can't be written.
            CorruptFileError: The copy does not pass its check, so the database is damaged.
        """
        target = self.folder / f"{name}.db"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with closing(connect(target, "?mode=rwc", encrypted=encrypted)) as copy:
                connection.backup(copy)
            playlists = database.with_name(NAME)
            if playlists.exists():
                shutil.copyfile(playlists, self._playlists_of(target))
        except (sqlcipher.Error, OSError) as error:
            self.discard(target)
            raise UnavailableError(
                f"can not back up {database} to {self.folder} ({error}); make room there, nothing was written",
                retry_after_s=60.0,
            ) from error
        try:
            check_database(target, encrypted=encrypted)
        except sqlcipher.Error as error:
            self.discard(target)
            raise CorruptFileError(
                f"the backup of {database} is damaged ({error}), so the database is; let Rekordbox repair it, nothing "
                "was written"
            ) from error
        return target

    def discard(self, backup: Path) -> None:
        """Remove a backup that is not needed; one that is not there is nothing to complain of."""
        for path in (backup, backup.with_name(backup.name + "-journal"), self._playlists_of(backup)):
            path.unlink(missing_ok=True)

    def restore(self, backup: Path, database: Path, *, encrypted: bool) -> None:
        """Put a backup back, page by page in one transaction, and its file of playlists.

        Raises:
            sqlcipher3.dbapi2.Error: As SQLite says.
            OSError: The file of playlists can't be written.
        """
        with (
            closing(connect(backup, "?mode=ro&immutable=1", encrypted=encrypted)) as source,
            closing(connect(database, "?mode=rw", encrypted=encrypted)) as target,
        ):
            source.backup(target)
        if self._playlists_of(backup).exists():
            shutil.copyfile(self._playlists_of(backup), database.with_name(NAME))

    def restore_command(self, backup: Path, database: Path) -> str:
        """Return what a person runs, with Rekordbox closed, to put a backup back."""
        pairs = [(backup, database)]
        if self._playlists_of(backup).exists():
            pairs.append((self._playlists_of(backup), database.with_name(NAME)))
        logs = [str(database) + end for end in ("-wal", "-shm")]
        if self._windows:
            copies = [f'copy /y "{source}" "{target}"' for source, target in pairs]
            return " & ".join([f'del /q "{logs[0]}" "{logs[1]}"', *copies])
        copies = [shlex.join(["cp", str(source), str(target)]) for source, target in pairs]
        return " && ".join([shlex.join(["rm", "-f", *logs]), *copies])

    def rotate(self, is_needed: Callable[[str], bool]) -> None:
        """Remove the oldest backups beyond the number that is kept, but none that is still needed."""
        found = sorted(self.folder.glob("*.db"))
        for old in found[: max(len(found) - self._kept, 0)]:
            if not is_needed(old.stem):
                self.discard(old)
                old.with_suffix(".json").unlink(missing_ok=True)

    def _playlists_of(self, backup: Path) -> Path:
        return backup.with_name(f"{backup.stem}.{NAME}")


def check_database(path: Path, *, encrypted: bool) -> None:
    """Open a database and run its quick check.

    Raises:
        sqlcipher3.dbapi2.Error: It is damaged.
    """
    with closing(connect(path, "?mode=ro&immutable=1", encrypted=encrypted)) as connection:
        answer = connection.execute("PRAGMA quick_check(1)").fetchone()
        if not answer or answer[0] != "ok":
            raise sqlcipher.DatabaseError(f"quick_check: {answer and answer[0]}")
        if connection.execute("SELECT count(*) FROM djmdProperty").fetchone()[0] == 0:
            raise sqlcipher.DatabaseError("it is empty")

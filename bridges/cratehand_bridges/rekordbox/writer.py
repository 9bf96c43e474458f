"""Writes into the DJ's master.db: opt-in, only while Rekordbox is closed, and only what was planned."""

import logging
import os
import random
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlcipher3 import dbapi2 as sqlcipher

from cratehand.domain.collection_edit import (
    CollectionEdit,
    CuesSet,
    EditObstacle,
    EditRecord,
    FileReplaced,
    ObstacleKind,
    PlaylistExtended,
    ValueSet,
)
from cratehand.domain.errors import (
    ConflictError,
    CratehandError,
    InternalError,
    UnavailableError,
    UnsupportedError,
)
from cratehand.domain.ports import Clock
from cratehand_bridges.rekordbox.backup import KEPT, Backups
from cratehand_bridges.rekordbox.connection import connect, is_encrypted, translate
from cratehand_bridges.rekordbox.draft import Draft, lenient_text
from cratehand_bridges.rekordbox.edit_content import draft_file, draft_value
from cratehand_bridges.rekordbox.edit_cues import draft_cues
from cratehand_bridges.rekordbox.edit_playlists import PLAYLIST, draft_playlist
from cratehand_bridges.rekordbox.gate import gate_of
from cratehand_bridges.rekordbox.journal import Journal
from cratehand_bridges.rekordbox.opening import with_database
from cratehand_bridges.rekordbox.playlists_file import (
    node_of,
    read_playlists_file,
    replace_playlists_file,
    with_nodes,
)
from cratehand_bridges.rekordbox.processes import ProcessLister, refuse_while_running, running_programs
from cratehand_bridges.rekordbox.rows_written import differing, is_written, stamped, write_rows
from cratehand_bridges.rekordbox.schema import KNOWN_SCHEMAS, database_id, refuse_unknown_schema, schema_fingerprint
from cratehand_bridges.rekordbox.undoing import draft_undo

_log = logging.getLogger(__name__)

LOCK_WAIT_MS: Final = 2000
"""How long a write waits for somebody else's lock."""

Drafting = Callable[[Draft], None]


@dataclass(frozen=True, kw_only=True)
class WriterSettings:
    """How the collection is written.

    Attributes:
        folder: Ours, for this one database: backups, records, lock.
        kept_backups: How many backups remain.
        known_schemas: Fingerprint of each schema that may be written to, and its version in words.
    """

    folder: Path
    kept_backups: int = KEPT
    known_schemas: Mapping[str, str] = field(default_factory=lambda: KNOWN_SCHEMAS)


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """One change while it is made."""

    name: str
    change_id: str
    at_s: float
    encrypted: bool
    inode: int
    seen: int
    """``PRAGMA data_version`` before the first look: another one says that somebody wrote since."""


class RekordboxWriter:
    """Port `CollectionEditor` on a master.db. Whoever constructs it has the user's word for it. Thread-safe.

    Args:
        path: The user's master.db.
        settings: See there.
        clock: Gives the times of changes.
        programs: Lists the running programs.
        luck: Gives ids to new rows.
    """

    def __init__(
        self,
        path: Path,
        settings: WriterSettings,
        *,
        clock: Clock,
        programs: ProcessLister = running_programs,
        luck: random.Random | None = None,
    ) -> None:
        self._path = path
        self._settings = settings
        self._clock = clock
        self._programs = programs
        self._luck = luck or random.SystemRandom()
        self._backups = Backups(settings.folder, kept=settings.kept_backups, platform=sys.platform)
        self._journal = Journal(settings.folder)
        self._gate = gate_of(path)
        self._state = "nothing written yet"

    def check(self, edits: Sequence[CollectionEdit]) -> Sequence[EditObstacle]:
        """See the port; the user's files are only read, and left without a trace."""
        return self._obstacles(lambda draft: draft_edits(draft, edits))

    def apply(self, edits: Sequence[CollectionEdit], *, change_id: str | None = None) -> EditRecord:
        """See the port."""
        return self._change(lambda draft: draft_edits(draft, edits), change_id)

    def check_undo(self, record: EditRecord) -> Sequence[EditObstacle]:
        """See the port."""
        return self._obstacles(lambda draft: draft_undo(draft, record))

    def undo(self, record: EditRecord, *, change_id: str | None = None) -> EditRecord:
        """See the port; what goes back and what does not is told in `cratehand_bridges.rekordbox.undoing`."""
        return self._change(lambda draft: draft_undo(draft, record), change_id)

    def describe(self) -> str:
        """See the port."""

        def look(connection: sqlcipher.Connection) -> str:
            fingerprint = schema_fingerprint(connection)
            version = self._settings.known_schemas.get(fingerprint)
            return f"schema {fingerprint} ({version or 'not known, so not written to'})"

        try:
            with self._gate:
                schema = with_database(self._path, self._settings.folder / "check", look).value
        except CratehandError as error:
            schema = str(error)
        return f"writes to {self._path}: {schema}; {self._state}"

    def _obstacles(self, drafting: Drafting) -> list[EditObstacle]:
        found: list[EditObstacle] = []

        def attempt(work: Callable[[], object], unavailable: ObstacleKind) -> None:
            try:
                work()
            except CratehandError as error:
                kinds = {UnavailableError: unavailable, UnsupportedError: ObstacleKind.UNSUPPORTED}
                found.append(EditObstacle(kind=kinds.get(type(error), ObstacleKind.UNREADABLE), what=str(error)))

        def look(connection: sqlcipher.Connection) -> Draft:
            connection.text_factory = lenient_text
            refuse_unknown_schema(connection, self._settings.known_schemas)
            return self._draft(connection, drafting)

        def compare() -> None:
            draft = with_database(self._path, self._settings.folder / "check", look).value
            found.extend(draft.obstacles)
            self._refuse_damaged_playlists(draft)

        with self._gate:
            attempt(lambda: refuse_while_running(self._programs), ObstacleKind.RUNNING)
            attempt(compare, ObstacleKind.LOCKED)
            if self._path.exists() and not os.access(self._path, os.W_OK):
                what = f"{self._path} can not be written; check its permissions"
                found.append(EditObstacle(kind=ObstacleKind.UNREADABLE, what=what))
        return found

    def _change(self, drafting: Drafting, change_id: str | None) -> EditRecord:
        try:
            with self._gate, self._alone():
                record = self._write(drafting, change_id)
        except (sqlcipher.Error, OSError) as error:
            told = _translate_write(error, self._path)
            self._state = f"failed: {told}"
            raise told from error
        except CratehandError as error:
            self._state = f"failed: {error}"
            raise
        self._state = f"{len(record.rows)} rows written"
        return record

    def _write(self, drafting: Drafting, change_id: str | None) -> EditRecord:
        refuse_while_running(self._programs)
        if not self._path.is_file():
            raise translate(FileNotFoundError(), self._path)
        encrypted, inode = is_encrypted(self._path), self._path.stat().st_ino
        with closing(connect(self._path, "?mode=rw", encrypted=encrypted)) as connection:
            self._prepare(connection)
            self._settle(connection)
            if change_id is not None and (known := self._journal.find(change_id)) is not None:
                return known
            at_s = self._clock.now_s()
            name = self._backups.new_name(at_s)
            seen = connection.execute("PRAGMA data_version").fetchone()[0]
            attempt = _Attempt(
                name=name, change_id=change_id or name, at_s=at_s, encrypted=encrypted, inode=inode, seen=seen
            )
            # Before the backup, which takes a while, and only to see what stands in the way.
            if not self._conflict_free(connection, drafting).changes():
                return self._record(connection, attempt)
            record = self._commit(connection, drafting, attempt)
            count = _update_count(connection)
        self._complete(attempt, record, count)
        return record

    def _commit(self, connection: sqlcipher.Connection, drafting: Drafting, attempt: "_Attempt") -> EditRecord:
        backup = self._backups.take(connection, self._path, attempt.name, encrypted=attempt.encrypted)
        try:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("PRAGMA data_version").fetchone()[0] != attempt.seen:
                raise UnavailableError(f"{self._path} was written while it was backed up; try again", retry_after_s=5.0)
            refuse_while_running(self._programs)
            draft = self._conflict_free(connection, drafting)
            record = self._record(connection, attempt, draft=draft, backup=backup)
            write_rows(connection, record.rows)
            self._journal.begin(attempt.name, record)
            # Once more, so that no Rekordbox that has started since finds a row changing under it.
            refuse_while_running(self._programs)
            if not self._path.exists() or self._path.stat().st_ino != attempt.inode:
                raise ConflictError(f"{self._path} was replaced by another file; make the plan anew")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._journal.drop(attempt.name)
            # Nothing was written, and who tries again and again would fill the disk.
            self._backups.discard(backup)
            raise
        return record

    def _prepare(self, connection: sqlcipher.Connection) -> None:
        connection.text_factory = lenient_text
        connection.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_MS}")
        connection.execute("PRAGMA synchronous = FULL")
        refuse_unknown_schema(connection, self._settings.known_schemas)

    def _record(
        self,
        connection: sqlcipher.Connection,
        attempt: "_Attempt",
        *,
        draft: Draft | None = None,
        backup: Path | None = None,
    ) -> EditRecord:
        rows = stamped(connection, draft.changes(), at_s=attempt.at_s) if draft else ()
        return EditRecord(
            at_s=attempt.at_s,
            database=str(self._path),
            database_id=database_id(connection),
            schema=schema_fingerprint(connection),
            rows=rows,
            playlist_ids=tuple(row.row_id for row in rows if row.table == PLAYLIST),
            change_id=attempt.change_id,
            backup=str(backup or ""),
            restore_command=self._backups.restore_command(backup, self._path) if backup else "",
            notes=tuple(draft.notes) if draft else (),
        )

    def _draft(self, connection: sqlcipher.Connection, drafting: Drafting) -> Draft:
        draft = Draft(connection, at_s=self._clock.now_s(), luck=self._luck)
        drafting(draft)
        return draft

    def _conflict_free(self, connection: sqlcipher.Connection, drafting: Drafting) -> Draft:
        draft = self._draft(connection, drafting)
        if draft.obstacles:
            text = "; ".join(each.what for each in draft.obstacles)
            unsupported = any(each.kind is ObstacleKind.UNSUPPORTED for each in draft.obstacles)
            raise UnsupportedError(text) if unsupported else ConflictError(text)
        self._refuse_damaged_playlists(draft)
        return draft

    def _refuse_damaged_playlists(self, draft: Draft) -> None:
        """Tell of a damaged file of playlists now, if it is going to change, not once the database is written."""
        if any(change.table == PLAYLIST for change in draft.changes()):
            read_playlists_file(self._path)

    def _complete(self, attempt: "_Attempt", record: EditRecord, count: int) -> None:
        """Do what comes after the commit: read back what was written, then the file of playlists, then tidy up."""
        with closing(connect(self._path, "?mode=rw", encrypted=attempt.encrypted)) as connection:
            connection.text_factory = lenient_text
            wrong = differing(connection, record.rows)
            others = _update_count(connection) != count
        if wrong:
            self._take_back(attempt, record, ", ".join(wrong[:3]), others=others)
        self._write_playlists(record)
        self._journal.finish(attempt.name)
        pending = self._journal.pending()
        self._backups.rotate(lambda stem: stem in pending)

    def _take_back(self, attempt: "_Attempt", record: EditRecord, wrong: str, *, others: bool) -> None:
        """Restore the backup where what was read back is not what was written; not over somebody else's write."""
        try:
            refuse_while_running(self._programs)
        except UnavailableError:
            others = True
        if others:
            raise ConflictError(
                f"{self._path} was written by another program right after cratehand ({wrong}); it is left as it is, to "
                f"put back the state before, close Rekordbox and run: {record.restore_command}"
            )
        self._backups.restore(Path(record.backup), self._path, encrypted=attempt.encrypted)
        self._journal.drop(attempt.name)
        raise InternalError(f"{self._path} did not keep what was written ({wrong}); its backup was put back")

    def _write_playlists(self, record: EditRecord) -> None:
        nodes = [node_of(row) for row in record.rows if row.table == PLAYLIST]
        if nodes and (text := read_playlists_file(self._path)) is not None:
            replace_playlists_file(self._path, with_nodes(text, nodes))

    def _settle(self, connection: sqlcipher.Connection) -> None:
        """Finish, or forget, what a crash interrupted."""
        for name, record in self._journal.pending().items():
            if is_written(connection, record.rows):
                _log.info("finishing the change %s that was interrupted", record.change_id)
                self._write_playlists(record)
                self._journal.finish(name)
            else:
                self._journal.drop(name)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold our own lock against other processes of ours; it is gone with the process, however that ends."""
        try:
            self._settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = sqlite3.connect(self._settings.folder / "lock", timeout=LOCK_WAIT_MS / 1000, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise UnavailableError(f"can not use {self._settings.folder} ({error}); check its permissions") from error
        with closing(lock):
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                raise UnavailableError(
                    f"another cratehand writes to {self._path} right now, or {self._settings.folder} can not be "
                    f"written ({error}); try again",
                    retry_after_s=5.0,
                ) from error
            yield


def draft_edits(draft: Draft, edits: Sequence[CollectionEdit]) -> None:
    """Bring edits into a draft, in their order."""
    for edit in edits:
        match edit:
            case FileReplaced():
                draft_file(draft, edit)
            case CuesSet():
                draft_cues(draft, edit)
            case ValueSet():
                draft_value(draft, edit)
            case PlaylistExtended():
                draft_playlist(draft, edit)


def _update_count(connection: sqlcipher.Connection) -> int:
    query = "SELECT int_1 FROM agentRegistry WHERE registry_id = 'localUpdateCount'"
    return int(connection.execute(query).fetchone()[0])


def _translate_write(error: Exception, path: Path) -> CratehandError:
    """As `translate`, in the words of a writer; nothing was written."""
    text = str(error)
    if "readonly" in text or "unable to open" in text or isinstance(error, PermissionError):
        return UnavailableError(f"{path} can not be written ({text}); check the permissions of its folder")
    if "full" in text or "disk I/O" in text:
        return UnavailableError(f"{path} can not be written ({text}); make room on its disk", retry_after_s=60.0)
    return translate(error, path)

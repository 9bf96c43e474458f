"""One read of master.db: collects the rows that a full or an incremental read needs, inside one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlcipher3 import dbapi2 as sqlcipher

from cratehand_bridges.rekordbox.changes import TableChange, swept_change, table_change
from cratehand_bridges.rekordbox.fingerprints import Baseline, Fingerprints
from cratehand_bridges.rekordbox.rows import (
    ALBUM,
    ARTIST,
    COLOUR,
    CONTENT,
    CONTENT_CUE,
    CUE,
    DELETED,
    FOLLOWED,
    GENRE,
    HISTORY,
    ID,
    KEY,
    LABEL,
    LISTS,
    LOOKUPS,
    MY_TAG,
    OWNER,
    SONG_HISTORY,
    SONG_MY_TAG,
    Reader,
    Row,
    Table,
)

_REFERENCES = (
    (ARTIST, CONTENT, ("ArtistID", "RemixerID", "ComposerID")),
    (ALBUM, CONTENT, ("AlbumID",)),
    (GENRE, CONTENT, ("GenreID",)),
    (LABEL, CONTENT, ("LabelID",)),
    (KEY, CONTENT, ("KeyID",)),
    (COLOUR, CONTENT, ("ColorID",)),
    (MY_TAG, SONG_MY_TAG, ("MyTagID",)),
    (HISTORY, SONG_HISTORY, ("HistoryID",)),
)
"""Which columns lead from a changed row to the tracks that show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """The rows that one read brings home, and what they are compared with next time.

    Attributes:
        full: Whether this is everything.
        rows: Rows by table: of tracks, cues and tags only those that a changed track needs, unless `full`.
        deleted: IDs of tracks that are gone.
        swept: Whether every row was compared.
        sweep_owed: Whether every row should be compared soon: somebody wrote without Rekordbox's count.
        lists_changed: Whether any playlist, folder or history changed; only then are their rows there.
        tracks: ID and path of all live tracks, where `lists_changed`.
        baseline: The collection as it is now, still with the token of the last read. None for a full read.
        database_id: ``djmdProperty.DBID``.
        update_count: ``localUpdateCount``.
        analysis_root: Where Rekordbox says its analysis files are.
    """

    full: bool
    rows: Mapping[Table, Sequence[Row]]
    swept: bool = False
    sweep_owed: bool = False
    deleted: Sequence[str] = ()
    lists_changed: bool = True
    tracks: Sequence[tuple[str, str]] = ()
    baseline: Baseline | None = None
    database_id: str
    update_count: int
    analysis_root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeping:
    """When every row is compared.

    Attributes:
        now: In this read in any case.
        allowed: In this read if somebody else than Rekordbox seems to have written.
        written: Whether a transaction was committed since the last read. Where Rekordbox's count then stands still, it
            was somebody else's.
    """

    now: bool
    allowed: bool
    written: bool


def collect(connection: sqlcipher.Connection, baseline: Baseline | None, sweeping: Sweeping) -> Harvest:
    """Read what changed since `baseline`, or everything where it is None or belongs to another collection.

    Args:
        connection: Open, in autocommit mode; afterwards no transaction is open.
        baseline: The collection at the last read.
        sweeping: When every row is compared.

    Raises:
        sqlcipher3.dbapi2.Error: As SQLite says.
        UnsupportedError: A schema we do not know.
    """
    connection.execute("BEGIN")
    try:
        reader = Reader(connection)
        identity, count = reader.database_id(), reader.update_count()
        root = reader.analysis_root()
        if baseline is None or baseline.database_id != identity or count < baseline.update_count:
            rows = {table: reader.all(table) for table in FOLLOWED}
            return Harvest(
                full=True,
                rows=rows,
                tracks=reader.track_paths(),
                database_id=identity,
                update_count=count,
                analysis_root=root,
            )
        foreign = sweeping.written and count == baseline.update_count
        sweep = sweeping.now or (foreign and sweeping.allowed)
        changes = {table: _change(reader, table, baseline, sweep=sweep) for table in FOLLOWED}
        harvest = _incremental(reader, changes, Baseline(baseline.token, identity, count, _after(changes)), root)
        return replace(harvest, swept=sweep, sweep_owed=foreign and not sweep)
    finally:
        # Nothing was written: this only lets go of the view.
        connection.execute("ROLLBACK")


def _change(reader: Reader, table: Table, baseline: Baseline, *, sweep: bool) -> TableChange:
    before = baseline.tables[table.name]
    if sweep:
        return swept_change(reader, table, before)
    return table_change(reader, table, before, since=baseline.update_count)


def _after(changes: Mapping[Table, TableChange]) -> Mapping[str, Fingerprints]:
    return {table.name: change.after for table, change in changes.items()}


def _incremental(reader: Reader, changes: Mapping[Table, TableChange], baseline: Baseline, root: str) -> Harvest:
    content = changes[CONTENT]
    wanted = _concerned(reader, changes)
    rows: dict[Table, Sequence[Row]] = {CONTENT: [], CUE: [], SONG_MY_TAG: [], SONG_HISTORY: []}
    if wanted:
        rows[CONTENT] = reader.with_ids(CONTENT, wanted)
        for table in (CUE, SONG_MY_TAG, SONG_HISTORY):
            rows[table] = reader.with_ids(table, wanted, column="ContentID")
        rows |= {table: reader.all(table) for table in LOOKUPS}
    lists_changed = any(changes[table] for table in LISTS)
    if lists_changed:
        rows |= {table: reader.all(table) for table in LISTS}
    return Harvest(
        full=False,
        rows=rows,
        deleted=[*content.gone, *(row[ID] for row in content.rows if row[DELETED])],
        lists_changed=lists_changed,
        tracks=reader.track_paths() if lists_changed else (),
        baseline=baseline,
        database_id=baseline.database_id,
        update_count=baseline.update_count,
        analysis_root=root,
    )


def _concerned(reader: Reader, changes: Mapping[Table, TableChange]) -> set[str]:
    """Return the IDs of all tracks that show something that changed."""
    wanted = {row[ID] for row in changes[CONTENT].rows}
    for table in (CUE, CONTENT_CUE, SONG_MY_TAG, SONG_HISTORY):
        wanted |= changes[table].owners
    albums = changes[ALBUM].ids
    if artists := changes[ARTIST].ids:
        albums |= {row[ID] for row in reader.with_ids(ALBUM, artists, column="AlbumArtistID")}
    for table, referring, columns in _REFERENCES:
        ids: Iterable[str] = albums if table is ALBUM else changes[table].ids
        for column in columns if ids else ():
            place = ID if referring is CONTENT else OWNER
            wanted |= {row[place] for row in reader.with_ids(referring, ids, column=column)}
    return {each for each in wanted if each}

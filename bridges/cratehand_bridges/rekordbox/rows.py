"""The tables and columns that are read from master.db, and rows of them: the wire of this bridge.

A full collection is 300,000 rows and more, so a row stays the plain tuple that SQLite gives:
``(ID, rb_local_usn, rb_local_deleted, owner, *values)``, the values in the order of `Table.values`. A column that this
version of Rekordbox does not have is None in each row. Names and types after pyrekordbox's models
(https://pyrekordbox.readthedocs.io/en/latest/formats/db6.html).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlcipher3 import dbapi2 as sqlcipher

from cratehand.domain.errors import UnsupportedError

Row = tuple[Any, ...]

ID, USN, DELETED, OWNER, VALUES = 0, 1, 2, 3, 4
"""Places in a row; the values begin at the last one."""

_IDS_PER_QUERY = 500
"""Below SQLite's smallest limit of parameters, 999."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table and what we want of it.

    Attributes:
        name: As in master.db.
        values: Columns that are read beside the four that every row begins with.
        owner: Column with the track (or list) that a row belongs to.
        core: Columns without which there is nothing to read; a table that has any must be there.
    """

    name: str
    values: tuple[str, ...]
    owner: str | None = None
    core: tuple[str, ...] = ()


CONTENT: Final = Table(
    "djmdContent",
    (
        "FolderPath", "Title", "Commnt", "Subtitle", "ISRC", "ArtistID", "RemixerID", "ComposerID", "AlbumID",
        "GenreID", "LabelID", "KeyID", "ColorID", "BPM", "Length", "BitRate", "BitDepth", "SampleRate", "FileSize",
        "TrackNo", "DiscNo", "ReleaseYear", "ReleaseDate", "Rating", "DJPlayCount", "StockDate", "DateCreated",
        "Analysed", "AnalysisDataPath", "AnalysisUpdated", "CueUpdated",
    ),
    core=("ID", "FolderPath", "Title"),
)  # fmt: skip
CUE: Final = Table(
    "djmdCue",
    ("InMsec", "OutMsec", "Kind", "Color", "ColorTableIndex", "ActiveLoop", "Comment"),
    owner="ContentID",
    core=("ID", "ContentID", "InMsec", "OutMsec", "Kind"),
)
CONTENT_CUE: Final = Table("contentCue", ("rb_cue_count", "updated_at"), owner="ContentID")
"""Rekordbox's second copy of the cues: only that it changed is of use, its text may be 100 MB."""
ARTIST: Final = Table("djmdArtist", ("Name",))
ALBUM: Final = Table("djmdAlbum", ("Name", "AlbumArtistID"))
GENRE: Final = Table("djmdGenre", ("Name",))
LABEL: Final = Table("djmdLabel", ("Name",))
KEY: Final = Table("djmdKey", ("ScaleName",))
COLOUR: Final = Table("djmdColor", ("Commnt",))
MY_TAG: Final = Table("djmdMyTag", ("Name", "Seq", "ParentID"))
SONG_MY_TAG: Final = Table("djmdSongMyTag", ("MyTagID",), owner="ContentID")
PLAYLIST: Final = Table("djmdPlaylist", ("Name", "Seq", "Attribute", "ParentID", "SmartList"))
SONG_PLAYLIST: Final = Table("djmdSongPlaylist", ("PlaylistID", "TrackNo"), owner="ContentID")
HISTORY: Final = Table("djmdHistory", ("Name", "Seq", "Attribute", "ParentID"))
SONG_HISTORY: Final = Table("djmdSongHistory", ("HistoryID", "TrackNo", "created_at"), owner="ContentID")

LOOKUPS: Final = (ARTIST, ALBUM, GENRE, LABEL, KEY, COLOUR, MY_TAG)
"""Tables of names that tracks refer to."""

LISTS: Final = (PLAYLIST, SONG_PLAYLIST, HISTORY, SONG_HISTORY)
"""Tables that playlists and the history are made of."""

FOLLOWED: Final = (CONTENT, CUE, CONTENT_CUE, *LOOKUPS, SONG_MY_TAG, *LISTS)
"""All tables in which a change is looked for."""


class Reader:
    """Reads rows inside one open transaction; nothing is left open when a method returns."""

    def __init__(self, connection: sqlcipher.Connection) -> None:
        self._connection = connection
        self._columns = {table.name: self._columns_of(table) for table in FOLLOWED}
        for table in FOLLOWED:
            if lacking := [column for column in table.core if column not in self._columns[table.name]]:
                raise UnsupportedError(
                    f"this master.db has no {table.name}.{lacking[0]}; only databases of Rekordbox 6 and 7 can be read"
                )

    def database_id(self) -> str:
        """Return the identity of the collection (``djmdProperty.DBID``), empty where it has none."""
        return str(self._scalar("djmdProperty", "SELECT DBID FROM djmdProperty LIMIT 1") or "")

    def update_count(self) -> int:
        """Return ``localUpdateCount``, which each change by Rekordbox raises; 0 where it is not kept."""
        query = "SELECT int_1 FROM agentRegistry WHERE registry_id = 'localUpdateCount'"
        count = self._scalar("agentRegistry", query)
        return count if isinstance(count, int) else 0

    def analysis_root(self) -> str:
        """Return the folder of the ANLZ files as Rekordbox notes it, empty where it does not."""
        query = "SELECT str_1 FROM agentRegistry WHERE registry_id = 'SyncAnalysisDataRootPath'"
        return str(self._scalar("agentRegistry", query) or "")

    def all(self, table: Table) -> list[Row]:
        """Return every row of a table, deleted ones too."""
        return self._query(table, "") if self._columns[table.name] else []

    def since(self, table: Table, usn: int) -> list[Row]:
        """Return the rows that Rekordbox stamped after `usn`, deleted ones too.

        Without a condition on ``rb_local_deleted`` SQLite takes the covering index on ``(rb_local_usn, ID)``.
        """
        if "rb_local_usn" not in self._columns[table.name]:
            return []
        return self._query(table, "WHERE rb_local_usn > ?", (usn,))

    def with_ids(self, table: Table, ids: Iterable[str], *, column: str = "ID") -> list[Row]:
        """Return the rows whose `column` is one of `ids`."""
        if column not in self._columns[table.name]:
            return []
        return [
            row
            for some in _chunks(ids)
            for row in self._query(table, f'WHERE "{column}" IN ({",".join("?" * len(some))})', some)
        ]

    def track_paths(self) -> list[tuple[str, str]]:
        """Return ``(ID, FolderPath)`` of every track that is not marked as deleted."""
        deleted = "coalesce(rb_local_deleted, 0) = 0" if "rb_local_deleted" in self._columns[CONTENT.name] else "1"
        query = f"SELECT ID, coalesce(FolderPath, '') FROM djmdContent WHERE {deleted} AND ID IS NOT NULL"  # noqa: S608  (no input in it)
        return self._connection.execute(query).fetchall()

    def totals(self, table: Table) -> tuple[int, int]:
        """Return how many rows a table has and the sum of their ``rb_local_usn``; only an index is read."""
        columns = self._columns[table.name]
        if not columns:
            return 0, 0
        total = "coalesce(sum(rb_local_usn), 0)" if "rb_local_usn" in columns else "0"
        count, usn_sum = self._connection.execute(f'SELECT count(*), {total} FROM "{table.name}"').fetchone()  # noqa: S608  (names are ours)
        return int(count), int(usn_sum)

    def stamps(self, table: Table) -> list[tuple[str, int]]:
        """Return ``(ID, rb_local_usn)`` of every row; only an index is read."""
        columns = self._columns[table.name]
        if not columns:
            return []
        usn = "coalesce(rb_local_usn, 0)" if "rb_local_usn" in columns else "0"
        return self._connection.execute(f'SELECT ID, {usn} FROM "{table.name}"').fetchall()  # noqa: S608  (names are ours)

    def _columns_of(self, table: Table) -> frozenset[str]:
        columns = frozenset(row[1] for row in self._connection.execute(f'PRAGMA table_info("{table.name}")').fetchall())
        # A table without its key and its owner can not be followed: as good as not there.
        needed = {"ID"} if table.owner is None else {"ID", table.owner}
        return columns if needed <= columns else frozenset()

    def _query(self, table: Table, condition: str, parameters: Sequence[object] = ()) -> list[Row]:
        columns = self._columns[table.name]
        wanted = ("ID", "rb_local_usn", "rb_local_deleted", table.owner, *table.values)
        selected = ", ".join(f'"{column}"' if column in columns else "NULL" for column in wanted)
        query = f'SELECT {selected} FROM "{table.name}" {condition}'  # noqa: S608  (names are ours)
        try:
            return self._connection.execute(query, parameters).fetchall()
        except sqlcipher.OperationalError as error:
            if "decode" not in str(error):
                raise
            # A foreign tool wrote bytes that are no UTF-8: slower, and with a mark where the bytes were.
            self._connection.text_factory = lambda text: text.decode("utf-8", "replace")
            return self._connection.execute(query, parameters).fetchall()

    def _scalar(self, table: str, query: str) -> object:
        known = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        if self._connection.execute(known, (table,)).fetchone() is None:
            return None
        row = self._connection.execute(query).fetchone()
        return row[0] if row else None


def live(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows that are not marked as deleted and have an ID."""
    return (row for row in rows if not row[DELETED] and row[ID])


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while some := list(islice(rest, _IDS_PER_QUERY)):
        yield some

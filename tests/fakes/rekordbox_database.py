"""A small master.db as Rekordbox would keep it: encrypted with its key, in WAL mode, stamped with its update count.

    one = FakeTrack(title="One", artist="A", cues=(FakeCue(start_s=1.0, pad=0),))
    ids = build_master_db(path, tracks=[one], playlists=[("Set", [0])])

    with MasterDb(path) as rekordbox:          # "Rekordbox is open"
        track = rekordbox.add_track("One", artist="A", bpm=124.0)
        rekordbox.change_track(track, Rating=4)

Each call commits. Schema of Rekordbox 6.6.2, those tables only that the bridge reads or writes.
"""

import datetime as dt
import itertools
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from sqlcipher3 import dbapi2 as sqlcipher

from cratehand_bridges.rekordbox.connection import database_key

_STATUS = (
    "UUID T, rb_data_status I0, rb_local_data_status I0, rb_local_deleted B0, rb_local_synced B0, usn L, "
    "rb_local_usn L, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL"
)
_DATES = "created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL"

# The tables that are written have every column of Rekordbox 6.6.2, so that their fingerprint is the real one.
_TABLES = {
    "djmdContent": (
        "FolderPath T, FileNameL T, FileNameS T, Title T, ArtistID T, AlbumID T, GenreID T, BPM I, Length I, "
        "TrackNo I, BitRate I, BitDepth I, Commnt X, FileType I, Rating I, ReleaseYear I, RemixerID T, LabelID T, "
        "OrgArtistID T, KeyID T, StockDate T, ColorID T, DJPlayCount I, ImagePath T, MasterDBID T, MasterSongID T, "
        "AnalysisDataPath T, SearchStr T, FileSize I, DiscNo I, ComposerID T, Subtitle T, SampleRate I, "
        "DisableQuantize I, Analysed I, ReleaseDate T, DateCreated T, ContentLink I, Tag T, ModifiedByRBM T, "
        "HotCueAutoLoad T, DeliveryControl T, DeliveryComment T, CueUpdated T, AnalysisUpdated T, "
        "TrackInfoUpdated T, Lyricist T, ISRC T, SamplerTrackInfo I, SamplerPlayOffset I, SamplerGain F, "
        "VideoAssociate T, LyricStatus I, ServiceID I, OrgFolderPath T, Reserved1 X, Reserved2 X, Reserved3 X, "
        "Reserved4 X, ExtInfo X, rb_file_id T, DeviceID T, rb_LocalFolderPath T, SrcID T, SrcTitle T, "
        "SrcArtistName T, SrcAlbumName T, SrcLength I"
    ),
    "djmdCue": (
        "ContentID T, InMsec I, InFrame I, InMpegFrame I, InMpegAbs I, OutMsec I, OutFrame I, OutMpegFrame I, "
        "OutMpegAbs I, Kind I, Color I, ColorTableIndex I, ActiveLoop I, Comment T, BeatLoopSize I, CueMicrosec I, "
        "InPointSeekInfo T, OutPointSeekInfo T, ContentUUID T"
    ),
    "contentCue": "ContentID T, Cues X, rb_cue_count I",
    "djmdArtist": "Name T, SearchStr T",
    "djmdAlbum": "Name T, AlbumArtistID T, Compilation I",
    "djmdGenre": "Name T",
    "djmdLabel": "Name T",
    "djmdKey": "ScaleName T, Seq I",
    "djmdColor": "ColorCode I, SortKey I, Commnt T",
    "djmdMyTag": "Seq I, Name T, Attribute I, ParentID T",
    "djmdSongMyTag": "MyTagID T, ContentID T, TrackNo I",
    "djmdPlaylist": "Seq I, Name T, ImagePath T, Attribute I, ParentID T, SmartList X",
    "djmdSongPlaylist": "PlaylistID T, ContentID T, TrackNo I",
    "djmdHistory": "Seq I, Name T, Attribute I, ParentID T, DateCreated T",
    "djmdSongHistory": "HistoryID T, ContentID T, TrackNo I",
}
_PROPERTY = (
    "DBVersion T, BaseDBDrive T, CurrentDBDrive T, DeviceID T, Reserved1 X, Reserved2 X, Reserved3 X, Reserved4 X, "
    "Reserved5 X, " + _DATES
)
_REGISTRY = "id_1 T, id_2 T, int_1 L, int_2 L, str_1 T, str_2 T, date_1 D, date_2 D, text_1 X, text_2 X, " + _DATES

_TYPES = {
    "T": "VARCHAR(255) DEFAULT NULL", "I": "INTEGER DEFAULT NULL", "X": "TEXT DEFAULT NULL", "F": "FLOAT DEFAULT NULL",
    "L": "BIGINT DEFAULT NULL", "D": "DATETIME DEFAULT NULL", "I0": "INTEGER DEFAULT 0", "B0": "TINYINT(1) DEFAULT 0",
}  # fmt: skip

_NAMES = {
    "artist": ("djmdArtist", "ArtistID"), "remixer": ("djmdArtist", "RemixerID"), "key": ("djmdKey", "KeyID"),
    "composer": ("djmdArtist", "ComposerID"), "genre": ("djmdGenre", "GenreID"), "label": ("djmdLabel", "LabelID"),
}  # fmt: skip
_COLOURS = ("Pink", "Red", "Orange", "Yellow", "Green", "Aqua", "Blue", "Purple")

FOLDER, SMART = 1, 4
"""`Attribute` of a folder and of a rule-based playlist."""


@dataclass(frozen=True, kw_only=True)
class FakeCue:
    """One cue; on a pad where `pad` is set, a loop where `end_s` is."""

    start_s: float
    end_s: float | None = None
    pad: int | None = None
    label: str = ""
    colour: int | None = None
    """`ColorTableIndex` on a pad, `Color` in the memory list."""
    active: bool = False


@dataclass(frozen=True, kw_only=True)
class FakeTrack:
    """One track; `columns` sets anything else, by its name in djmdContent."""

    title: str
    path: str = ""
    artist: str | None = None
    album: str | None = None
    album_artist: str | None = None
    genre: str | None = None
    label: str | None = None
    remixer: str | None = None
    composer: str | None = None
    key: str | None = None
    bpm: float | None = None
    rating: int | None = None
    colour: str | None = None
    tags: Sequence[str] = ()
    cues: Sequence[FakeCue] = ()
    columns: Mapping[str, object] = field(default_factory=dict)


class MasterDb:
    """A master.db that "Rekordbox" has open; made if it is not there.

    Args:
        path: Where it is.
        database_id: `djmdProperty.DBID` of a new one.
        encrypted: False makes a plain SQLite file.
        stamping: False writes like a tool that knows nothing of update counts. Also as `foreign()`.
    """

    def __init__(
        self, path: Path, *, database_id: str = "3546525630", encrypted: bool = True, stamping: bool = True
    ) -> None:
        self.path = path
        self.stamping = stamping
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        self.connection = sqlcipher.connect(str(path), isolation_level=None, check_same_thread=False)
        if encrypted:
            self.connection.execute(f"PRAGMA key = '{database_key()}'")
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = OFF")
        self._ids = itertools.count(100_000_001)
        self._depth = 0
        if new:
            self._create(database_id)
        else:
            # After the IDs that an earlier instance gave out.
            query = " UNION ALL ".join(f"SELECT max(CAST(ID AS INTEGER)) FROM {table}" for table in _TABLES)
            taken = [row[0] for row in self.connection.execute(query).fetchall() if row[0]]
            self._ids = itertools.count(max([100_000_000, *taken]) + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close; as the last one this checks the log into the file and removes it."""
        self.connection.close()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Put several calls into one transaction."""
        self._depth += 1
        try:
            if self._depth == 1:
                self.connection.execute("BEGIN IMMEDIATE")
            yield
            if self._depth == 1:
                self.connection.execute("COMMIT")
        except BaseException:
            if self._depth == 1:
                self.connection.execute("ROLLBACK")
            raise
        finally:
            self._depth -= 1

    @contextmanager
    def foreign(self) -> Iterator[None]:
        """Write without update counts and stamps, as CueGen does."""
        before, self.stamping = self.stamping, False
        try:
            yield
        finally:
            self.stamping = before

    def add_track(self, title: str, **known: Any) -> str:
        """Add a track; keywords are those of `FakeTrack`, anything else is a column. Returns its ID."""
        fields = set(FakeTrack.__dataclass_fields__)
        columns = {name: known.pop(name) for name in set(known) - fields}
        return self.add(FakeTrack(title=title, **{"columns": columns, **known}))

    def add(self, track: FakeTrack) -> str:
        """Add a track with its names, tags and cues."""
        with self.batch():
            values: dict[str, object] = {
                "Title": track.title,
                "FolderPath": track.path or f"/Users/dj/Music/{track.title}.mp3",
                "BPM": None if track.bpm is None else round(track.bpm * 100),
                "Rating": track.rating or 0,
                "ColorID": str(_COLOURS.index(track.colour) + 1) if track.colour else "0",
                "Analysed": 105,
            }
            for name, (table, column) in _NAMES.items():
                if (text := getattr(track, name)) is not None:
                    values[column] = self.name_id(table, text)
            if track.album is not None:
                values["AlbumID"] = self._album_id(track.album, track.album_artist)
            content = self.insert("djmdContent", **{**values, **track.columns})
            for tag in track.tags:
                self.insert("djmdSongMyTag", MyTagID=self._tag_id(tag), ContentID=content)
            for cue in track.cues:
                self._insert_cue(content, cue)
        return content

    def change_track(self, track_id: str, **columns: object) -> None:
        """Set columns of djmdContent."""
        self.update("djmdContent", track_id, **columns)

    def delete_track(self, track_id: str, *, soft: bool = False) -> None:
        """Remove a track with its cues and entries, or only mark it as deleted."""
        if soft:
            self.update("djmdContent", track_id, rb_local_deleted=1)
            return
        with self.batch():
            self._count_up()
            for table in ("djmdCue", "contentCue", "djmdSongPlaylist", "djmdSongMyTag", "djmdSongHistory"):
                self.connection.execute(f"DELETE FROM {table} WHERE ContentID = ?", (track_id,))
            self.connection.execute("DELETE FROM djmdContent WHERE ID = ?", (track_id,))

    def add_cue(self, track_id: str, start_s: float, **known: Any) -> str:
        """Add a cue as Rekordbox does: the row in djmdCue without a stamp, contentCue and the track with one."""
        with self.batch():
            cue = self._insert_cue(track_id, FakeCue(start_s=start_s, **known))
            self._note_cues(track_id)
        return cue

    def change_cue(self, cue_id: str, **columns: object) -> None:
        """Set columns of djmdCue, as Rekordbox does."""
        with self.batch():
            with self.foreign():
                self.update("djmdCue", cue_id, **columns)
            row = self.connection.execute("SELECT ContentID FROM djmdCue WHERE ID = ?", (cue_id,)).fetchone()
            self._note_cues(row[0])

    def delete_cue(self, cue_id: str) -> None:
        """Remove a cue, as Rekordbox does."""
        with self.batch():
            row = self.connection.execute("SELECT ContentID FROM djmdCue WHERE ID = ?", (cue_id,)).fetchone()
            self.connection.execute("DELETE FROM djmdCue WHERE ID = ?", (cue_id,))
            self._note_cues(row[0])

    def add_playlist(
        self,
        name: str,
        track_ids: Sequence[str] = (),
        *,
        parent: str | None = None,
        attribute: int = 0,
        rule: str | None = None,
        position: int = 0,
    ) -> str:
        """Add a playlist; `attribute` FOLDER or SMART makes another kind. Returns its ID."""
        with self.batch():
            above = parent or "root"
            playlist = self.insert(
                "djmdPlaylist", Name=name, Seq=position, Attribute=attribute, ParentID=above, SmartList=rule
            )
            self.set_entries(playlist, track_ids)
        return playlist

    def set_entries(self, playlist_id: str, track_ids: Sequence[str]) -> None:
        """Give a playlist other entries."""
        with self.batch():
            self._count_up()
            self.connection.execute("DELETE FROM djmdSongPlaylist WHERE PlaylistID = ?", (playlist_id,))
            for number, track in enumerate(track_ids, 1):
                self.insert("djmdSongPlaylist", PlaylistID=playlist_id, ContentID=track, TrackNo=number)

    def add_history(self, name: str, plays: Sequence[tuple[str, dt.datetime]], *, parent: str | None = None) -> str:
        """Add a play history of ``(track, time)``. Returns its ID."""
        with self.batch():
            history = self.insert("djmdHistory", Name=name, Seq=1, Attribute=0, ParentID=parent or "root")
            for number, (track, at) in enumerate(plays, 1):
                columns = {"HistoryID": history, "ContentID": track, "TrackNo": number, "created_at": _utc_text(at)}
                self.insert("djmdSongHistory", **columns)
        return history

    def name_id(self, table: str, name: str) -> str:
        """Return the ID of a name in a table of names; it is added where it is not there."""
        column = "ScaleName" if table == "djmdKey" else "Name"
        row = self.connection.execute(f"SELECT ID FROM {table} WHERE {column} = ?", (name,)).fetchone()
        return str(row[0]) if row else self.insert(table, **{column: name})

    def insert(self, table: str, **columns: object) -> str:
        """Add a row; returns its ID."""
        with self.batch():
            now = _utc_text(dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC))
            row: dict[str, object] = {
                "ID": str(next(self._ids)), "UUID": str(uuid.uuid4()), "rb_local_usn": self._count_up(),
                "created_at": now, "updated_at": now, **columns,
            }  # fmt: skip
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))
        return str(row["ID"])

    def update(self, table: str, row_id: str, **columns: object) -> None:
        """Set columns of one row."""
        with self.batch():
            usn = self._count_up()
            if usn is not None:
                # Rekordbox notes the time of each change; tools that write without a stamp often do not.
                later = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC) + dt.timedelta(seconds=usn)
                columns |= {"rb_local_usn": usn, "updated_at": _utc_text(later)}
            assignments = ", ".join(f"{name} = ?" for name in columns)
            self.connection.execute(f"UPDATE {table} SET {assignments} WHERE ID = ?", (*columns.values(), row_id))

    def delete(self, table: str, row_id: str) -> None:
        """Remove one row."""
        with self.batch():
            self._count_up()
            self.connection.execute(f"DELETE FROM {table} WHERE ID = ?", (row_id,))

    def set_update_count(self, count: int) -> None:
        """Put `localUpdateCount` somewhere else."""
        self.connection.execute("UPDATE agentRegistry SET int_1 = ? WHERE registry_id = 'localUpdateCount'", (count,))

    def _create(self, database_id: str) -> None:
        with self.batch():
            for table, columns in _TABLES.items():
                self._create_table(table, f"ID VARCHAR(255) PRIMARY KEY, {columns}, {_STATUS}")
                self.connection.execute(f"CREATE INDEX {table}_usn ON {table} (rb_local_usn, ID)")
                self.connection.execute(f"CREATE INDEX {table}_deleted ON {table} (rb_local_deleted)")
            now = _utc_text(dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC))
            self._create_table("djmdProperty", f"DBID VARCHAR(255) PRIMARY KEY, {_PROPERTY}")
            query = "INSERT INTO djmdProperty (DBID, DBVersion, created_at, updated_at) VALUES (?, '6000', ?, ?)"
            self.connection.execute(query, (database_id, now, now))
            self._create_table("agentRegistry", f"registry_id VARCHAR(255) PRIMARY KEY, {_REGISTRY}")
            query = (
                "INSERT INTO agentRegistry (registry_id, int_1, created_at, updated_at) "
                "VALUES ('localUpdateCount', 0, ?, ?)"
            )
            self.connection.execute(query, (now, now))
            for number, name in enumerate(_COLOURS, 1):
                self.insert("djmdColor", ID=str(number), SortKey=number, Commnt=name)

    def _create_table(self, table: str, columns: str) -> None:
        wide = re.sub(r" (T|I|X|F|L|D|I0|B0)(?=,|$)", lambda short: " " + _TYPES[short[1]], columns)
        self.connection.execute(f"CREATE TABLE {table} ({wide})")

    def _count_up(self) -> int | None:
        """Return the next update count, None when not stamping."""
        if not self.stamping:
            return None
        row = self.connection.execute(
            "UPDATE agentRegistry SET int_1 = int_1 + 1 WHERE registry_id = 'localUpdateCount' RETURNING int_1"
        ).fetchall()
        return int(row[0][0])

    def _insert_cue(self, track_id: str, cue: FakeCue) -> str:
        in_ms = round(cue.start_s * 1000)
        kind = 0 if cue.pad is None else cue.pad + (1 if cue.pad < 3 else 2)
        with self.foreign():
            return self.insert(
                "djmdCue", ContentID=track_id, InMsec=in_ms, InFrame=in_ms * 150 // 1000, OutFrame=0, Kind=kind,
                OutMsec=round(cue.end_s * 1000) if cue.end_s is not None else -1,
                Color=(-1 if cue.colour is None else cue.colour) if cue.pad is None else 255,
                ColorTableIndex=None if cue.pad is None else cue.colour,
                ActiveLoop=int(cue.active) if cue.end_s is not None else None, Comment=cue.label or None,
            )  # fmt: skip

    def _note_cues(self, track_id: str) -> None:
        """Write the second copy of the cues, and that they changed."""
        rows = self.connection.execute("SELECT ID FROM contentCue WHERE ContentID = ?", (track_id,)).fetchall()
        cues = f'["{self._count_up()}"]'
        if rows:
            self.update("contentCue", str(rows[0][0]), Cues=cues)
        else:
            self.insert("contentCue", ContentID=track_id, Cues=cues)
        self.update("djmdContent", track_id, CueUpdated=str(next(self._ids)))

    def _album_id(self, name: str, album_artist: str | None) -> str:
        row = self.connection.execute("SELECT ID FROM djmdAlbum WHERE Name = ?", (name,)).fetchone()
        artist = self.name_id("djmdArtist", album_artist) if album_artist else None
        return str(row[0]) if row else self.insert("djmdAlbum", Name=name, AlbumArtistID=artist)

    def _tag_id(self, name: str) -> str:
        row = self.connection.execute("SELECT ID FROM djmdMyTag WHERE Name = ?", (name,)).fetchone()
        count = self.connection.execute("SELECT count(*) FROM djmdMyTag").fetchone()[0]
        return str(row[0]) if row else self.insert("djmdMyTag", Name=name, Seq=count + 1, Attribute=0, ParentID="1")


def build_master_db(
    path: Path,
    tracks: Sequence[FakeTrack] = (),
    playlists: Sequence[tuple[str, Sequence[int]]] = (),
    *,
    encrypted: bool = True,
) -> list[str]:
    """Make a master.db and close it, so that no log lies beside it.

    Args:
        path: Where; nothing may be there.
        tracks: The collection.
        playlists: Name and the indices of its tracks.
        encrypted: As `MasterDb`.

    Returns:
        The IDs of the tracks, in their order.
    """
    with MasterDb(path, encrypted=encrypted) as database, database.batch():
        ids = [database.add(track) for track in tracks]
        for position, (name, members) in enumerate(playlists, 1):
            database.add_playlist(name, [ids[member] for member in members], position=position)
    return ids


def _utc_text(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03d} +00:00"

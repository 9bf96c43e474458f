"""Makes a large master.db from the empty Rekordbox 6 database of the benchmark data, and keeps it for the next run.

path = large_collection(tracks=50_000)      # None where the benchmark data are not there
"""

import os
import random
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from cratehand_bridges.rekordbox.connection import database_key

BENCH_DATA = Path(os.environ.get("CRATEHAND_BENCH_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
TEMPLATE = BENCH_DATA / "rekordbox" / "rb6_template" / "master_template.db"

_NOW = "2026-11-20 12:00:00.000 +00:00"
_KEYS = ("Am", "Em", "Bm", "F#m", "Dbm", "Abm", "Ebm", "Bbm", "Fm", "Cm", "Gm", "Dm",
         "C", "G", "D", "A", "E", "B", "F#", "Db", "Ab", "Eb", "Bb", "F")  # fmt: skip


def large_collection(*, tracks: int = 50_000, cues_each: int = 4, playlists: int = 200) -> Path | None:
    """Return a closed master.db of that size; about 30 s the first time, for its 297 indexes are real.

    Args:
        tracks: How many tracks; with artists, albums, genres, labels, keys, colours, two MyTags each.
        cues_each: Cues per track, half of them on pads.
        playlists: How many playlists, of 100 tracks each, in 20 folders.
    """
    if not TEMPLATE.exists():
        return None
    folder = Path(tempfile.gettempdir()) / "cratehand-bench"
    path = folder / f"master-{tracks}-{cues_each}-{playlists}.db"
    if not path.exists():
        folder.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".new")
        shutil.copyfile(TEMPLATE, unfinished)
        _fill(unfinished, tracks=tracks, cues_each=cues_each, playlists=playlists)
        unfinished.rename(path)
    return path


def _fill(path: Path, *, tracks: int, cues_each: int, playlists: int) -> None:
    connection = sqlcipher.connect(str(path), isolation_level=None)
    connection.execute(f"PRAGMA key = '{database_key()}'")
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -400000")
    connection.execute("BEGIN")
    writer = _Writer(connection)
    for table, rows in _tables(tracks=tracks, cues_each=cues_each, playlists=playlists):
        writer.insert(table, rows)
    connection.execute(
        "UPDATE agentRegistry SET int_1 = ? WHERE registry_id = 'localUpdateCount'", (writer.update_count,)
    )
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


class _Writer:
    def __init__(self, connection: sqlcipher.Connection) -> None:
        self._connection = connection
        self._luck = random.Random(7)
        self.update_count = 1000

    def insert(self, table: str, rows: Iterator[dict[str, object]]) -> None:
        first = next(rows)
        names = [*first, "UUID", "rb_local_usn", "created_at", "updated_at"]
        query = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        self._connection.execute(query, self._complete(table, first))
        self._connection.executemany(query, (self._complete(table, row) for row in rows))

    def _complete(self, table: str, row: dict[str, object]) -> tuple[object, ...]:
        self.update_count += 1
        # Rekordbox itself leaves the stamp of cues empty.
        stamp = None if table == "djmdCue" else self.update_count
        return (*row.values(), str(uuid.UUID(int=self._luck.getrandbits(128))), stamp, _NOW, _NOW)


def _tables(*, tracks: int, cues_each: int, playlists: int) -> Iterator[tuple[str, Iterator[dict[str, object]]]]:
    artists, albums, labels = max(tracks // 5, 1), max(tracks // 8, 1), max(tracks // 100, 1)
    yield "djmdArtist", ({"ID": str(1_000 + n), "Name": f"Artist {n} é"} for n in range(artists))
    yield (
        "djmdAlbum",
        (
            {"ID": str(1_000 + n), "Name": f"Album {n}", "AlbumArtistID": str(1_000 + n % artists)}
            for n in range(albums)
        ),
    )
    yield "djmdLabel", ({"ID": str(1_000 + n), "Name": f"Label {n}"} for n in range(labels))
    yield "djmdGenre", ({"ID": str(1_000 + n), "Name": f"Genre {n}"} for n in range(40))
    yield "djmdKey", ({"ID": str(1_000 + n), "ScaleName": key, "Seq": n} for n, key in enumerate(_KEYS))
    yield (
        "djmdMyTag",
        ({"ID": str(9_000 + n), "Name": f"Tag {n}", "Seq": n, "Attribute": 0, "ParentID": "1"} for n in range(20)),
    )
    yield "djmdContent", (_track(n, artists, albums, labels) for n in range(tracks))
    yield "djmdCue", (_cue(n, each) for n in range(tracks) for each in range(cues_each))
    yield (
        "djmdSongMyTag",
        (
            {
                "ID": str(5_000_000 + 2 * n + k),
                "MyTagID": str(9_000 + (n + 7 * k) % 20),
                "ContentID": _id(n),
                "TrackNo": 0,
            }
            for n in range(tracks)
            for k in range(2)
        ),
    )
    yield "djmdPlaylist", (_playlist(n, playlists) for n in range(playlists + 20))
    yield (
        "djmdSongPlaylist",
        (
            {
                "ID": str(6_000_000 + 100 * n + k),
                "PlaylistID": str(20_000 + n),
                "ContentID": _id((977 * n + 31 * k) % tracks),
                "TrackNo": k + 1,
            }
            for n in range(playlists)
            for k in range(100)
        ),
    )
    yield "djmdHistory", ({"ID": str(1_000 + n), "Name": f"HISTORY {n}", "Seq": n, "Attribute": 0} for n in range(100))
    yield (
        "djmdSongHistory",
        (
            {
                "ID": str(7_000_000 + 40 * n + k),
                "HistoryID": str(1_000 + n),
                "ContentID": _id((53 * n + k) % tracks),
                "TrackNo": k + 1,
            }
            for n in range(100)
            for k in range(40)
        ),
    )


def _id(number: int) -> str:
    return str(100_000_000 + number)


def _track(n: int, artists: int, albums: int, labels: int) -> dict[str, object]:
    return {
        "ID": _id(n), "FolderPath": f"/Users/dj/Music/Artist {n % artists}/Album {n % albums}/{n:05d} Track (Mix).mp3",
        "FileNameL": f"{n:05d} Track {n} (Mix).mp3", "Title": f"Track {n} (Original Mix)",
        "ArtistID": str(1_000 + n % artists), "AlbumID": str(1_000 + n % albums), "GenreID": str(1_000 + n % 40),
        "LabelID": str(1_000 + n % labels), "RemixerID": str(1_000 + n * 3 % artists) if n % 4 == 0 else None,
        "KeyID": str(1_000 + n % 24), "ColorID": str(n % 9), "BPM": 9_000 + n * 7 % 9_000, "Length": 180 + n % 300,
        "TrackNo": n % 15, "BitRate": 320, "BitDepth": 16, "Commnt": f"energy {n % 10} - floor" if n % 2 else "",
        "FileType": 1, "Rating": n % 6, "ReleaseYear": 1990 + n % 35, "StockDate": "2024-03-05",
        "DateCreated": "2024-03-05", "DJPlayCount": n % 7, "SampleRate": 44_100, "FileSize": 9_000_000 + n,
        "DiscNo": 0, "Analysed": 233 if n % 10 == 0 else 105, "ISRC": f"DEABC24{n:05d}" if n % 3 == 0 else "",
        "AnalysisDataPath": f"/PIONEER/USBANLZ/{n % 4096:03x}/{n:012x}/ANLZ0000.DAT", "SearchStr": "",
    }  # fmt: skip


def _cue(n: int, each: int) -> dict[str, object]:
    hot = each % 2 == 0
    in_ms = 1_000 + 31_250 * each + n % 900
    kind = (each // 2 + 1 if each // 2 < 3 else each // 2 + 2) if hot else 0
    return {
        "ID": str(1_000_000_000 + 16 * n + each), "ContentID": _id(n), "InMsec": in_ms, "InFrame": in_ms * 150 // 1000,
        "OutMsec": in_ms + 1_875 if each == 3 else -1, "Kind": kind, "Color": 255 if hot else -1,
        "ColorTableIndex": 1 + n % 62 if hot else None, "ActiveLoop": 1 if each == 3 else None,
        "Comment": "Drop" if hot else None,
    }  # fmt: skip


def _playlist(n: int, playlists: int) -> dict[str, object]:
    # The last twenty are the folders, ten playlists in each.
    folder = n >= playlists
    return {
        "ID": str(20_000 + n), "Name": f"{'Folder' if folder else 'Playlist'} {n}", "Seq": n,
        "Attribute": 1 if folder else 0, "ParentID": "root" if folder else str(20_000 + playlists + n % 20),
    }  # fmt: skip

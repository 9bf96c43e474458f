"""Writes into a real Rekordbox 6 database filled with tracks: ``python -m tests.bench.rekordbox_write [--record]``.

Checks on the true schema with its 297 indexes: what is written reads back with our reader and with pyrekordbox, undo
brings back every row of every table, and how long it takes.
"""

import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from cratehand.domain.collection import CollectionTrack
from cratehand.domain.collection_edit import CollectionEdit
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand_bridges.rekordbox import RekordboxDatabase, RekordboxWriter, WriterSettings
from cratehand_bridges.rekordbox.connection import connect
from tests.bench.rekordbox_collection import BENCH_DATA
from tests.bench.report import Report, command
from tests.fakes.clock import HandWoundClock
from tests.fakes.rekordbox_database import FakeCue, FakeTrack, MasterDb
from tests.unit.bridges.rekordbox.written import MOVING, PLAYLISTS_FILE, upgrade

TEMPLATE = BENCH_DATA / "rekordbox" / "rb6_template" / "master_template.db"
KEYS = ("Am", "C", "F#m", "Db", "8A")

Rows = dict[str, dict[object, dict[str, object]]]


def run(quick: bool) -> Report | None:
    """Fill a copy of the template, write an upgrade of some tracks, read it back, undo it, compare."""
    if not TEMPLATE.exists():
        return None
    tracks, upgrades = (300, 20) if quick else (10_000, 100)
    report = Report(title=f"Writing into a real Rekordbox 6 database: {upgrades} upgrades among {tracks} tracks")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rekordbox" / "master.db"
        path.parent.mkdir()
        shutil.copyfile(TEMPLATE, path)
        path.with_name("masterPlaylists6.xml").write_text(PLAYLISTS_FILE, encoding="utf-8")
        _fill(path, tracks)
        _measure(report, path, upgrades)
    return report


def _fill(path: Path, tracks: int) -> None:
    luck = random.Random(4)
    with MasterDb(path) as master, master.batch():
        for number in range(tracks):
            track = master.add(
                FakeTrack(
                    title=f"T{number}", path=f"/Users/dj/Music/T{number}.mp3", artist=f"A{number % 90}",
                    key=luck.choice(KEYS), bpm=luck.uniform(90, 150),
                    columns={"FileNameL": f"T{number}.mp3", "FileType": 1, "Length": 300, "FileSize": 9_000_000},
                )
            )  # fmt: skip
            for pad in luck.sample(range(8), 3):
                start_s = luck.uniform(0.1, 280)
                cue = FakeCue(start_s=start_s, end_s=start_s + 2.0 if pad == 7 else None, pad=pad, colour=pad + 1)
                master.add_cue(track, **{name: getattr(cue, name) for name in FakeCue.__dataclass_fields__})


def _measure(report: Report, path: Path, upgrades: int) -> None:
    before = _rows(path)
    read = {track.id: track for track in _read(path)}
    chosen = random.Random(5).sample(sorted(read), upgrades)
    edits: list[CollectionEdit] = [edit for track in chosen for edit in upgrade(read[track])]
    settings = WriterSettings(folder=path.parent.parent / "backups")
    writer = RekordboxWriter(path, settings, clock=HandWoundClock(), programs=lambda: ["init"])
    report.add("obstacles seen by a check", str(len(writer.check(edits))), "0", met=not writer.check(edits))
    began_s = time.process_time()
    record = writer.apply(edits)
    apply_s = time.process_time() - began_s
    after = {track.id: track for track in _read(path)}
    wrong = [track for track in chosen if after[track].location != read[track].location.replace(".mp3", ".flac")]
    moved = [
        abs(new.start_s - old.start_s - 0.0264)
        for track in chosen
        for old, new in zip(read[track].cues, after[track].cues, strict=True)
    ]
    report.add("rows written", str(len(record.rows)))
    report.add("upgraded tracks that our reader reads differently", str(len(wrong)), "0", met=not wrong)
    report.at_most("worst cue", max(moved) * 1000, 0.5, "ms")
    strange = _strange_to_pyrekordbox(path, after, chosen)
    report.add("upgraded tracks that pyrekordbox reads differently", str(len(strange)), "0", met=not strange)
    began_s = time.process_time()
    writer.undo(record)
    undo_s = time.process_time() - began_s
    differing = _differing(before, _rows(path))
    report.add("rows of all tables that differ after undo", str(differing), "0", met=differing == 0)
    report.add("apply, with backup and both checks", f"{apply_s:.2f} s of processor")
    report.add("undo, with backup and both checks", f"{undo_s:.2f} s of processor")


def _read(path: Path) -> list[CollectionTrack]:
    reader = RekordboxDatabase(path, cache_dir=path.parent.parent / "cache")
    change = reader.read(None)
    reader.close()
    return list(change.tracks)


def _strange_to_pyrekordbox(path: Path, ours: dict[ForeignId, CollectionTrack], chosen: list[ForeignId]) -> list[str]:
    from pyrekordbox import MasterDatabase

    strange = []
    database = MasterDatabase(path=path, db_dir=str(path.parent))
    for track in chosen:
        row, known = database.get_content(ID=track), ours[track]
        cues = sorted((cue.InMsec, cue.Kind) for cue in row.Cues)
        expected = sorted((round(cue.start_s * 1000), _kind(cue.pad)) for cue in known.cues)
        lists = [song.Playlist.Name for song in database.get_playlist_songs(ContentID=track)]
        key = row.Key.ScaleName if row.Key else None
        same = row.FolderPath == known.location and cues == expected and lists == ["cratehand upgraded"]
        if not same or key not in {"Em", "9A"} or str(known.values[Field.KEY]) != "E minor":
            strange.append(track)
    database.close()
    return strange


def _kind(pad: int | None) -> int:
    return 0 if pad is None else pad + (1 if pad < 3 else 2)


def _rows(path: Path) -> Rows:
    connection = connect(path, "?mode=ro", encrypted=True)
    connection.text_factory = bytes
    tables = [row[0].decode() for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found: Rows = {}
    for table in tables:
        cursor: sqlcipher.Cursor = connection.execute(f'SELECT * FROM "{table}"')
        names = [each[0] for each in cursor.description]
        found[table] = {row[0]: dict(zip(names, row, strict=True)) for row in cursor}
    connection.close()
    found["agentRegistry"].pop(b"localUpdateCount")
    return found


def _differing(before: Rows, after: Rows) -> int:
    count = 0
    for table in before:
        for key in {*before[table], *after[table]}:
            old, new = before[table].get(key, {}), after[table].get(key, {})
            count += any(old.get(name) != new.get(name) for name in {*old, *new} - {*MOVING})
    return count


if __name__ == "__main__":
    sys.exit(command(run, __doc__))

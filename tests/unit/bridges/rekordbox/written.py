"""What the tests of the writer share: a collection, the edits of an upgrade, and all rows of a database."""

import random
from collections.abc import Sequence
from pathlib import Path

from cratehand.domain.collection import CollectionTrack
from cratehand.domain.collection_edit import (
    UPGRADED_PLAYLIST,
    BitRateMode,
    CollectionEdit,
    CollectionFile,
    CuesSet,
    FileReplaced,
    PlaylistExtended,
    ValueSet,
)
from cratehand.domain.cue import Cue
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand.domain.key import Mode, MusicalKey
from cratehand_bridges.rekordbox import RekordboxDatabase, RekordboxWriter, WriterSettings
from cratehand_bridges.rekordbox.connection import connect, is_encrypted
from cratehand_bridges.rekordbox.processes import ProcessLister
from cratehand_bridges.rekordbox.schema import TOUCHED
from tests.fakes.clock import HandWoundClock
from tests.fakes.rekordbox_database import FakeCue, FakeTrack, MasterDb

OFFSET_S = 0.0264
A_MINOR = MusicalKey(tonic=9, mode=Mode.MINOR)
C_MAJOR = MusicalKey(tonic=0, mode=Mode.MAJOR)
MOVING = ("rb_local_usn", "updated_at", "CueUpdated")

PLAYLISTS_FILE = """<?xml version="1.0" encoding="UTF-8"?>

<MASTER_PLAYLIST Version="3.0.0" AutomaticSync="0">
  <PRODUCT Name="rekordbox" Version="6.6.2" Company="AlphaTheta"/>
  <PLAYLISTS>
    <NODE Id="C4E7" ParentId="0" Attribute="1" Timestamp="1649540253000" Lib_Type="0" CheckType="0"/>
  </PLAYLISTS>
</MASTER_PLAYLIST>
"""

Rows = dict[str, dict[str, dict[str, object]]]


def nothing_runs() -> Sequence[str]:
    return ["systemd", "rekordboxes", "Finder"]


def fill(master: MasterDb) -> tuple[str, str]:
    """Add two tracks, with cues of each kind, and a playlist; returns the ids of the tracks."""
    with master.batch():
        one = master.add(
            FakeTrack(
                title="One", path="/Users/dj/Music/One.mp3", key="Am", bpm=124.0, rating=4, artist="A",
                columns={
                    "FileNameL": "One.mp3", "OrgFolderPath": "/Users/dj/Music/One.mp3", "FileSize": 5_000_000,
                    "Length": 200, "BitRate": 192, "SampleRate": 44100, "FileType": 1, "CueUpdated": "3",
                    "UUID": "b722f306-40b5-4a55-8ae0-663c684ff0be", "rb_local_synced": 1, "DJPlayCount": 7,
                },
            )
        )  # fmt: skip
        two = master.add(FakeTrack(title="Two", path="/Users/dj/Music/Two.flac", key="C", bpm=128.0))
        for cue in (
            FakeCue(start_s=1.0, pad=0, label="drop", colour=22),
            FakeCue(start_s=30.5, pad=3),
            FakeCue(start_s=60.0, end_s=60.0 + 8 * 60 / 124.0, pad=4, active=True),
            FakeCue(start_s=0.013),
            FakeCue(start_s=90.0, colour=6, label="break"),
        ):
            master.add_cue(one, **{name: getattr(cue, name) for name in FakeCue.__dataclass_fields__})
        master.add_playlist("Set", [one, two], position=1)
    return one, two


def writer_of(
    path: Path, *, programs: ProcessLister = nothing_runs, kept: int = 10, seed: int | None = None
) -> RekordboxWriter:
    settings = WriterSettings(folder=path.parent.parent / "backups", kept_backups=kept)
    luck = random.Random(seed) if seed is not None else None
    return RekordboxWriter(path, settings, clock=HandWoundClock(now_s=1_800_000_000.25), programs=programs, luck=luck)


def track_of(path: Path, track_id: str) -> CollectionTrack:
    reader = RekordboxDatabase(path, cache_dir=path.parent.parent / "cache-of-the-plan")
    (found,) = (track for track in reader.read(None).tracks if track.id == track_id)
    reader.close()
    return found


def shifted(cue: Cue, by_s: float) -> Cue:
    return Cue(
        kind=cue.kind, start_s=cue.start_s + by_s, end_s=None if cue.end_s is None else cue.end_s + by_s, pad=cue.pad,
        label=cue.label, colour=cue.colour, active_loop=cue.active_loop, foreign_id=cue.foreign_id,
    )  # fmt: skip


def upgrade(track: CollectionTrack) -> list[CollectionEdit]:
    """The edits of an upgrade of a track to a FLAC whose sound begins later."""
    after = CollectionFile(
        location=track.location.removesuffix(".mp3") + ".flac", codec="flac", container="flac", size_bytes=25_000_000,
        duration_s=200.9, sample_rate_hz=48000, bit_depth=24, bit_rate_kbps=998.6,
    )  # fmt: skip
    cues = tuple(shifted(cue, OFFSET_S) for cue in track.cues)
    return [
        FileReplaced(track_id=track.id, before=CollectionFile(location=track.location), after=after),
        CuesSet(track_id=track.id, before=track.cues, after=cues, bit_rate_mode=BitRateMode.LOSSLESS),
        ValueSet(
            track_id=track.id,
            field=Field.KEY,
            before=track.values[Field.KEY],
            after=MusicalKey(tonic=4, mode=Mode.MINOR),
        ),
        PlaylistExtended(name=UPGRADED_PLAYLIST, tracks=(track.id,)),
    ]


def rating(track_id: str, before: int, after: int) -> ValueSet:
    return ValueSet(track_id=ForeignId(track_id), field=Field.RATING, before=before, after=after)


def all_rows(path: Path, tables: Sequence[str] = TOUCHED) -> Rows:
    """Every row of every touched table, the counter left out."""
    connection = connect(path, "?mode=ro", encrypted=is_encrypted(path))
    connection.text_factory = bytes
    found: Rows = {}
    for table in tables:
        cursor = connection.execute(f"SELECT * FROM {table}")
        names = [each[0] for each in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        found[table] = {str(row[names[0]]): row for row in rows if row[names[0]] != b"localUpdateCount"}
    connection.close()
    return found


def without_stamps(rows: Rows) -> Rows:
    return {
        table: {key: {name: cell for name, cell in row.items() if name not in MOVING} for key, row in found.items()}
        for table, found in rows.items()
    }

"""Rekordbox goes on to state the times of the old file; in the catalogue they stay those of the new one."""

from dataclasses import replace
from pathlib import Path

from cratehand.catalogue import SqliteCatalogue
from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.collection import CollectionChange, CollectionTrack
from cratehand.domain.cue import Cue, CueKind
from cratehand.domain.fields import Field
from cratehand.domain.ids import ContentDigest, ForeignId, TrackId
from cratehand.domain.provenance import Source, SourceKind
from cratehand.domain.track import FileStamp
from tests.fakes.clock import counting_ids

SOURCE = Source(kind=SourceKind.REKORDBOX, name="master.db")
STAMP = FileStamp(size_bytes=1, mtime_ns=2, ctime_ns=3, inode=4)
GRID = BeatGrid(anchors=(GridAnchor(start_s=0.5, tempo_bpm=120.0),))
ROW = CollectionTrack(
    id=ForeignId("7"),
    location="/music/a.mp3",
    values={Field.TITLE: "One", Field.BEAT_GRID: GRID, Field.DURATION_S: 200.0, Field.TEMPO_BPM: 120.0},
    cues=(Cue(kind=CueKind.HOT, start_s=1.0, pad=0), Cue(kind=CueKind.HOT, start_s=2.0, end_s=3.0, pad=1)),
)


def tell(catalogue: SqliteCatalogue, row: CollectionTrack, at_s: float) -> TrackId:
    with catalogue.writing() as stores:
        stores.collection.apply(
            CollectionChange(full=True, tracks=[row]), source=SOURCE, at_s=at_s, new_id=counting_ids()
        )
        track = stores.tracks.by_collection_id(row.id)
    assert track is not None
    return track.id


def times(catalogue: SqliteCatalogue, track: TrackId) -> list[tuple[float, float | None]]:
    with catalogue.reading() as stores:
        return [(cue.start_s, cue.end_s) for cue in stores.cues.cues(track)]


def carry(catalogue: SqliteCatalogue, track: TrackId, name: str, offset_s: float) -> dict[str, object]:
    with catalogue.writing() as stores:
        return stores.carrying.carry_over(
            track, path=Path(f"/music/{name}"), stamp=STAMP, digest=ContentDigest(f"x:{name}"), offset_s=offset_s
        )


def test_what_is_stated_once_more_stays_moved(catalogue: SqliteCatalogue) -> None:
    track = tell(catalogue, ROW, 1.0)
    carry(catalogue, track, "a.flac", 0.25)
    assert times(catalogue, track) == [(1.25, None), (2.25, 3.25)]
    assert tell(catalogue, replace(ROW, values={**ROW.values, Field.RATING: 5}), 2.0) == track
    assert times(catalogue, track) == [(1.25, None), (2.25, 3.25)]
    with catalogue.reading() as stores:
        found = stores.tracks.get(track)
        grid = stores.facts.believed([track], Field.BEAT_GRID)[track].value
        rating = stores.facts.believed([track], Field.RATING)[track].value
        duration = stores.facts.believed([track], Field.DURATION_S)
        told = stores.collection.restated(track, {Field.BEAT_GRID: GRID, Field.DURATION_S: 200.0})
    assert found is not None
    assert found.path == Path("/music/a.flac")
    assert (grid, rating, duration) == (GRID.shifted(0.25), 5, {})
    assert told == {Field.BEAT_GRID: GRID.shifted(0.25)}


def test_what_the_dj_changes_is_taken_as_it_is(catalogue: SqliteCatalogue) -> None:
    track = tell(catalogue, ROW, 1.0)
    carry(catalogue, track, "a.flac", 0.25)
    edited = (replace(ROW.cues[0], start_s=1.5), ROW.cues[1], Cue(kind=CueKind.MEMORY, start_s=9.0))
    tell(catalogue, replace(ROW, cues=edited), 2.0)
    assert times(catalogue, track) == [(1.5, None), (2.25, 3.25), (9.0, None)]


def test_two_replacements_and_back(catalogue: SqliteCatalogue) -> None:
    track = tell(catalogue, ROW, 1.0)
    first = carry(catalogue, track, "a.flac", 0.25)
    second = carry(catalogue, track, "a.wav", 0.5)
    tell(catalogue, ROW, 2.0)
    assert times(catalogue, track) == [(1.75, None), (2.75, 3.75)]
    for record, offset_s in ((second, 0.25), (first, 0.0)):
        with catalogue.writing() as stores:
            stores.carrying.carry_back(track, record, stamp=STAMP)
        tell(catalogue, ROW, 3.0)
        assert times(catalogue, track) == [(1.0 + offset_s, None), (2.0 + offset_s, 3.0 + offset_s)]

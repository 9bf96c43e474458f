"""The DJ's own goes out unchanged; ours goes where it was asked to."""

from pathlib import Path

import pytest

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.collection import (
    CollectionChange,
    CollectionPlaylist,
    CollectionTrack,
    PlaylistKind,
)
from cratehand.domain.cue import Colour, Cue, CueKind, SuggestedCue, SuggestedCueKind
from cratehand.domain.errors import NotFoundError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand.domain.provenance import PERSON, Fact, Source, SourceKind
from cratehand.usecases.collection_export import CollectionExport, Suggestions
from cratehand.usecases.reading_facts import facts_of
from tests.fakes.clock import counting_ids
from tests.fakes.readings import analysis, reading

DJ_GRID = BeatGrid(anchors=(GridAnchor(start_s=0.055, tempo_bpm=125.97),))
CUES = (
    Cue(kind=CueKind.HOT, start_s=10.0, pad=0, label="Drop", colour=Colour(red=255, green=0, blue=0)),
    Cue(kind=CueKind.HOT, start_s=20.0, pad=2, end_s=24.0),
    Cue(kind=CueKind.MEMORY, start_s=30.0),
)
REKORDBOX = Source(kind=SourceKind.REKORDBOX, name="master.db")


@pytest.fixture
def export(catalogue: SqliteCatalogue) -> CollectionExport:
    values = {
        Field.TITLE: "One",
        Field.COMMENT: "my words",
        Field.RATING: 4,
        Field.COLOUR: "Red",
        Field.TEMPO_BPM: 125.97,
        Field.BEAT_GRID: DJ_GRID,
    }
    change = CollectionChange(
        full=True,
        tracks=[
            CollectionTrack(id=ForeignId("77"), location="/music/one.flac", values=values, cues=CUES),
            CollectionTrack(id=ForeignId("78"), location="/music/two.flac", values={Field.TITLE: "Two"}),
        ],
        playlists=[
            CollectionPlaylist(id=ForeignId("1"), name="Peak", kind=PlaylistKind.FOLDER),
            CollectionPlaylist(
                id=ForeignId("2"),
                name="Techno",
                kind=PlaylistKind.PLAYLIST,
                parent_id=ForeignId("1"),
                entries=(ForeignId("78"), ForeignId("77"), ForeignId("78")),
            ),
            CollectionPlaylist(id=ForeignId("3"), name="Other", kind=PlaylistKind.PLAYLIST, entries=(ForeignId("77"),)),
        ],
    )
    with catalogue.writing() as stores:
        stores.collection.apply(change, source=REKORDBOX, at_s=1.0, new_id=counting_ids())
        for track_id in stores.tracks.many([known.track_id for known in stores.tracks.known_files()]):
            said = facts_of(reading("/music/x.flac", analysis=analysis(tempo_bpm=63.0)), at_s=5.0)
            stores.facts.record(track_id, said)
    return CollectionExport(catalogue, write_xml=lambda path, change: None, write_m3u8=lambda path, change: None)


def track(change: CollectionChange, collection_id: str) -> CollectionTrack:
    (found,) = [track for track in change.tracks if track.id == collection_id]
    return found


def test_the_dj_s_grid_cues_rating_colour_and_comment_go_out_unchanged(export: CollectionExport) -> None:
    change, summary = export.build()
    one = track(change, "77")
    assert one.values[Field.BEAT_GRID] == DJ_GRID
    assert one.values[Field.TEMPO_BPM] == 125.97
    assert (one.values[Field.RATING], one.values[Field.COLOUR], one.values[Field.COMMENT]) == (4, "Red", "my words")
    assert [(cue.pad, cue.start_s, cue.end_s, cue.label) for cue in one.cues] == [
        (0, 10.0, None, "Drop"),
        (2, 20.0, 24.0, ""),
        (None, 30.0, None, ""),
    ]
    assert (summary.tracks, summary.known_to_rekordbox) == (2, 2)


def test_a_track_without_a_grid_of_the_dj_gets_ours(export: CollectionExport) -> None:
    change, _ = export.build()
    assert track(change, "78").values[Field.TEMPO_BPM] == 63.0


def test_a_person_s_correction_beats_rekordbox_s_grid(export: CollectionExport, catalogue: SqliteCatalogue) -> None:
    with catalogue.writing() as stores:
        found = stores.tracks.by_collection_id(ForeignId("77"))
        assert found is not None
        stores.facts.record(found.id, [Fact(field=Field.TEMPO_BPM, value=126.0, source=PERSON, at_s=9.0)])
    change, _ = export.build()
    assert track(change, "77").values[Field.TEMPO_BPM] == 126.0


def test_a_playlist_goes_out_with_its_folder_and_in_its_order(export: CollectionExport) -> None:
    change, summary = export.build(playlist="Peak/Techno")
    assert change.playlists is not None
    assert [(playlist.name, len(playlist.entries)) for playlist in change.playlists] == [("Peak", 0), ("Techno", 3)]
    assert [found.id for found in change.tracks] == ["78", "77"]
    assert summary.playlists == 1


def test_an_unknown_playlist_is_named(export: CollectionExport) -> None:
    with pytest.raises(NotFoundError, match="'Nope'"):
        export.build(playlist="Nope")


def suggestion(start_s: float) -> SuggestedCue:
    return SuggestedCue(kind=SuggestedCueKind.DROP, start_s=start_s, reason="test")


def test_nothing_is_suggested_unless_asked(export: CollectionExport, catalogue: SqliteCatalogue) -> None:
    with catalogue.writing() as stores:
        found = stores.tracks.by_collection_id(ForeignId("77"))
        assert found is not None
        said = Fact(
            field=Field.SUGGESTED_CUES,
            value=(suggestion(99.0),),
            source=Source(kind=SourceKind.ANALYSIS, name="cratehand"),
            at_s=9.0,
        )
        stores.facts.record(found.id, [said])
    plain, _ = export.build()
    asked, _ = export.build(suggestions=Suggestions.MEMORY)
    assert len(track(plain, "77").cues) == 3
    assert len(track(asked, "77").cues) == 4


def test_the_writer_gets_the_target_and_a_dry_run_writes_nothing(catalogue: SqliteCatalogue) -> None:
    written: list[Path] = []
    export = CollectionExport(
        catalogue,
        write_xml=lambda path, change: written.append(path),
        write_m3u8=lambda path, change: written.append(path),
    )
    export.to_rekordbox(Path("/x.xml"), dry_run=True)
    export.to_m3u8(Path("/x.m3u8"), dry_run=True)
    assert not written
    export.to_rekordbox(Path("/x.xml"))
    export.to_m3u8(Path("/x.m3u8"))
    assert written == [Path("/x.xml"), Path("/x.m3u8")]

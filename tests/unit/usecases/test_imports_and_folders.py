"""Lists and collections come in, folders come and go, doubts are listed."""

from pathlib import Path

import pytest

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.collection import CollectionChange, CollectionPlaylist, CollectionTrack, PlaylistKind
from cratehand.domain.cue import Cue, CueKind
from cratehand.domain.errors import ConflictError, InvalidInputError, NotFoundError
from cratehand.domain.events import Event
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId, TrackId
from cratehand.domain.matching import WantedTrack
from cratehand.domain.provenance import PERSON, Fact, Source, SourceKind
from cratehand.domain.track import Presence, Track
from cratehand.usecases.collection_import import CollectionImport
from cratehand.usecases.playlist_import import PlaylistImport
from cratehand.usecases.review import Review
from cratehand.usecases.watched_folders import WatchedFolders
from tests.fakes.clock import HandWoundClock, counting_ids

TAGS = Source(kind=SourceKind.TAGS, name="file")


def add(catalogue: SqliteCatalogue, number: int, artist: str, title: str) -> TrackId:
    track_id = TrackId(f"{0xABC000 + number:016x}")
    with catalogue.writing() as stores:
        path = Path(f"/music/{number}.flac")
        stores.tracks.add([Track(id=track_id, path=path, presence=Presence.PRESENT, added_at_s=1.0)])
        for field, value in ((Field.ARTIST, artist), (Field.TITLE, title)):
            stores.facts.record(track_id, [Fact(field=field, value=value, source=TAGS, at_s=1.0)])
    return track_id


def test_a_list_becomes_a_playlist_and_what_is_missing_is_named(catalogue: SqliteCatalogue) -> None:
    first, second = add(catalogue, 1, "Amber", "Low Tide"), add(catalogue, 2, "Birch", "Northbound (Dub)")
    importer = PlaylistImport(catalogue, clock=HandWoundClock(), new_id=counting_ids())
    wanted = [
        WantedTrack(artist="Birch", title="Northbound (Dub)", line=1),
        WantedTrack(artist="Nobody", title="Unknown Song", line=2),
        WantedTrack(artist="AMBER", title="Low Tide (Original Mix)", line=3),
    ]
    assert importer.import_list("Friday", wanted, dry_run=True).matched == (second, first)
    with catalogue.reading() as stores:
        assert not stores.playlists.all(), "a dry run writes nothing"
    report = importer.import_list("Friday", wanted)
    assert [missing.wanted.title for missing in report.missing] == ["Unknown Song"]
    importer.import_list("Friday", wanted[:1])
    with catalogue.reading() as stores:
        (playlist,) = stores.playlists.all()
    assert playlist.entries == (second,), "a second import of the name replaces the first"


def test_a_collection_file_adds_what_is_new_and_overwrites_nothing(
    catalogue: SqliteCatalogue, published: list[Event]
) -> None:
    known = add(catalogue, 1, "Amber", "Low Tide")
    with catalogue.writing() as stores:
        said = Fact(field=Field.TITLE, value="My Title", source=PERSON, at_s=5.0)
        stores.facts.record(known, [said])
    cue = Cue(kind=CueKind.HOT, start_s=1.0, pad=0)
    change = CollectionChange(
        full=True,
        tracks=[
            CollectionTrack(
                id=ForeignId("1"),
                location="/music/1.flac",
                values={Field.TITLE: "Theirs", Field.COMMENT: "from the file"},
                cues=(cue,),
                attributes={"Foo": "bar"},
            ),
            CollectionTrack(id=ForeignId("2"), location="/elsewhere/new.mp3", values={Field.TITLE: "New"}),
        ],
        playlists=[
            CollectionPlaylist(
                id=ForeignId("p"), name="Set", kind=PlaylistKind.PLAYLIST, entries=(ForeignId("2"), ForeignId("1"))
            )
        ],
    )
    importer = CollectionImport(catalogue, clock=HandWoundClock(), new_id=counting_ids(), publish=published.append)
    dry = importer.import_file(change, origin="x.xml", dry_run=True)
    assert (dry.added, dry.known, len(dry.plan.changes)) == (1, 1, 1)
    for _ in range(2):
        report = importer.import_file(change, origin="x.xml")
    assert (report.added, report.known) == (0, 2), "a second import of the same file adds nothing"
    with catalogue.reading() as stores:
        summary = stores.tracks.summary(known)
        (playlist,) = stores.playlists.all()
        cues = stores.cues.cues(known)
        attributes = stores.collection.attributes([known])
    assert summary is not None
    assert (summary.title, summary.comment) == ("My Title", "from the file")
    assert (len(playlist.entries), playlist.entries[1], list(cues)) == (2, known, [cue])
    assert attributes == {known: {"Foo": "bar"}}


def test_folders_come_and_go(catalogue: SqliteCatalogue, tmp_path: Path) -> None:
    music, own = tmp_path / "music", tmp_path / "data"
    (music / "sub").mkdir(parents=True)
    (own / "cache").mkdir(parents=True)
    folders = WatchedFolders(catalogue, configured=[tmp_path / "fixed"], forbidden=[own], clock=HandWoundClock())
    assert folders.add(music, dry_run=True).changes
    folders.add(music)
    folders.add(music / "sub")
    assert not folders.add(music).changes, "adding it twice changes nothing"
    assert folders.paths() == [music, tmp_path / "fixed"], "a folder inside a watched one is not swept twice"
    folders.remove(music / "sub")
    with pytest.raises(NotFoundError, match="is not watched"):
        folders.remove(music / "sub")
    with pytest.raises(ConflictError, match="settings"):
        folders.remove(tmp_path / "fixed")
    with pytest.raises(NotFoundError, match="plug the drive in"):
        folders.add(tmp_path / "nowhere")
    with pytest.raises(InvalidInputError, match="own data"):
        folders.add(own / "cache")


def test_what_is_played_often_and_doubted_much_is_heard_first(catalogue: SqliteCatalogue) -> None:
    ours = Source(kind=SourceKind.ANALYSIS, name="cratehand")
    for number, (confidence, plays) in enumerate([(0.5, 0), (0.6, 100), (0.97, 500)], start=1):
        track_id = add(catalogue, number, "A", f"T{number}")
        with catalogue.writing() as stores:
            stores.facts.record(
                track_id,
                [
                    Fact(field=Field.TEMPO_BPM, value=120.0, source=ours, at_s=1.0, confidence=confidence),
                    Fact(field=Field.PLAY_COUNT, value=plays, source=TAGS, at_s=1.0),
                ],
            )
            stores.tracks.set_reading(track_id, stamp=None, digest=None, analysed_at_s=1.0, error=None)
    queue = Review(catalogue).queue()
    assert [item.track.title for item in queue] == ["T2", "T1"]
    with catalogue.writing() as stores:
        said = Fact(field=Field.TEMPO_BPM, value=60.0, source=PERSON, at_s=2.0)
        stores.facts.record(queue[0].track.id, [said])
    assert [item.track.title for item in Review(catalogue).queue()] == ["T1"], "a person's word is in no doubt"

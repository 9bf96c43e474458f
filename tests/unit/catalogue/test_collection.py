import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from cratehand.catalogue import SqliteCatalogue, check, open_device
from cratehand.domain.belief import believe
from cratehand.domain.collection import CollectionChange, CollectionPlaylist, ImportReport, PlaylistKind
from cratehand.domain.fields import Field
from cratehand.domain.ids import ContentDigest, ForeignId
from cratehand.domain.job import JobKind, JobState, Priority
from cratehand.domain.provenance import PERSON, Source, SourceKind
from cratehand.domain.search import TrackFilter
from cratehand.domain.track import Presence
from tests.bench.catalogue import synthetic_collection
from tests.unit.catalogue.building import (  # fmt: skip
    ANALYSIS,
    REKORDBOX,
    STAMP,
    TAGS,
    a_cue,
    a_fact,
    a_row,
    a_track,
    everything,
    ids,
    some,
    track_id,
)

XML = Source(kind=SourceKind.REKORDBOX, name="xml")
NEW_ID = ids(5)
_clock = iter(range(1000, 100_000))


def apply(
    catalogue: SqliteCatalogue, change: CollectionChange, *, source: Source = REKORDBOX, at_s: float | None = None
) -> ImportReport:
    with catalogue.writing() as stores:
        when = float(next(_clock)) if at_s is None else at_s
        return stores.collection.apply(change, source=source, at_s=when, new_id=NEW_ID)


def values_of(catalogue: SqliteCatalogue, collection_id: int, field: Field) -> list[object]:
    with catalogue.reading() as stores:
        track = stores.tracks.by_collection_id(ForeignId(str(collection_id)))
        assert track is not None
        return [fact.value for fact in stores.facts.facts(track.id, field=field)]


def believed(catalogue: SqliteCatalogue, collection_id: int, field: Field) -> object:
    with catalogue.reading() as stores:
        track = stores.tracks.by_collection_id(ForeignId(str(collection_id)))
        assert track is not None
        winner = believe(stores.facts.facts(track.id, field=field))
        summary = stores.tracks.summary(track.id)
        assert winner is None or getattr(summary, field.value) == winner.value
        return None if winner is None else winner.value


def a_list(
    number: int, *entries: int, kind: PlaylistKind = PlaylistKind.PLAYLIST, parent: int | None = None, name: str = ""
) -> CollectionPlaylist:
    return CollectionPlaylist(
        id=ForeignId(str(number)),
        name=name or f"List {number}",
        kind=kind,
        position=number,
        parent_id=None if parent is None else ForeignId(str(parent)),
        entries=tuple(ForeignId(str(entry)) for entry in entries),
    )


def test_a_first_import_brings_tracks_facts_cues_and_playlists(catalogue: SqliteCatalogue) -> None:
    row = a_row(1, title="T", year=2001, tempo_bpm=126.0, cues=(a_cue(1.0, pad=0), a_cue(2.0)))
    folder = a_list(10, kind=PlaylistKind.FOLDER)
    report = apply(
        catalogue, everything(row, a_row(2), playlists=[a_list(11, 2, 1, 2, 99, parent=10), folder], mark={"usn": 7})
    )
    assert (len(report.added), report.changed, report.removed, report.cues, report.playlists) == (2, (), (), 2, 2)
    with catalogue.reading() as stores:
        track = stores.tracks.by_path(Path("/music/1.mp3"))
        other = stores.tracks.by_collection_id(ForeignId("2"))
        assert track is not None
        assert other is not None
        assert (track.presence, track.collection_id) == (Presence.OFFLINE, "1")
        summary = stores.tracks.summary(track.id)
        assert summary is not None
        assert (summary.title, summary.year, summary.tempo_bpm) == ("T", 2001, 126.0)
        facts = stores.facts.facts(track.id)
        assert {fact.source for fact in facts} == {REKORDBOX}
        assert len({fact.at_s for fact in facts}) == 1
        assert [cue.start_s for cue in stores.cues.cues(track.id)] == [1.0, 2.0]
        parent, child = stores.playlists.all()
        assert (parent.kind, child.parent_id, child.origin) == (PlaylistKind.FOLDER, parent.id, "rekordbox")
        assert child.entries == (other.id, track.id, other.id)
        assert stores.collection.mark(REKORDBOX) == {"usn": 7}
        assert stores.collection.mark(XML) is None


def test_the_same_import_again_changes_nothing(catalogue: SqliteCatalogue) -> None:
    change = synthetic_collection(60, cues=240, playlists=4)
    assert len(apply(catalogue, change).added) == 60
    with catalogue.reading() as stores:
        before = [stores.facts.facts(known.track_id) for known in stores.tracks.known_files()]
        lists = stores.playlists.all()
    again = apply(catalogue, change, source=replace(REKORDBOX, version="8"))
    assert again == ImportReport()
    with catalogue.reading() as stores:
        assert before == [stores.facts.facts(known.track_id) for known in stores.tracks.known_files()]
        assert stores.playlists.all() == lists


def test_the_quick_way_of_a_first_import_shows_what_the_rule_believes(path: Path) -> None:
    catalogue = open_device(path)
    with catalogue.writing() as stores:
        stores.collection.apply(
            synthetic_collection(3000, cues=3000, playlists=2), source=REKORDBOX, at_s=1.0, new_id=ids()
        )
    catalogue.close()
    assert check(path) == []


def test_only_what_changed_is_said_again(catalogue: SqliteCatalogue) -> None:
    apply(catalogue, everything(a_row(1, title="A", rating=3), a_row(2, title="B")))
    report = apply(catalogue, some(a_row(1, title="A", rating=5)))
    assert (len(report.changed), report.added, report.removed) == (1, (), ())
    assert values_of(catalogue, 1, Field.RATING) == [3, 5]
    assert values_of(catalogue, 1, Field.TITLE) == ["A"]
    assert believed(catalogue, 1, Field.RATING) == 5


def test_what_the_collection_no_longer_says_is_believed_no_longer(catalogue: SqliteCatalogue) -> None:
    apply(catalogue, everything(a_row(1, comment="old", title="T")))
    with catalogue.writing() as stores:
        track = stores.tracks.by_collection_id(ForeignId("1"))
        assert track is not None
        stores.facts.record(track.id, [a_fact(Field.COMMENT, "from the tags", source=TAGS)])
    assert believed(catalogue, 1, Field.COMMENT) == "old"
    assert len(apply(catalogue, some(a_row(1, title="T"))).changed) == 1
    assert believed(catalogue, 1, Field.COMMENT) == "from the tags"
    assert apply(catalogue, some(a_row(1, title="T"))).changed == ()
    apply(catalogue, some(a_row(1, title="T", comment="old")))
    assert believed(catalogue, 1, Field.COMMENT) == "old"
    assert values_of(catalogue, 1, Field.COMMENT) == ["from the tags", "old", None, "old"]


def test_a_locked_grid_outweighs_a_measurement_until_it_is_unlocked(catalogue: SqliteCatalogue) -> None:
    apply(catalogue, everything(a_row(1, title="T", tempo_bpm=63.0)))
    with catalogue.writing() as stores:
        track = stores.tracks.by_collection_id(ForeignId("1"))
        assert track is not None
        stores.facts.record(track.id, [a_fact(Field.TEMPO_BPM, 126.0, source=ANALYSIS, at_s=5000.0)])
    assert believed(catalogue, 1, Field.TEMPO_BPM) == 126.0
    apply(catalogue, some(a_row(1, title="T", tempo_bpm=63.0, locked=True)))
    assert believed(catalogue, 1, Field.TEMPO_BPM) == 63.0
    with catalogue.reading() as stores:
        names = {fact.field: fact.source.name for fact in stores.facts.facts(track.id) if fact.value == 63.0}
        assert names == {Field.TEMPO_BPM: "master.db locked"}
        assert {fact.source.name for fact in stores.facts.facts(track.id, field=Field.TITLE)} == {"master.db"}
    assert apply(catalogue, some(a_row(1, title="T", tempo_bpm=63.0, locked=True))).changed == ()
    apply(catalogue, some(a_row(1, title="T", tempo_bpm=63.0)))
    assert believed(catalogue, 1, Field.TEMPO_BPM) == 126.0


def test_a_person_keeps_the_last_word_over_every_import(catalogue: SqliteCatalogue) -> None:
    apply(catalogue, everything(a_row(1, title="wrong")))
    with catalogue.writing() as stores:
        track = stores.tracks.by_collection_id(ForeignId("1"))
        assert track is not None
        stores.facts.record(track.id, [a_fact(Field.TITLE, "right", source=PERSON)])
    apply(catalogue, some(a_row(1, title="wrong again")))
    assert believed(catalogue, 1, Field.TITLE) == "right"


def test_a_clock_that_went_back_does_not_hide_a_change(catalogue: SqliteCatalogue) -> None:
    apply(catalogue, everything(a_row(1, title="A")), at_s=5000.0)
    apply(catalogue, some(a_row(1, title="B")), at_s=10.0)
    assert believed(catalogue, 1, Field.TITLE) == "B"


def test_a_known_file_becomes_the_collections_track_and_its_job_goes_on(catalogue: SqliteCatalogue) -> None:
    nfd = unicodedata.normalize("NFD", "/Musik/Öl.mp3")
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(1, path=nfd, stamp=STAMP)])
        stores.facts.record(track_id(1), [a_fact(Field.TITLE, "tag")])
        stores.jobs.enqueue(JobKind.ANALYSE, [track_id(1)], priority=Priority.FRESH, at_s=1.0, new_id=NEW_ID)
        (job,) = stores.jobs.claim(limit=1, at_s=1.0)
    report = apply(catalogue, everything(a_row(7, location=unicodedata.normalize("NFC", nfd), title="box")))
    assert (report.added, report.changed) == ((), (track_id(1),))
    with catalogue.writing() as stores:
        track = stores.tracks.get(track_id(1))
        assert track is not None
        assert (track.presence, str(track.path), track.collection_id) == (Presence.PRESENT, nfd, "7")
        stores.facts.record(track_id(1), [a_fact(Field.ENERGY, 5, source=ANALYSIS)])
        stores.jobs.finish(job.id, state=JobState.DONE, at_s=2.0)
    assert believed(catalogue, 7, Field.TITLE) == "box"


def test_a_catalogue_that_ignores_case_matches_without_it(path: Path) -> None:
    catalogue = open_device(path, ignore_case=True)
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(1, path="/Music/Song.mp3")])
    report = apply(catalogue, everything(a_row(7, location="/music/SONG.MP3")))
    with catalogue.reading() as stores:
        track = stores.tracks.by_collection_id(ForeignId("7"))
        assert report.added == ()
        assert track is not None
        assert track.path == Path("/Music/Song.mp3")
    catalogue.close()


def test_two_rows_of_one_file_are_two_tracks_and_the_first_has_the_path(catalogue: SqliteCatalogue) -> None:
    rows = [a_row(1, location="/music/x.mp3", title="A"), a_row(2, location="/music/x.mp3", title="B")]
    assert len(apply(catalogue, everything(*rows)).added) == 2
    assert apply(catalogue, everything(*rows)).changed == ()
    with catalogue.reading() as stores:
        first, second = (stores.tracks.by_collection_id(ForeignId(number)) for number in "12")
        assert first is not None
        assert first.path == Path("/music/x.mp3")
        assert second is not None
        assert second.path is None
    # When the first row goes the second is what the file is, with all that was known of it.
    apply(catalogue, everything(rows[1]))
    with catalogue.reading() as stores:
        second = stores.tracks.by_collection_id(ForeignId("2"))
        assert second is not None
        assert second.path == Path("/music/x.mp3")


def test_rows_without_a_location_or_with_a_foreign_one_are_tracks_too(catalogue: SqliteCatalogue) -> None:
    rows = [
        a_row(1, location=""),
        a_row(2, location=""),
        a_row(3, location="C:/Users/DJ/ü.mp3"),
        a_row(4, location="\0\udcff"),
    ]
    assert len(apply(catalogue, everything(*rows)).added) == 4
    assert apply(catalogue, everything(*rows)).changed == ()


def test_a_track_that_left_the_collection_keeps_its_facts_and_leaves_its_lists(catalogue: SqliteCatalogue) -> None:
    rows = [a_row(1, title="A", cues=(a_cue(1.0),)), a_row(2, title="B"), a_row(3)]
    apply(catalogue, everything(*rows, playlists=[a_list(9, 1, 2, 3)]))
    with catalogue.reading() as stores:
        gone = stores.tracks.by_collection_id(ForeignId("1"))
        assert gone is not None
    report = apply(catalogue, CollectionChange(full=False, deleted_tracks=[ForeignId("1"), ForeignId("77")]))
    assert report.removed == (gone.id,)
    assert len(apply(catalogue, everything(rows[1])).removed) == 1
    with catalogue.reading() as stores:
        track = stores.tracks.get(gone.id)
        assert track is not None
        assert track.collection_id is None
        assert [fact.value for fact in stores.facts.facts(gone.id)] == ["A"]
        assert len(stores.cues.cues(gone.id)) == 1
        assert len(stores.playlists.all()[0].entries) == 1
    # It comes back under a new row id and is the same track.
    assert apply(catalogue, some(a_row(50, location="/music/1.mp3", title="A"))).added == ()
    with catalogue.reading() as stores:
        back = stores.tracks.by_collection_id(ForeignId("50"))
        assert back is not None
        assert back.id == gone.id


def test_a_row_that_got_a_new_id_in_one_read_stays_the_same_track(catalogue: SqliteCatalogue) -> None:
    added = apply(catalogue, everything(a_row(1, title="A"))).added
    report = apply(catalogue, everything(a_row(2, location="/music/1.mp3", title="A")))
    assert (report.added, report.removed, report.changed) == ((), (), added)


def test_a_relocated_row_follows_its_file(catalogue: SqliteCatalogue) -> None:
    (track,) = apply(catalogue, everything(a_row(1, title="A"))).added
    apply(catalogue, some(a_row(1, location="/else/new name.mp3", title="A")))
    with catalogue.reading() as stores:
        moved = stores.tracks.get(track)
        assert moved is not None
        assert moved.path == Path("/else/new name.mp3")
        assert moved.presence is Presence.OFFLINE
        assert stores.tracks.matching_ids(TrackFilter(text="new name")) == [track]


def test_a_file_that_we_found_elsewhere_stays_found_though_the_collection_lags(catalogue: SqliteCatalogue) -> None:
    (track,) = apply(catalogue, everything(a_row(1, rating=1))).added
    with catalogue.writing() as stores:
        stores.tracks.place(track, path=Path("/moved/1.mp3"), stamp=STAMP, presence=Presence.PRESENT)
    apply(catalogue, some(a_row(1, rating=2)))
    with catalogue.reading() as stores:
        found = stores.tracks.get(track)
        assert found is not None
        assert (found.path, found.presence) == (Path("/moved/1.mp3"), Presence.PRESENT)


def test_a_row_relocated_to_a_file_that_we_know_becomes_one_track_with_it(catalogue: SqliteCatalogue) -> None:
    (track,) = apply(catalogue, everything(a_row(1, title="A"))).added
    with catalogue.writing() as stores:
        stores.facts.record(track, [a_fact(Field.GENRE, "mine", source=PERSON)])
        stores.tracks.add([a_track(1, path="/new/1.flac", stamp=STAMP, digest="d", analysed_at_s=3.0)])
        stores.facts.record(track_id(1), [a_fact(Field.ENERGY, 6, source=ANALYSIS)])
    report = apply(catalogue, some(a_row(1, location="/new/1.flac", title="A")))
    assert (report.added, report.changed) == ((), (track,))
    with catalogue.reading() as stores:
        assert stores.tracks.get(track_id(1)) is None
        one, summary = stores.tracks.get(track), stores.tracks.summary(track)
        assert one is not None
        assert summary is not None
        assert (one.path, one.stamp, one.digest, one.presence) == (
            Path("/new/1.flac"), STAMP, ContentDigest("d"), Presence.PRESENT,
        )  # fmt: skip
        assert (summary.genre, summary.energy, summary.title) == ("mine", 6, "A")


def test_two_rows_may_swap_their_files(catalogue: SqliteCatalogue) -> None:
    first, second = apply(catalogue, everything(a_row(1), a_row(2))).added
    apply(catalogue, everything(a_row(1, location="/music/2.mp3"), a_row(2, location="/music/1.mp3")))
    with catalogue.reading() as stores:
        paths = [track.path for track in map(stores.tracks.get, (first, second)) if track]
        assert paths == [Path("/music/2.mp3"), Path("/music/1.mp3")]


def test_cues_and_playlists_follow_the_collection_and_keep_their_ids(catalogue: SqliteCatalogue) -> None:
    (track,) = apply(catalogue, everything(a_row(1, cues=(a_cue(1.0),)), playlists=[a_list(9, 1), a_list(8)])).added
    with catalogue.writing() as stores:
        before = {playlist.foreign_id: playlist.id for playlist in stores.playlists.all()}
        stores.cues.replace(track, [a_cue(50.0)], origin="cratehand")
    report = apply(catalogue, some(a_row(1, cues=(a_cue(3.0, pad=1),)), playlists=[a_list(9, 1, 1, name="New")]))
    assert (report.changed, report.cues, report.playlists) == ((track,), 1, 2)
    with catalogue.reading() as stores:
        assert [cue.start_s for cue in stores.cues.cues(track)] == [3.0, 50.0]
        (kept,) = stores.playlists.all()
        assert (kept.id, kept.name, kept.entries) == (before[ForeignId("9")], "New", (track, track))
        assert stores.playlists.names_of(track) == ["New"]


def test_one_collection_does_not_take_the_rows_and_lists_of_another(catalogue: SqliteCatalogue) -> None:
    apply(catalogue, everything(a_row(1, title="A"), a_row(2), playlists=[a_list(9, 1)]))
    foreign = everything(a_row(1, location="/music/2.mp3", title="X"), a_row(5), playlists=[a_list(9, 1)])
    report = apply(catalogue, foreign, source=XML)
    assert (len(report.added), report.removed) == (1, ())
    with catalogue.reading() as stores:
        assert len(stores.playlists.all()) == 2
    assert believed(catalogue, 1, Field.TITLE) == "A"
    assert believed(catalogue, 2, Field.TITLE) == "X"
    assert apply(catalogue, everything(a_row(1, title="A"), a_row(2), playlists=[a_list(9, 1)])).changed == ()


def test_a_value_that_is_no_fact_is_left_out_and_the_rest_comes(
    catalogue: SqliteCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    apply(catalogue, everything(a_row(1, title="T", year="nineteen", tempo_bpm=float("nan"), artist="", comment=None)))
    assert believed(catalogue, 1, Field.TITLE) == "T"
    assert values_of(catalogue, 1, Field.YEAR) == values_of(catalogue, 1, Field.ARTIST) == []
    assert "year" in caplog.text
    assert "tempo_bpm" in caplog.text


def test_a_row_twice_in_one_read_counts_once(catalogue: SqliteCatalogue) -> None:
    assert len(apply(catalogue, everything(a_row(1, title="A"), a_row(1, title="B"))).added) == 1
    assert believed(catalogue, 1, Field.TITLE) == "B"

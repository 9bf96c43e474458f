import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cratehand.catalogue import SqliteCatalogue, open_device
from cratehand.domain.embedding import EmbeddingSpace
from cratehand.domain.errors import ConflictError, InvalidInputError, NotFoundError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ContentDigest, ForeignId, TrackId
from cratehand.domain.job import JobKind, JobState, Priority
from cratehand.domain.search import TrackFilter
from cratehand.domain.track import FileStamp, Presence
from tests.unit.catalogue.building import STAMP, a_cue, a_fact, a_track, ids, track_id


def test_a_track_comes_back_as_it_was_added(catalogue: SqliteCatalogue) -> None:
    huge = FileStamp(size_bytes=2**63, mtime_ns=2**64, ctime_ns=-5, inode=2**64 - 1)
    track = a_track(
        stamp=huge,
        digest="pcm:12",
        collection_id="77",
        analysed_at_s=4.5,
        error="cut \udcff off",
        presence=Presence.MISSING,
    )
    with catalogue.writing() as stores:
        stores.tracks.add([track, a_track(2, presence=Presence.OFFLINE)])
    with catalogue.reading() as stores:
        assert stores.tracks.get(track.id) == replace(track, error="cut \\udcff off")
        assert stores.tracks.by_digest(ContentDigest("pcm:12"))[0].id == track.id
        found = stores.tracks.by_collection_id(ForeignId("77"))
        assert found is not None
        assert found.id == track.id


@pytest.mark.parametrize("text", ["nonsense", "", "0" * 15, "g" * 16, "0x00000000000000", "+000000000000001"])
def test_what_is_no_id_names_no_track(catalogue: SqliteCatalogue, text: str) -> None:
    with catalogue.writing() as stores:
        assert stores.tracks.get(TrackId(text)) is None
        assert stores.tracks.summaries([TrackId(text)]) == []
        with pytest.raises(NotFoundError):
            stores.facts.record(TrackId(text), [a_fact(Field.TITLE, "x")])


@pytest.mark.parametrize(
    "name",
    ["café.mp3", "'&#%().mp3", "日本 😀.mp3", "a\nb.mp3", "x" * 250 + ".mp3", "odd\udcff\udc80.mp3", "bytes:00.mp3"],
)
def test_a_path_survives_byte_for_byte(catalogue: SqliteCatalogue, name: str) -> None:
    track = a_track(path=f"/music/{name}")
    with catalogue.writing() as stores:
        stores.tracks.add([track])
    with catalogue.reading() as stores:
        found = stores.tracks.by_path(Path(f"/music/{name}"))
        assert found is not None
        assert found.path == track.path
        assert [known.path for known in stores.tracks.known_files(under=Path("/music"))] == [track.path]


def test_nfc_and_nfd_are_one_path_and_the_first_spelling_stays(catalogue: SqliteCatalogue) -> None:
    nfd = unicodedata.normalize("NFD", "/music/Bäß é.mp3")
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(path=nfd)])
    with catalogue.writing() as stores:
        found = stores.tracks.by_path(Path(unicodedata.normalize("NFC", nfd)))
        assert found is not None
        assert str(found.path) == nfd
        with pytest.raises(ConflictError):
            stores.tracks.add([a_track(2, path=unicodedata.normalize("NFC", nfd))])


def test_case_makes_a_difference_only_where_file_systems_say_so(tmp_path: Path) -> None:
    for ignore_case in (False, True):
        catalogue = open_device(tmp_path / f"{ignore_case}.db", ignore_case=ignore_case)
        with catalogue.writing() as stores:
            stores.tracks.add([a_track(path="/Music/Ä.MP3")])
        catalogue.close()
        # The choice belongs to the catalogue, not to the machine that opens it later.
        with open_device(catalogue.path, ignore_case=not ignore_case).reading() as stores:
            assert (stores.tracks.by_path(Path("/music/ä.mp3")) is not None) is ignore_case


def test_a_present_track_keeps_its_path_and_a_missing_one_gives_it_up(catalogue: SqliteCatalogue) -> None:
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(1)])
    with pytest.raises(ConflictError, match=r"/music/1\.mp3"), catalogue.writing() as stores:
        stores.tracks.add([a_track(2, path="/music/1.mp3")])
    with catalogue.writing() as stores:
        stores.tracks.set_presence([track_id(1)], Presence.MISSING)
        stores.tracks.add([a_track(2, path="/music/1.mp3")])
    with catalogue.reading() as stores:
        old, new = stores.tracks.get(track_id(1)), stores.tracks.get(track_id(2))
        assert old is not None
        assert old.path is None
        assert new is not None
        assert new.path == Path("/music/1.mp3")


def test_two_new_tracks_can_not_share_a_path(catalogue: SqliteCatalogue) -> None:
    with pytest.raises(ConflictError), catalogue.writing() as stores:
        stores.tracks.add([a_track(1), a_track(2, path="/music/1.mp3")])
    with pytest.raises(ConflictError), catalogue.writing() as stores:
        stores.tracks.add([a_track(1), a_track(1, path="/music/other.mp3")])


def test_a_moved_file_is_found_under_its_new_place_and_name(catalogue: SqliteCatalogue) -> None:
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(1), a_track(2)])
        stores.tracks.place(track_id(1), path=Path("/else/renamed.mp3"), stamp=STAMP, presence=Presence.PRESENT)
        with pytest.raises(ConflictError):
            stores.tracks.place(track_id(1), path=Path("/music/2.mp3"), stamp=STAMP, presence=Presence.PRESENT)
        with pytest.raises(NotFoundError):
            stores.tracks.place(track_id(9), path=Path("/music/9.mp3"), stamp=STAMP, presence=Presence.PRESENT)
    with catalogue.reading() as stores:
        assert stores.tracks.matching_ids(TrackFilter(text="renamed")) == [track_id(1)]
        assert [known.path for known in stores.tracks.known_files(under=Path("/else"))] == [Path("/else/renamed.mp3")]
        assert stores.tracks.by_path(Path("/music/1.mp3")) is None


def test_under_a_folder_means_under_it_and_not_beside_it(catalogue: SqliteCatalogue) -> None:
    with catalogue.writing() as stores:
        stores.tracks.add(
            [a_track(1, path="/music/a/1.mp3"), a_track(2, path="/music/ab/2.mp3"), a_track(3, path="/x.mp3")]
        )
    with catalogue.reading() as stores:
        assert [known.track_id for known in stores.tracks.known_files(under=Path("/music/a"))] == [track_id(1)]
        assert len(stores.tracks.known_files(under=Path("/"))) == 3


def test_unread_are_the_present_ones_that_nobody_works_on(catalogue: SqliteCatalogue) -> None:
    with catalogue.writing() as stores:
        stores.tracks.add(
            [
                a_track(1),
                a_track(2, stamp=STAMP, analysed_at_s=2.0),
                a_track(3, analysed_at_s=2.0),
                a_track(4, presence=Presence.OFFLINE),
                a_track(5, stamp=STAMP, error="cut off"),
                a_track(6),
                a_track(7, stamp=STAMP),
            ]
        )
        stores.jobs.enqueue(JobKind.ANALYSE, [track_id(6)], priority=Priority.FRESH, at_s=1.0, new_id=ids())
        assert stores.tracks.unread() == [track_id(1), track_id(3), track_id(7)]
        (job,) = stores.jobs.claim(limit=1, at_s=2.0)
        stores.jobs.finish(job.id, state=JobState.CANCELLED, at_s=2.0)
        assert track_id(6) in stores.tracks.unread()


def test_a_reading_keeps_what_it_does_not_state(catalogue: SqliteCatalogue) -> None:
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(1, digest="pcm:1", analysed_at_s=5.0)])
        stores.tracks.set_reading(track_id(1), stamp=STAMP, digest=None, analysed_at_s=None, error="locked")
        track = stores.tracks.get(track_id(1))
        assert track is not None
        assert (track.digest, track.analysed_at_s, track.stamp, track.error) == ("pcm:1", 5.0, STAMP, "locked")
        with pytest.raises(NotFoundError):
            stores.tracks.set_reading(track_id(2), stamp=None, digest=None, analysed_at_s=None, error=None)


def test_counts_and_lost_digests(catalogue: SqliteCatalogue) -> None:
    with catalogue.writing() as stores:
        assert stores.tracks.counts() == dict.fromkeys(
            ["total", "present", "missing", "offline", "analysed", "failed"], 0
        )
        stores.tracks.add([a_track(1, analysed_at_s=1.0), a_track(2, presence=Presence.MISSING), a_track(3, error="e")])
        assert not stores.tracks.has_missing_with_digest()
        stores.tracks.set_reading(track_id(2), stamp=None, digest=ContentDigest("d"), analysed_at_s=None, error=None)
        assert stores.tracks.has_missing_with_digest()
        assert stores.tracks.counts() == {
            "total": 3, "present": 2, "missing": 1, "offline": 0, "analysed": 1, "failed": 1,
        }  # fmt: skip


def test_ids_are_found_by_how_they_begin(catalogue: SqliteCatalogue) -> None:
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(number) for number in (0xA1 << 56, 0xA2 << 56, 0x1 << 56)])
        assert stores.tracks.by_id_prefix("A") == ["a100000000000000", "a200000000000000"]
        assert stores.tracks.by_id_prefix("a2") == ["a200000000000000"]
        assert len(stores.tracks.by_id_prefix("")) == 3
        assert stores.tracks.by_id_prefix("x") == stores.tracks.by_id_prefix("a" * 17) == []


def test_a_removed_track_leaves_nothing_behind(catalogue: SqliteCatalogue) -> None:
    space = EmbeddingSpace(model="m", version="1", dimension=2)
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(1)])
        stores.facts.record(track_id(1), [a_fact(Field.TITLE, "x")])
        stores.cues.replace(track_id(1), [a_cue(1.0)], origin="rekordbox")
        stores.jobs.enqueue(JobKind.ANALYSE, [track_id(1)], priority=Priority.FRESH, at_s=1.0, new_id=ids())
        stores.vectors.put(space, track_id(1), np.ones(2, np.float32))
        stores.tracks.remove([track_id(1)])
        assert stores.facts.facts(track_id(1)) == []
        assert stores.cues.cues(track_id(1)) == []
        assert stores.jobs.list() == []
        assert stores.vectors.count(space) == 0
        assert stores.tracks.summary(track_id(1)) is None


def test_absorbing_moves_everything_and_loses_nothing(catalogue: SqliteCatalogue) -> None:
    space = EmbeddingSpace(model="m", version="1", dimension=2)
    with catalogue.writing() as stores:
        stores.tracks.add(
            [a_track(1, presence=Presence.MISSING, collection_id="5"), a_track(2, stamp=STAMP, digest="d")]
        )
        stores.facts.record(track_id(1), [a_fact(Field.TITLE, "old", at_s=1.0), a_fact(Field.GENRE, "House")])
        stores.facts.record(track_id(2), [a_fact(Field.TITLE, "new", at_s=2.0), a_fact(Field.GENRE, "House")])
        stores.cues.replace(track_id(1), [a_cue(1.0, pad=0)], origin="rekordbox")
        stores.cues.replace(track_id(2), [a_cue(1.0, pad=0), a_cue(9.0)], origin="rekordbox")
        stores.vectors.put(space, track_id(2), np.ones(2, np.float32))
        jobs = stores.jobs.enqueue(
            JobKind.ANALYSE, [track_id(1), track_id(2)], priority=Priority.FRESH, at_s=1.0, new_id=ids()
        )
        stores.tracks.absorb(track_id(1), track_id(2))
    with catalogue.reading() as stores:
        keeper = stores.tracks.get(track_id(1))
        assert keeper is not None
        assert stores.tracks.get(track_id(2)) is None
        assert (keeper.path, keeper.presence, keeper.digest) == (Path("/music/2.mp3"), Presence.PRESENT, "d")
        assert keeper.collection_id == "5"
        assert [fact.value for fact in stores.facts.facts(track_id(1), field=Field.TITLE)] == ["old", "new"]
        summary = stores.tracks.summary(track_id(1))
        assert summary is not None
        assert (summary.title, summary.genre) == ("new", "House")
        assert [cue.start_s for cue in stores.cues.cues(track_id(1))] == [1.0, 9.0]
        assert stores.vectors.get(space, track_id(1)) is not None
        states = {job.state for job in (stores.jobs.get(job.id) for job in jobs) if job}
        assert states == {JobState.QUEUED, JobState.CANCELLED}


def test_a_track_can_not_absorb_itself(catalogue: SqliteCatalogue) -> None:
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(1)])
        with pytest.raises(InvalidInputError):
            stores.tracks.absorb(track_id(1), track_id(1))
        with pytest.raises(NotFoundError):
            stores.tracks.absorb(track_id(1), track_id(2))


def test_a_row_of_the_collection_belongs_to_one_track(catalogue: SqliteCatalogue) -> None:
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(1), a_track(2)])
        stores.tracks.set_collection_id(track_id(1), ForeignId("5"))
        with pytest.raises(ConflictError):
            stores.tracks.set_collection_id(track_id(2), ForeignId("5"))
        stores.tracks.set_collection_id(track_id(1), None)
        stores.tracks.set_collection_id(track_id(2), ForeignId("5"))

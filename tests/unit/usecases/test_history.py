"""A plan is applied once, and undone exactly."""

from pathlib import Path

import pytest

from cratehand.audio.tags import MutagenTags
from cratehand.domain.cue import Cue, CueKind
from cratehand.domain.errors import ConflictError, NotFoundError
from cratehand.domain.fields import Field
from cratehand.domain.ids import PlaylistId
from cratehand.domain.job import JobKind, JobState
from cratehand.domain.plan_record import PlanState
from cratehand.domain.provenance import PERSON, Fact
from tests.fakes.swaps import CUES, GRID, OFFSET_S, REKORDBOX, TRACK, Crate, make_crate

NAMES = [
    pytest.param("music/a.mp3", "inbox/b.flac", id="other ending"),
    pytest.param("music/a.flac", "inbox/b.flac", id="same ending"),
    pytest.param("music/a.mp3", "music/a.flac", id="landed under the new name"),
    pytest.param("music/a.wav", "inbox/b.aiff", id="aiff"),
    pytest.param("music/a.m4a", "inbox/b.wav", id="wav"),
    pytest.param("music/a.mp3", "inbox/b.m4a", id="m4a"),
    pytest.param("music/a.ogg", "inbox/b.opus", id="opus"),
]


@pytest.mark.parametrize("links", [True, False], ids=["one disk", "two disks"])
@pytest.mark.parametrize(("current", "landed"), NAMES)
def test_applied_and_undone_all_is_as_it_was(tmp_path: Path, current: str, landed: str, links: bool) -> None:
    crate = make_crate(tmp_path, current=current, landed=landed, links=links)
    files, rows = crate.music(), crate.rows()
    plan = crate.upgrade()
    sound = crate.files.state(crate.landed).digest
    done = crate.history().apply(plan.id, who="dj")
    target = plan.steps[0].target  # type: ignore[union-attr]
    assert done.state is PlanState.APPLIED
    assert list(crate.music()) == [str(target.relative_to(tmp_path))]
    assert crate.files.state(target).digest == sound
    assert crate.rows() != rows
    crate.history().undo(plan.id, who="dj")
    assert crate.plan().state is PlanState.UNDONE
    assert crate.music() == files
    assert crate.rows() == rows
    assert not list(crate.trash.iterdir())


def test_what_has_a_place_in_time_moves_by_the_offset(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    crate.history().apply(crate.upgrade().id, who="dj")
    with crate.catalogue.reading() as stores:
        cues = stores.cues.cues(TRACK)
        track = stores.tracks.get(TRACK)
        grids = [fact.value for fact in stores.facts.facts(TRACK, field=Field.BEAT_GRID) if fact.source == REKORDBOX]
        jobs = stores.jobs.list(states=[JobState.QUEUED])
        names = stores.playlists.names_of(TRACK)
        loudness = stores.facts.believed([TRACK], Field.LOUDNESS)
        rating = stores.facts.believed([TRACK], Field.RATING)[TRACK].value
    assert [(cue.start_s, cue.end_s) for cue in cues] == [
        (cue.start_s + OFFSET_S, None if cue.end_s is None else cue.end_s + OFFSET_S) for cue in CUES
    ]
    assert grids == [GRID.shifted(OFFSET_S)]
    assert track is not None
    assert track.path == tmp_path / "music/Artist - Title.flac"
    assert track.analysed_at_s is None
    assert [(job.kind, job.track_id) for job in jobs] == [(JobKind.ANALYSE, TRACK)]
    assert names == ["Set", "cratehand upgraded"]
    assert loudness == {}
    assert rating == 4


def test_the_old_files_tags_win_and_the_new_ones_fill_the_gaps(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    crate.history().apply(crate.upgrade().id, who="dj")
    tags = MutagenTags().tags(tmp_path / "music/Artist - Title.flac")
    assert tags[Field.TITLE] == "Title"
    assert tags[Field.COMMENT] == "mine"
    assert tags[Field.ALBUM] == "Album"


def test_a_plan_is_applied_once(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    plan = crate.upgrade()
    crate.history().apply(plan.id, who="dj")
    with pytest.raises(ConflictError, match="is applied"):
        crate.history().apply(plan.id, who="dj")
    crate.history().undo(plan.id, who="dj")
    with pytest.raises(ConflictError, match="is undone"):
        crate.history().apply(plan.id, who="dj")
    with pytest.raises(ConflictError, match="is undone"):
        crate.history().undo(plan.id, who="dj")


def test_a_plan_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    crate.upgrade("bbbb000000000001")
    assert crate.history().find("bbbb").id == "bbbb000000000001"
    crate.upgrade("bbbb000000000002")
    with pytest.raises(ConflictError, match="2 plan ids"):
        crate.history().find("bbbb")
    with pytest.raises(NotFoundError, match="no plan"):
        crate.history().find("ffff")


@pytest.mark.parametrize("which", ["current", "landed"])
@pytest.mark.parametrize("how", ["grew", "vanished"])
def test_a_file_that_changed_since_makes_the_plan_void(tmp_path: Path, which: str, how: str) -> None:
    crate = make_crate(tmp_path)
    plan = crate.upgrade()
    path = getattr(crate, which)
    if how == "grew":
        with path.open("ab") as file:
            file.write(b"more")
    else:
        path.unlink()
    files, rows = crate.music(), crate.rows()
    with pytest.raises(ConflictError, match="void"):
        crate.history().apply(plan.id, who="dj")
    assert crate.plan().state is PlanState.STALE
    assert (crate.music(), crate.rows()) == (files, rows)


def test_a_taken_name_is_never_overwritten(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    plan = crate.upgrade()
    other = crate.current.with_suffix(".flac")
    other.write_bytes(b"something else")
    files = crate.music()
    with pytest.raises(ConflictError, match="nothing is overwritten"):
        crate.history().apply(plan.id, who="dj")
    assert crate.music() == files
    assert crate.plan().state is PlanState.OPEN


def test_undoing_keeps_what_others_changed_since(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    before = crate.rows()
    plan = crate.upgrade()
    crate.history().apply(plan.id, who="dj")
    added = Cue(kind=CueKind.HOT, start_s=0.625 + OFFSET_S, pad=2, label="new")
    with crate.catalogue.writing() as stores:
        stores.cues.replace(TRACK, [*stores.cues.cues(TRACK), added], origin="rekordbox")
        stores.facts.record(TRACK, [Fact(field=Field.COMMENT, value="later", source=PERSON, at_s=2e9)])
        (one, *_) = [each for each in stores.playlists.all() if each.name == "Set"]
        stores.playlists.save(
            type(one)(id=PlaylistId("cccc000000000002"), name="Other", kind=one.kind, entries=(TRACK,))
        )
    crate.history().undo(plan.id, who="dj")
    with crate.catalogue.reading() as stores:
        cues = {cue.label: cue.start_s for cue in stores.cues.cues(TRACK)}
        comment = stores.facts.believed([TRACK], Field.COMMENT)[TRACK].value
        names = stores.playlists.names_of(TRACK)
    assert cues == pytest.approx({"A": 0.25, "loop": 0.5, "": 0.125, "new": 0.625})
    assert comment == "later"
    assert sorted(names) == ["Other", "Set"]
    assert [row for row in crate.rows()["facts"] if row in before["facts"]] == before["facts"]


def _retag(crate: Crate, path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0")


def test_what_stands_in_the_way_of_undoing_is_named(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    plan = crate.upgrade()
    crate.history().apply(plan.id, who="dj")
    target = tmp_path / "music/Artist - Title.flac"
    good = target.read_bytes()
    _retag(crate, target)
    with pytest.raises(ConflictError, match="changed since by another program"):
        crate.history().undo(plan.id, who="dj")
    target.write_bytes(good)
    crate.current.write_bytes(b"another one")
    with pytest.raises(ConflictError, match="taken by another file"):
        crate.history().undo(plan.id, who="dj")
    crate.current.unlink()
    kept = next((crate.trash / plan.id / "old").iterdir())
    kept.rename(tmp_path / "kept")
    with pytest.raises(ConflictError, match="not in the trash any more"):
        crate.history().undo(plan.id, who="dj")
    (tmp_path / "kept").rename(kept)
    assert crate.history().undo(plan.id, who="dj").state is PlanState.UNDONE


def test_plans_on_one_file_are_undone_in_the_reverse_order(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    files = crate.music()
    first = crate.upgrade("bbbb000000000001")
    crate.history().apply(first.id, who="dj")
    crate.clock.wind(1)
    swapped = crate.music()
    second = crate.tags_plan(tmp_path / "music/Artist - Title.flac", "bbbb000000000002", tempo_bpm="126", key="Am")
    crate.history().apply(second.id, who="dj")
    tags = MutagenTags().tags(tmp_path / "music/Artist - Title.flac")
    assert (tags[Field.TEMPO_BPM], str(tags[Field.KEY])) == (126.0, "A minor")
    with pytest.raises(ConflictError, match=second.id):
        crate.history().undo(first.id, who="dj")
    crate.history().undo(second.id, who="dj")
    assert crate.music() == swapped
    crate.history().undo(first.id, who="dj")
    assert crate.music() == files


def test_the_trash_is_emptied_after_its_time(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    plan = crate.upgrade()
    crate.history().apply(plan.id, who="dj")
    assert crate.history().empty_trash(older_than_s=60.0) == 0
    crate.clock.wind(61.0)
    assert crate.history().empty_trash(older_than_s=60.0) == 1
    assert crate.history().empty_trash(older_than_s=60.0) == 0
    with pytest.raises(ConflictError, match="not in the trash"):
        crate.history().undo(plan.id, who="dj")


def test_the_history_lists_what_was_applied(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    plan = crate.upgrade()
    assert not crate.history().list()
    crate.history().apply(plan.id, who="dj")
    (entry,) = crate.history().list()
    assert (entry.id, entry.who, entry.kind.value, entry.undone_at_s) == (plan.id, "dj", "upgrade", None)
    crate.history().undo(plan.id, who="dj")
    (entry,) = crate.history().list()
    assert entry.undone_at_s is not None

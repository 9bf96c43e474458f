"""Corrections and playlists stand in the history with before and after, and come back exactly."""

from pathlib import Path

import pytest

from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.errors import ConflictError
from cratehand.domain.fields import Field
from cratehand.domain.ids import PlaylistId, TrackId
from cratehand.domain.plan_record import PlanKind, PlanRecord, PlanState
from cratehand.domain.provenance import PERSON, Fact
from cratehand.usecases.library import Library
from cratehand.usecases.plan_playlists import change_playlists, remove_playlist
from tests.fakes.swaps import TRACK, Crate, make_crate

FOLDER, ONE = PlaylistId("dddd000000000001"), PlaylistId("dddd000000000002")


def library(crate: Crate, ids: str = "eeee") -> Library:
    numbers = iter(range(1, 100))
    return Library(
        crate.catalogue,
        clock=crate.clock,
        new_id=lambda: f"{ids}{next(numbers):012x}",
        publish=crate.published.append,
    )


def believed(crate: Crate) -> dict[Field, object]:
    with crate.catalogue.reading() as stores:
        return {
            field: stores.facts.believed([TRACK], field)[TRACK].value
            for field in Field
            if TRACK in stores.facts.believed([TRACK], field)
        }


def believed_rows(crate: Crate) -> list[tuple[object, ...]]:
    return crate.rows()["believed"]


def changes(plan: PlanRecord) -> list[tuple[str, str, str]]:
    return [(each.what, each.before, each.after) for each in plan.plan.changes]


def test_a_correction_is_listed_with_before_and_after_and_taken_back(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    known, rows = believed(crate), believed_rows(crate)
    library(crate).correct(TRACK, {"rating": "5", "title": "Mine", "first_downbeat": "0.4"}, who="dj")
    (plan,) = crate.history().list()
    assert (plan.kind, plan.who, plan.state, plan.track_id) == (PlanKind.CORRECTION, "dj", PlanState.APPLIED, TRACK)
    assert changes(plan)[:2] == [("set rating", "4", "5"), ("set title", '"Title"', '"Mine"')]
    assert believed(crate)[Field.TITLE] == "Mine"
    crate.clock.wind(1)
    assert crate.history().undo(plan.id, who="dj").state is PlanState.UNDONE
    assert believed(crate) == known
    assert believed_rows(crate) == rows
    (plan,) = crate.history().list()
    assert plan.undone_at_s is not None


def test_corrections_of_one_field_go_back_in_reverse_order_those_of_others_in_any(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    mine = library(crate)
    for values in ({"title": "first"}, {"title": "second"}, {"artist": "other"}):
        mine.correct(TRACK, values)
        crate.clock.wind(1)
    artist, second, first = crate.history().list()
    with pytest.raises(ConflictError, match=f"{second.id} .* undo that first"):
        crate.history().undo(first.id, who="dj")
    crate.history().undo(second.id, who="dj")
    assert believed(crate)[Field.TITLE] == "first"
    crate.history().undo(first.id, who="dj")
    assert (believed(crate)[Field.TITLE], believed(crate)[Field.ARTIST]) == ("Title", "other")
    assert crate.plan(artist.id).state is PlanState.APPLIED


def test_a_word_that_came_from_elsewhere_since_is_not_lost(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    library(crate).correct(TRACK, {"title": "Mine"})
    (plan,) = crate.history().list()
    with crate.catalogue.writing() as stores:
        word = Fact(field=Field.TITLE, value="theirs", source=PERSON, at_s=crate.clock.now_s() + 10)
        stores.facts.record(TRACK, [word])
    with pytest.raises(ConflictError, match=r"title .*changed since, to 'theirs'"):
        crate.history().undo(plan.id, who="dj")
    assert believed(crate)[Field.TITLE] == "theirs"


def test_a_swap_of_the_file_stands_in_the_way_of_times_only(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    grid_before = believed(crate)[Field.BEAT_GRID]
    mine = library(crate)
    mine.correct(TRACK, {"title": "Mine"})
    crate.clock.wind(1)
    mine.correct(TRACK, {"first_downbeat": "0.4"})
    crate.clock.wind(1)
    upgrade = crate.upgrade()
    crate.history().apply(upgrade.id, who="dj")
    _, grid, title = crate.history().list()
    assert crate.history().undo(title.id, who="dj").state is PlanState.UNDONE
    with pytest.raises(ConflictError, match=r"beat_grid .*changed since"):
        crate.history().undo(grid.id, who="dj")
    crate.history().undo(upgrade.id, who="dj")
    assert crate.history().undo(grid.id, who="dj").state is PlanState.UNDONE
    assert believed(crate)[Field.BEAT_GRID] == grid_before


def test_what_says_nothing_new_or_is_only_tried_is_no_history(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    library(crate).correct(TRACK, {"title": "Mine"}, dry_run=True)
    library(crate).correct(TRACK, {"rating": "4"})
    assert not crate.history().list()


# --- playlists ---------------------------------------------------------------------------------------------------


def lists(crate: Crate) -> list[Playlist]:
    with crate.catalogue.reading() as stores:
        return list(stores.playlists.all())


def change(crate: Crate, number: int, *wanted: Playlist) -> PlanRecord:
    crate.clock.wind(1)
    with crate.catalogue.writing() as stores:
        plan = change_playlists(
            stores, wanted, plan_id=f"ffff{number:012x}", who="dj", why="lists", at_s=crate.clock.now_s()
        )
    assert plan is not None
    return plan


def a_list(*entries: TrackId, name: str = "Night", parent: PlaylistId | None = FOLDER) -> Playlist:
    return Playlist(id=ONE, name=name, kind=PlaylistKind.PLAYLIST, parent_id=parent, entries=entries)


A_FOLDER = Playlist(id=FOLDER, name="Sets", kind=PlaylistKind.FOLDER)


def test_playlists_are_made_renamed_filled_removed_and_all_come_back(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    states = [lists(crate)]
    plans = [change(crate, 1, A_FOLDER, a_list(TRACK, TRACK))]
    assert changes(plans[0]) == [("make folder", "", ""), ("make playlist", "", "2 tracks")]
    states.append(lists(crate))
    plans.append(change(crate, 2, a_list(TRACK, name="Day")))
    assert changes(plans[1]) == [("rename playlist", "Night", "Day"), ("change tracks", "2 tracks", "1 tracks")]
    states.append(lists(crate))
    crate.clock.wind(1)
    with crate.catalogue.writing() as stores:
        gone = remove_playlist(stores, FOLDER, plan_id="ffff000000000003", who="dj", why="x", at_s=crate.clock.now_s())
    assert gone is not None
    assert [each.what for each in gone.plan.changes] == ["remove playlist", "remove folder"]
    plans.append(gone)
    assert [plan.id for plan in crate.history().list()] == [plan.id for plan in reversed(plans)]
    with pytest.raises(ConflictError, match="undo that first"):
        crate.history().undo(plans[0].id, who="dj")
    for plan, state in zip(reversed(plans), reversed(states), strict=True):
        assert crate.history().undo(plan.id, who="dj").state is PlanState.UNDONE
        assert lists(crate) == state


def test_what_was_done_to_a_playlist_elsewhere_is_not_lost(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    plan = change(crate, 1, A_FOLDER, a_list(TRACK))
    with crate.catalogue.writing() as stores:
        stores.playlists.save(a_list(TRACK, TRACK))
    with pytest.raises(ConflictError, match="'Night' was changed since"):
        crate.history().undo(plan.id, who="dj")
    with crate.catalogue.writing() as stores:
        stores.playlists.save(a_list(TRACK))
        other = PlaylistId("dddd000000000009")
        stores.playlists.save(Playlist(id=other, name="Guest", kind=PlaylistKind.PLAYLIST, parent_id=FOLDER))
    with pytest.raises(ConflictError, match="'Guest' lies in a folder that would go"):
        crate.history().undo(plan.id, who="dj")
    with crate.catalogue.writing() as stores:
        stores.playlists.remove(other)
    assert crate.history().undo(plan.id, who="dj").state is PlanState.UNDONE


def test_a_removed_track_does_not_stand_in_the_way(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    state = lists(crate)
    plan = change(crate, 1, A_FOLDER, a_list(TRACK))
    with crate.catalogue.writing() as stores:
        stores.tracks.remove([TRACK])
    crate.history().undo(plan.id, who="dj")
    assert [each.name for each in lists(crate)] == [each.name for each in state]

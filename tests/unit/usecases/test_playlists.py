"""A person's own playlists are renamed and deleted as plans, and come back exactly, also after later changes."""

from pathlib import Path

import pytest

from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.errors import ConflictError, InvalidInputError, NotFoundError, UnsupportedError
from cratehand.domain.events import PlanChanged
from cratehand.domain.ids import PlaylistId
from cratehand.domain.plan_record import PlanKind, PlanState
from cratehand.usecases.playlists import PlaylistEdit, Playlists
from tests.fakes.swaps import TRACK, Crate, make_crate

FOLDER, NIGHT, DAY, TOP, THEIRS = (PlaylistId(f"dddd00000000000{digit}") for digit in "12345")
TREE = (
    Playlist(id=FOLDER, name="Sets", kind=PlaylistKind.FOLDER, position=1),
    Playlist(id=NIGHT, name="Night", kind=PlaylistKind.PLAYLIST, parent_id=FOLDER, position=2, entries=(TRACK, TRACK)),
    Playlist(id=DAY, name="Day", kind=PlaylistKind.PLAYLIST, parent_id=FOLDER, position=1, entries=(TRACK,)),
    Playlist(id=TOP, name="Night", kind=PlaylistKind.PLAYLIST, position=3, origin="import"),
    Playlist(id=THEIRS, name="Peak", kind=PlaylistKind.PLAYLIST, position=4, origin="rekordbox", entries=(TRACK,)),
)


class Desk:
    """A crate with playlists, and a person who changes them, a second apart."""

    def __init__(self, crate: Crate) -> None:
        self.crate = crate
        numbers = iter(range(1, 100))
        self.playlists = Playlists(
            crate.catalogue,
            clock=crate.clock,
            new_id=lambda: f"eeee{next(numbers):012x}",
            publish=crate.published.append,
        )
        with crate.catalogue.writing() as stores:
            for playlist in stores.playlists.all():
                stores.playlists.remove(playlist.id)
            for playlist in TREE:
                stores.playlists.save(playlist)

    def all(self) -> list[Playlist]:
        return list(self.playlists.all())

    def rename(self, reference: str, name: str) -> str:
        self.crate.clock.wind(1)
        return _id(self.playlists.rename(reference, name, who="dj"))

    def delete(self, reference: str) -> str:
        self.crate.clock.wind(1)
        return _id(self.playlists.delete(reference, who="dj"))

    def undo(self, plan_id: str) -> None:
        self.crate.clock.wind(1)
        assert self.crate.history().undo(plan_id, who="dj").state is PlanState.UNDONE


def _id(edit: PlaylistEdit) -> str:
    assert edit.plan_id is not None
    return edit.plan_id


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(make_crate(tmp_path))


def test_a_rename_is_a_plan_in_the_history_and_taken_back(desk: Desk) -> None:
    before = desk.all()
    plan_id = desk.rename("Sets/Night", "  Late Night ")
    assert desk.playlists.full_names()[NIGHT] == "Sets/Late Night"
    (plan,) = desk.crate.history().list()
    assert (plan.id, plan.kind, plan.who, plan.why) == (
        plan_id, PlanKind.PLAYLIST, "dj", "rename Night to Late Night",
    )  # fmt: skip
    assert [(each.what, each.before, each.after) for each in plan.plan.changes] == [
        ("rename playlist", "Night", "Late Night")
    ]
    assert PlanChanged(plan_id=plan.id, kind="playlist", state="applied") in desk.crate.published
    desk.undo(plan_id)
    assert desk.all() == before


def test_a_folder_goes_with_all_in_it_and_comes_back_in_its_order(desk: Desk) -> None:
    before = desk.all()
    plan_id = desk.delete("Sets")
    assert [each.id for each in desk.all()] == [TOP, THEIRS]
    (plan,) = desk.crate.history().list()
    assert [(each.what, each.where, each.before) for each in plan.plan.changes] == [
        ("remove playlist", "Night", "2 tracks"), ("remove playlist", "Day", "1 tracks"), ("remove folder", "Sets", ""),
    ]  # fmt: skip
    with desk.crate.catalogue.reading() as stores:
        assert stores.tracks.get(TRACK) is not None, "the tracks stay"
    desk.undo(plan_id)
    assert desk.all() == before


def test_a_dry_run_shows_the_same_and_changes_nothing(desk: Desk) -> None:
    before = desk.all()
    shown = [
        desk.playlists.rename(NIGHT, "Late", who="dj", dry_run=True),
        desk.playlists.delete("Sets", who="dj", dry_run=True),
    ]
    assert (desk.all(), desk.crate.history().list()) == (before, [])
    assert [edit.plan_id for edit in shown] == [None, None]
    done = [desk.playlists.rename(NIGHT, "Late", who="dj")]
    desk.undo(_id(done[0]))
    done.append(desk.playlists.delete("Sets", who="dj"))
    assert [edit.plan.changes for edit in done] == [edit.plan.changes for edit in shown]


def test_later_changes_elsewhere_do_not_stand_in_the_way(desk: Desk) -> None:
    first, second, third = desk.rename(NIGHT, "Late"), desk.rename(DAY, "Noon"), desk.delete(TOP)
    desk.undo(first)
    assert [(each.id, each.name) for each in desk.all()] == [
        (FOLDER, "Sets"), (DAY, "Noon"), (NIGHT, "Night"), (THEIRS, "Peak"),
    ]  # fmt: skip
    desk.undo(third)
    desk.undo(second)
    assert {each.id: each for each in desk.all()} == {each.id: each for each in TREE}


def test_later_changes_of_the_same_say_what_to_undo_first(desk: Desk) -> None:
    before = desk.all()
    plans = [desk.rename(NIGHT, "Late"), desk.rename(NIGHT, "Later"), desk.delete(NIGHT), desk.delete(FOLDER)]
    for plan_id in plans[:2]:
        with pytest.raises(ConflictError, match=f"plan {plans[2]} .* came later and touches the same"):
            desk.crate.history().undo(plan_id, who="dj")
    with pytest.raises(ConflictError, match="the folder in which 'Later' lay was removed since: undo that first"):
        desk.crate.history().undo(plans[2], who="dj")
    for plan_id in reversed(plans):
        desk.undo(plan_id)
    assert desk.all() == before


def test_what_follows_rekordbox_is_left_to_rekordbox(desk: Desk) -> None:
    for change in (lambda: desk.rename("Peak", "Mine"), lambda: desk.delete("Peak")):
        with pytest.raises(UnsupportedError, match="'Peak' follows Rekordbox: change it there"):
            change()
    assert desk.crate.history().list() == []


def test_a_name_that_means_none_several_or_is_taken_is_told(desk: Desk) -> None:
    with pytest.raises(NotFoundError, match=r"'Nights'.*playlists list"):
        desk.rename("Nights", "x")
    with desk.crate.catalogue.writing() as stores:
        stores.playlists.save(Playlist(id=PlaylistId("dddd000000000009"), name="Day", kind=PlaylistKind.PLAYLIST,
                                       parent_id=FOLDER))  # fmt: skip
    with pytest.raises(ConflictError, match=r"'Day' means 2 playlists: Sets/Day \(playlist, dddd.*the id"):
        desk.delete("Day")
    with pytest.raises(ConflictError, match="there is a playlist 'Day' in the same place already"):
        desk.rename("Sets/Night", "Day")
    with pytest.raises(ConflictError, match="there is a folder 'Sets' in the same place already"):
        desk.rename(TOP, "Sets")
    for name in ("", "  ", "a\nb", "x" * 256):
        with pytest.raises(InvalidInputError, match="no name for a playlist"):
            desk.rename(NIGHT, name)
    for dry_run in (True, False):
        nothing = desk.playlists.rename(NIGHT, "Night", who="dj", dry_run=dry_run)
        assert (nothing.plan_id, nothing.plan.changes) == (None, ()), "nothing changes, nothing is noted"
    assert desk.crate.history().list() == []


def test_a_name_alone_means_the_one_at_the_top_where_that_is_its_full_name(desk: Desk) -> None:
    desk.delete("Night")
    assert {NIGHT, TOP} & {each.id for each in desk.all()} == {NIGHT}

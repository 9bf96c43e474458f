"""Names are what the file system takes for a name: other spellings of one, other names of one file.

Where the temporary folder ignores case by itself (macOS, Windows, or ``--basetemp`` on such a disk) that disk is tried,
elsewhere a fake of one.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cratehand.audio.file_swap import DiskSwapper
from cratehand.domain.errors import ConflictError
from cratehand.domain.plan_record import FileState, PlanRecord, PlanState, SwapFile
from cratehand.domain.track import FileStamp
from cratehand.usecases.copy_choice import upgrade_plan
from tests.fakes.swaps import TRACK, Crate, make_crate
from tests.fakes.upgrades import FakeJudge


class CaseBlindDisk(DiskSwapper):
    """A disk without hard links that ignores case and keeps the spelling that is there, as FAT and exFAT do."""

    def __init__(self) -> None:
        super().__init__(links=False)

    def state(self, path: Path) -> FileState:
        return replace(super().state(_entry(path)), path=path)

    def stamp(self, path: Path) -> FileStamp | None:
        return super().stamp(_entry(path))

    def bytes_digest(self, path: Path) -> str | None:
        return super().bytes_digest(_entry(path))

    def are_same(self, one: Path, other: Path) -> bool:
        return super().are_same(_entry(one), _entry(other))

    def copy(self, source: Path, target: Path) -> None:
        super().copy(_entry(source), _entry(target))

    def place(self, prepared: Path, target: Path, *, over: bool) -> None:
        super().place(_entry(prepared), _entry(target), over=over)

    def remove(self, path: Path) -> None:
        super().remove(_entry(path))


def _entry(path: Path) -> Path:
    if os.path.lexists(path) or not path.parent.is_dir():
        return path
    return next((each for each in path.parent.iterdir() if each.name.casefold() == path.name.casefold()), path)


def planned(crate: Crate) -> PlanRecord:
    """Add the plan that is made of an accepted pair."""
    current, landed = crate.files.state(crate.current), crate.files.state(crate.landed)
    judgement = FakeJudge()(crate.current, crate.landed, None, None)
    base = {"id": "bbbb000000000001", "who": "cratehand", "created_at_s": crate.clock.now_s()}
    plan = upgrade_plan(judgement, (TRACK, current), landed, base=base, are_same=crate.files.are_same)
    with crate.catalogue.writing() as stores:
        stores.plans.add(plan)
    return plan


def target_of(plan: PlanRecord) -> Path:
    (swap,) = (step for step in plan.steps if isinstance(step, SwapFile))
    return swap.target


def case_blind(root: Path, *, current: str, landed: str) -> Crate:
    crate = make_crate(root, current=current, landed=landed)
    if not ignores_case(root):
        crate.files = CaseBlindDisk()
    return crate


def ignores_case(folder: Path) -> bool:
    probe = folder / "Probe"
    probe.touch()
    found = probe.with_name("pROBE").exists()
    probe.unlink()
    return found


def test_a_file_whose_name_differs_in_case_only_is_in_the_way(tmp_path: Path) -> None:
    crate = case_blind(tmp_path, current="music/Track.mp3", landed="inbox/track.flac")
    other = tmp_path / "music/TRACK.FLAC"
    other.write_bytes(b"something else")
    plan = planned(crate)
    files, rows = crate.music(), crate.rows()
    with pytest.raises(ConflictError, match="nothing is overwritten"):
        crate.history().apply(plan.id, who="dj")
    assert (crate.music(), crate.rows()) == (files, rows)
    assert crate.plan(plan.id).state is PlanState.OPEN
    other.rename(tmp_path / "music/other.flac")
    assert crate.history().apply(plan.id, who="dj").state is PlanState.APPLIED


@pytest.mark.parametrize(
    ("current", "landed", "left"),
    [
        ("music/Track.mp3", "music/TRACK.FLAC", "music/TRACK.FLAC"),
        ("music/Track.mp3", "music/track.Flac", "music/track.Flac"),
        ("music/Track.FLAC", "inbox/track.flac", "music/Track.FLAC"),
        ("music/Track.MP3", "inbox/x.FLAC", "music/Track.flac"),
    ],
)
def test_where_case_is_ignored_all_comes_back_by_its_own_spelling(
    tmp_path: Path, current: str, landed: str, left: str
) -> None:
    crate = case_blind(tmp_path, current=current, landed=landed)
    files, rows = crate.music(), crate.rows()
    sound = crate.files.state(crate.landed).digest
    plan = planned(crate)
    crate.history().apply(plan.id, who="dj")
    assert list(crate.music()) == [left]
    assert target_of(plan) == tmp_path / left, "the catalogue has the spelling of the folder"
    assert crate.files.state(tmp_path / left).digest == sound
    crate.history().undo(plan.id, who="dj")
    assert (crate.music(), crate.rows()) == (files, rows)


def test_a_plan_that_spells_its_target_otherwise_is_applied_and_undone_as_well(tmp_path: Path) -> None:
    crate = case_blind(tmp_path, current="music/Track.mp3", landed="music/TRACK.FLAC")
    files, rows = crate.music(), crate.rows()
    sound = crate.files.state(crate.landed).digest
    plan = crate.upgrade()
    assert target_of(plan).name == "Track.FLAC"
    crate.history().apply(plan.id, who="dj")
    ((name, _),) = crate.music().items()
    assert crate.files.state(tmp_path / name).digest == sound
    crate.history().undo(plan.id, who="dj")
    assert (crate.music(), crate.rows()) == (files, rows)


def give_name(how: Callable[[Path, Path], None], file: Path, name: Path) -> None:
    try:
        how(file, name)
    except (OSError, NotImplementedError):
        pytest.skip("this disk, or this person, gives a file no second name")


@pytest.mark.parametrize("how", [os.link, os.symlink], ids=["hard link", "symbolic link"])
def test_another_name_of_the_landed_file_is_in_the_way(tmp_path: Path, how: Callable[[Path, Path], None]) -> None:
    crate = make_crate(tmp_path)
    target = crate.current.with_suffix(".flac")
    give_name(how, crate.landed, target)
    plan = crate.upgrade()
    files = crate.music()
    with pytest.raises(ConflictError, match="nothing is overwritten"):
        crate.history().apply(plan.id, who="dj")
    assert crate.music() == files


def test_two_hard_links_of_one_file_are_two_names(tmp_path: Path) -> None:
    one, other = tmp_path / "a.flac", tmp_path / "b.flac"
    one.write_bytes(b"sound")
    give_name(os.link, one, other)
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    disk = DiskSwapper()
    assert not disk.are_same(one, other)
    assert not disk.are_same(one, tmp_path / "c.flac")
    assert disk.are_same(one, tmp_path / "again" / "a.flac"), "a folder that is a link is no other place"

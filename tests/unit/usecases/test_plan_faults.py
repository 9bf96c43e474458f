"""What goes wrong in the middle leaves everything as it was, with one clear sentence, and can be tried again."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from cratehand.audio.file_swap import DiskSwapper
from cratehand.domain.errors import ConflictError, UnavailableError
from cratehand.domain.plan_record import PlanState
from tests.audio_files import write_audio
from tests.fakes.swaps import Crate, make_crate
from tests.signals import noise


@contextlib.contextmanager
def files_end_at(size_bytes: int) -> Iterator[None]:
    """Let the system refuse what is longer, in the middle of writing, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Held(DiskSwapper):
    """A disk on which another program holds one file, as Windows does while it plays."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name: str | None = name

    def place(self, prepared: Path, target: Path, *, over: bool) -> None:
        if target.name == self.name:
            raise UnavailableError(f"{target}: another program holds it; close it there")
        super().place(prepared, target, over=over)


def large(folder: Path, *, current_s: float, landed_s: float) -> Crate:
    """Make a crate with files of megabytes, copied as between two disks."""
    crate = make_crate(folder, current="music/a.wav", landed="inbox/b.aiff", links=False)
    write_audio(crate.current, noise(duration_s=current_s, seed=1))
    write_audio(crate.landed, noise(duration_s=landed_s, seed=2))
    state = crate.files.state(crate.current)
    with crate.catalogue.writing() as stores:
        track = stores.tracks.by_path(crate.current)
        assert track is not None
        stores.tracks.set_reading(track.id, stamp=state.stamp, digest=state.digest, analysed_at_s=1.0, error=None)
    return crate


def require_untouched(crate: Crate, plan_id: str) -> None:
    assert crate.plan(plan_id).state is PlanState.OPEN
    assert not list(crate.trash.glob("*/old/*"))
    assert not list(crate.root.rglob(".*.new.*"))


@pytest.mark.parametrize(("current_s", "landed_s"), [(5.0, 60.0), (60.0, 5.0)], ids=["the new file", "the trash"])
def test_a_disk_that_fills_up_in_the_middle(tmp_path: Path, current_s: float, landed_s: float) -> None:
    crate = large(tmp_path, current_s=current_s, landed_s=landed_s)
    plan = crate.upgrade()
    files, rows = crate.music(), crate.rows()
    with files_end_at(3_000_000), pytest.raises(UnavailableError, match="disk is full"):
        crate.history().apply(plan.id, who="dj")
    require_untouched(crate, plan.id)
    assert "disk is full" in (crate.plan(plan.id).error or "")
    assert (crate.music(), crate.rows()) == (files, rows)
    assert crate.history().apply(plan.id, who="dj").state is PlanState.APPLIED
    applied = crate.music()
    with files_end_at(3_000_000), pytest.raises(UnavailableError, match="disk is full"):
        crate.history().undo(plan.id, who="dj")
    assert crate.plan(plan.id).state is PlanState.APPLIED
    assert crate.music() == applied
    crate.history().undo(plan.id, who="dj")
    assert (crate.music(), crate.rows()) == (files, rows)


def test_a_file_that_another_program_holds(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    held = Held("Artist - Title.flac")
    crate.files = held
    plan = crate.upgrade()
    files, rows = crate.music(), crate.rows()
    with pytest.raises(UnavailableError, match="another program holds it"):
        crate.history().apply(plan.id, who="dj")
    require_untouched(crate, plan.id)
    assert (crate.music(), crate.rows()) == (files, rows)
    held.name = None
    crate.history().apply(plan.id, who="dj")
    held.name = "Artist - Title.mp3"
    applied = crate.music()
    with pytest.raises(UnavailableError, match="another program holds it"):
        crate.history().undo(plan.id, who="dj")
    assert crate.plan(plan.id).state is PlanState.APPLIED
    assert crate.music() == applied


def test_a_folder_that_vanished_is_named_when_undoing(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    plan = crate.upgrade()
    crate.history().apply(plan.id, who="dj")
    crate.landed.parent.rmdir()
    with pytest.raises(ConflictError, match=r"folder .*inbox is not there"):
        crate.history().undo(plan.id, who="dj")
    crate.landed.parent.mkdir()
    assert crate.history().undo(plan.id, who="dj").state is PlanState.UNDONE


def test_a_name_that_is_taken_in_the_last_moment_is_not_overwritten(tmp_path: Path) -> None:
    class Late(DiskSwapper):
        def place(self, prepared: Path, target: Path, *, over: bool) -> None:
            target.write_bytes(b"somebody was quicker")
            super().place(prepared, target, over=over)

    crate = make_crate(tmp_path)
    crate.files = Late()
    plan = crate.upgrade()
    with pytest.raises(ConflictError, match="nothing is overwritten"):
        crate.history().apply(plan.id, who="dj")
    require_untouched(crate, plan.id)
    assert crate.current.with_suffix(".flac").read_bytes() == b"somebody was quicker"
    assert crate.current.exists()


def test_no_room_is_said_before_anything_is_touched(tmp_path: Path) -> None:
    swapper = DiskSwapper()
    with pytest.raises(UnavailableError, match="MB are needed"):
        swapper.require_room(tmp_path, 1 << 60)

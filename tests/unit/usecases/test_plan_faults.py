"""What goes wrong in the middle leaves everything as it was, with one clear sentence, and can be tried again."""

import contextlib
import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cratehand.audio.file_swap import DiskSwapper
from cratehand.domain.errors import ConflictError, NotFoundError, UnavailableError
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

    def __init__(self, name: str | None, *, unremovable: str | None = None) -> None:
        super().__init__()
        self.name = name
        self.unremovable = unremovable

    def remove(self, path: Path) -> None:
        if path.name == self.unremovable:
            raise UnavailableError(f"{path}: another program holds it; close it there")
        super().remove(path)

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


# --- the end of the way ------------------------------------------------------------------------------------------


def test_an_old_file_that_a_player_holds_to_the_end_goes_when_it_is_let_go(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    held = Held(None, unremovable="Artist - Title.mp3")
    crate.files = held
    plan = crate.upgrade()
    files, rows = crate.music(), crate.rows()
    for _ in range(2):
        with pytest.raises(UnavailableError, match="another program holds it"):
            crate.history().apply(plan.id, who="dj")
    assert crate.plan().state is PlanState.APPLYING
    assert {name: content for name, content in crate.music().items() if name in files} == files, "nothing is lost"
    assert crate.current.with_suffix(".flac").is_file()
    held.unremovable = None
    assert crate.history().apply(plan.id, who="dj").state is PlanState.APPLIED
    assert list(crate.music()) == ["music/Artist - Title.flac"]
    with pytest.raises(ConflictError, match="is applied"):
        crate.history().apply(plan.id, who="dj")
    held.unremovable = "Artist - Title.flac"
    with pytest.raises(UnavailableError, match="another program holds it"):
        crate.history().undo(plan.id, who="dj")
    assert crate.plan().state is PlanState.UNDOING
    held.unremovable = None
    assert crate.history().undo(plan.id, who="dj").state is PlanState.UNDONE
    assert (crate.music(), crate.rows()) == (files, rows)


def test_a_plan_that_stands_half_way_can_be_undone_at_once(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    held = Held(None, unremovable="better.flac")
    crate.files = held
    plan = crate.upgrade()
    files, rows = crate.music(), crate.rows()
    with pytest.raises(UnavailableError, match="another program holds it"):
        crate.history().apply(plan.id, who="dj")
    held.unremovable = None
    assert crate.history().undo(plan.id, who="dj").state is PlanState.UNDONE
    assert (crate.music(), crate.rows()) == (files, rows)


# --- the trash ---------------------------------------------------------------------------------------------------


class FullTrash(DiskSwapper):
    """A trash on another disk, which takes half a file and then refuses."""

    def __init__(self, refusal: int) -> None:
        super().__init__(links=False)
        self.refusal: int | None = refusal

    def _copy(self, source: Path, target: Path) -> None:
        if self.refusal is not None and "trash" in target.parts:
            target.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
            raise OSError(self.refusal, os.strerror(self.refusal), str(target))
        super()._copy(source, target)


@pytest.mark.parametrize("refusal", [errno.ENOSPC, errno.EDQUOT])
def test_a_trash_that_is_full_stops_the_swap_and_nothing_is_lost(tmp_path: Path, refusal: int) -> None:
    crate = make_crate(tmp_path)
    trash = FullTrash(refusal)
    crate.files = trash
    plan = crate.upgrade()
    files, rows = crate.music(), crate.rows()
    with pytest.raises(UnavailableError, match=r"trash.*disk is full; make room or empty the trash"):
        crate.history().apply(plan.id, who="dj")
    require_untouched(crate, plan.id)
    assert (crate.music(), crate.rows()) == (files, rows)
    trash.refusal = None
    assert crate.history().apply(plan.id, who="dj").state is PlanState.APPLIED
    crate.history().undo(plan.id, who="dj")
    assert (crate.music(), crate.rows()) == (files, rows)


def on_drive(place: Path, options: str) -> bool:
    """Mount a real drive, or change the mounted one; False where that is not allowed here."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def drive(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A real small drive in the place that the test names."""
    place = tmp_path / str(request.param)
    place.mkdir(parents=True)
    if not on_drive(place, "size=16m"):
        pytest.skip("mounting needs root on Linux")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)


@pytest.mark.parametrize("drive", ["data/trash"], indirect=True)
def test_a_trash_on_a_real_drive_that_is_full(tmp_path: Path, drive: Path) -> None:
    crate = make_crate(tmp_path)
    plan = crate.upgrade()
    files, rows = crate.music(), crate.rows()
    assert on_drive(drive, f"remount,size={crate.current.stat().st_size + 8_192}"), "room for the old file only"
    with pytest.raises(UnavailableError, match=r"trash.*disk is full"):
        crate.history().apply(plan.id, who="dj")
    require_untouched(crate, plan.id)
    assert (crate.music(), crate.rows()) == (files, rows)
    assert not list(drive.rglob("*"))
    assert on_drive(drive, "remount,size=16m")
    crate.history().apply(plan.id, who="dj")
    crate.history().undo(plan.id, who="dj")
    assert (crate.music(), crate.rows()) == (files, rows)


# --- read-only ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drive", ["music", "inbox"], indirect=True)
def test_a_read_only_drive_is_named_before_anything_is_touched(tmp_path: Path, drive: Path) -> None:
    crate = make_crate(tmp_path)
    plan = crate.upgrade()
    files, rows = crate.music(), crate.rows()
    assert on_drive(drive, "remount,ro")
    with pytest.raises(UnavailableError, match=rf"{drive.name} .*read-only"):
        crate.history().apply(plan.id, who="dj")
    require_untouched(crate, plan.id)
    assert (crate.music(), crate.rows()) == (files, rows)
    assert on_drive(drive, "remount,rw")
    crate.history().apply(plan.id, who="dj")
    applied = crate.music()
    assert on_drive(drive, "remount,ro")
    with pytest.raises(UnavailableError, match=rf"{drive.name} .*read-only"):
        crate.history().undo(plan.id, who="dj")
    assert crate.plan(plan.id).state is PlanState.APPLIED
    assert crate.music() == applied
    assert on_drive(drive, "remount,rw")
    crate.history().undo(plan.id, who="dj")
    assert (crate.music(), crate.rows()) == (files, rows)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("folder", ["music", "inbox"])
def test_a_folder_without_the_right_to_write_is_named_before_anything_is_touched(tmp_path: Path, folder: str) -> None:
    crate = make_crate(tmp_path)
    plan = crate.upgrade()
    files, rows = crate.music(), crate.rows()
    (tmp_path / folder).chmod(0o555)
    try:
        with pytest.raises(UnavailableError, match=rf"{folder} can not be written: mend its rights"):
            crate.history().apply(plan.id, who="dj")
        require_untouched(crate, plan.id)
        assert (crate.music(), crate.rows()) == (files, rows)
    finally:
        (tmp_path / folder).chmod(0o755)


# --- files that change in the very moment ------------------------------------------------------------------------


class Moved(DiskSwapper):
    """A disk on which somebody changes a file while the new one is made."""

    def __init__(self, path: Path, *, grows: bool) -> None:
        super().__init__()
        self.path, self.grows = path, grows

    def flush(self, path: Path) -> None:
        super().flush(path)
        if self.grows:
            with self.path.open("ab") as file:
                file.write(b"more")
        else:
            self.path.unlink()


@pytest.mark.parametrize("which", ["current", "landed"])
def test_a_file_that_grows_in_the_middle_keeps_what_was_written(tmp_path: Path, which: str) -> None:
    crate = make_crate(tmp_path)
    grown: Path = getattr(crate, which)
    written, judged = grown.read_bytes() + b"more", crate.files.state(crate.landed).digest
    crate.files = Moved(grown, grows=True)
    plan = crate.upgrade()
    assert crate.history().apply(plan.id, who="dj").state is PlanState.APPLIED
    assert grown.read_bytes() == written
    assert crate.files.state(crate.current.with_suffix(".flac")).digest == judged, "what was judged was swapped in"


@pytest.mark.parametrize("which", ["current", "landed"])
def test_a_file_that_vanishes_in_the_middle_leaves_the_rest_as_it_was(tmp_path: Path, which: str) -> None:
    crate = make_crate(tmp_path)
    gone: Path = getattr(crate, which)
    crate.files = Moved(gone, grows=False)
    plan = crate.upgrade()
    files, rows = crate.music(), crate.rows()
    del files[str(gone.relative_to(tmp_path))]
    with pytest.raises(NotFoundError, match=f"{gone.name} is not there any more"):
        crate.history().apply(plan.id, who="dj")
    require_untouched(crate, plan.id)
    assert (crate.music(), crate.rows()) == (files, rows)

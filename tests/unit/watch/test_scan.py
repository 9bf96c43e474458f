import logging
import os
import socket
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cratehand.domain.folders import FolderChange, KnownFile
from cratehand.domain.ids import TrackId
from cratehand.domain.track import FileStamp, Presence
from cratehand.watch import STEMS_MARKER, DiskScanner, IgnoreRules, MountTable
from cratehand.watch.mounts import Mount
from tests.unit.watch.disk import HandClock, apply, later


def scanner(clock: HandClock | None = None, **options: object) -> DiskScanner:
    return DiskScanner(ignore=options.pop("ignore", IgnoreRules()), clock=clock or later(), **options)  # type: ignore[arg-type]


def put(path: Path, content: bytes = b"sound") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def known_of(*paths: Path, presence: Presence = Presence.PRESENT) -> list[KnownFile]:
    return [
        KnownFile(track_id=TrackId(f"{n:016x}"), name=str(path), stamp=FileStamp.of(path.stat()), presence=presence)
        for n, path in enumerate(paths)
    ]


def landed(change: FolderChange) -> set[Path]:
    return {seen.path for seen in change.landed}


@pytest.fixture(params=["sweep", "look_at"])
def look(request: pytest.FixtureRequest) -> object:
    """Both ways to look; what holds for one holds for the other."""

    def run(disk: DiskScanner, root: Path, known: list[KnownFile], *paths: Path) -> FolderChange:
        if request.param == "sweep":
            return disk.sweep([root], known)
        return disk.look_at(paths or [root], [root], known)

    return run


def test_new_files_land_wherever_they_lie(tmp_path: Path, look) -> None:
    files = {put(tmp_path / "a.mp3"), put(tmp_path / "x" / "y" / "b.FLAC")}
    put(tmp_path / "cover.jpg")
    change = look(scanner(), tmp_path, [])
    assert landed(change) == files
    assert change.landed[0].stamp == FileStamp.of(change.landed[0].path.stat())


def test_a_second_look_is_no_news(tmp_path: Path, look) -> None:
    put(tmp_path / "a.mp3")
    put(tmp_path / "x" / "b.mp3")
    disk = scanner()
    known = apply(look(disk, tmp_path, []), [])
    assert look(disk, tmp_path, known).is_empty


def test_a_changed_file_is_found_although_its_size_and_mtime_were_put_back(tmp_path: Path, look) -> None:
    path = put(tmp_path / "a.mp3", b"before")
    known = known_of(path)
    before = path.stat()
    time.sleep(0.02)
    path.write_bytes(b"after!")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert [seen.path for seen in look(scanner(), tmp_path, known, path).altered] == [path]


def test_a_file_that_was_put_in_place_of_another_is_altered(tmp_path: Path, look) -> None:
    path = put(tmp_path / "a.mp3")
    known = known_of(path)
    put(tmp_path / "new").replace(path)
    assert [seen.path for seen in look(scanner(), tmp_path, known, path).altered] == [path]


def test_a_deleted_file_is_gone_and_gone_once(tmp_path: Path, look) -> None:
    path, other = put(tmp_path / "a.mp3"), put(tmp_path / "b.mp3")
    known = known_of(path, other)
    path.unlink()
    disk = scanner()
    change = look(disk, tmp_path, known, path)
    assert change == FolderChange(gone=(path,))
    assert look(disk, tmp_path, apply(change, known), path).is_empty


def test_the_last_file_of_a_folder_that_was_seen_with_it_is_gone(tmp_path: Path, look) -> None:
    path = put(tmp_path / "a.mp3")
    disk = scanner()
    known = apply(disk.sweep([tmp_path], []), [])
    path.unlink()
    assert look(disk, tmp_path, known, path).gone == (path,)


def test_a_file_that_comes_back_unchanged_has_returned(tmp_path: Path, look) -> None:
    path = put(tmp_path / "a.mp3")
    change = look(scanner(), tmp_path, known_of(path, presence=Presence.MISSING), path)
    assert change == FolderChange(returned=(path,))


def test_a_file_that_nobody_looked_at_yet_is_altered(tmp_path: Path, look) -> None:
    path = put(tmp_path / "a.mp3")
    unread = replace(known_of(path)[0], stamp=None, presence=Presence.OFFLINE)
    assert [seen.path for seen in look(scanner(), tmp_path, [unread], path).altered] == [path]


def test_a_move_across_folders_keeps_the_file(tmp_path: Path, look) -> None:
    before, after = put(tmp_path / "a" / "x.mp3"), tmp_path / "b" / "y.mp3"
    known = known_of(before)
    after.parent.mkdir()
    before.rename(after)
    change = look(scanner(), tmp_path, known, before, after)
    assert [(path, seen.path) for path, seen in change.moved] == [(before, after)]
    assert replace(change, moved=()).is_empty


def test_the_far_end_of_a_move_is_enough(tmp_path: Path) -> None:
    before, after = put(tmp_path / "a.mp3"), tmp_path / "b.mp3"
    known = known_of(before)
    before.rename(after)
    change = scanner().look_at([after], [tmp_path], known)
    assert [(path, seen.path) for path, seen in change.moved] == [(before, after)]
    missing = apply(scanner().look_at([before], [tmp_path], known), known)
    assert missing[0].presence is Presence.MISSING
    assert scanner().look_at([after], [tmp_path], missing).moved


def test_a_renamed_folder_moves_all_its_files(tmp_path: Path, look) -> None:
    paths = [put(tmp_path / "old" / f"{n}.mp3", bytes(n + 1)) for n in range(50)]
    known = known_of(*paths)
    (tmp_path / "old").rename(tmp_path / "new")
    change = look(scanner(), tmp_path, known, tmp_path / "old", tmp_path / "new")
    assert {path for path, _ in change.moved} == set(paths)
    assert all(seen.path.name == path.name for path, seen in change.moved)
    assert replace(change, moved=()).is_empty


def test_a_copy_is_new_and_not_a_move(tmp_path: Path, look) -> None:
    path = put(tmp_path / "a.mp3")
    copy = put(tmp_path / "b.mp3")
    os.utime(copy, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    assert landed(look(scanner(), tmp_path, known_of(path), copy)) == {copy}


# --- growing -----------------------------------------------------------------------------------------------------


def test_a_file_lands_when_it_stopped_growing(tmp_path: Path, look) -> None:
    path = put(tmp_path / "a.mp3")
    clock = HandClock(wall_s=path.stat().st_ctime + 0.5)
    disk = scanner(clock, settle_s=2.0)
    assert look(disk, tmp_path, [], path).is_empty
    assert disk.growing == {path}
    clock.pass_s(2.0)
    assert landed(look(disk, tmp_path, [], path)) == {path}
    assert disk.growing == frozenset()


def test_a_copy_with_an_old_mtime_is_not_complete_yet(tmp_path: Path, look) -> None:
    path = put(tmp_path / "a.mp3")
    os.utime(path, (0, 0))
    disk = scanner(HandClock(wall_s=path.stat().st_ctime + 0.5))
    assert look(disk, tmp_path, [], path).is_empty
    assert disk.growing == {path}


def test_where_the_clock_is_wrong_two_equal_looks_count(tmp_path: Path, look) -> None:
    path = put(tmp_path / "a.mp3")
    clock = HandClock(wall_s=path.stat().st_mtime - 86_400.0)
    disk = scanner(clock, settle_s=2.0)
    assert look(disk, tmp_path, [], path).is_empty
    clock.pass_s(1.0)
    assert look(disk, tmp_path, [], path).is_empty
    with path.open("ab") as file:
        file.write(b"more")
    clock.pass_s(1.5)
    assert look(disk, tmp_path, [], path).is_empty, "it grew since"
    clock.pass_s(2.0)
    assert landed(look(disk, tmp_path, [], path)) == {path}


def test_who_asked_hears_what_grows(tmp_path: Path) -> None:
    heard: list[frozenset[Path]] = []
    path = put(tmp_path / "a.mp3")
    scanner(HandClock(wall_s=time.time()), on_growing=heard.append).sweep([tmp_path], [])
    assert heard == [{path}]


def test_an_altered_file_waits_until_it_is_calm(tmp_path: Path, look) -> None:
    path = put(tmp_path / "a.mp3")
    known = known_of(path)
    path.write_bytes(b"being tagged")
    clock = HandClock(wall_s=path.stat().st_ctime)
    disk = scanner(clock)
    assert look(disk, tmp_path, known, path).is_empty
    clock.pass_s(3.0)
    assert look(disk, tmp_path, known, path).altered


def test_an_empty_file_is_not_there_yet(tmp_path: Path, look) -> None:
    path = put(tmp_path / "a.mp3", b"")
    disk = scanner()
    assert look(disk, tmp_path, [], path).is_empty
    assert disk.growing == frozenset()


def test_a_known_file_that_lost_its_content_is_altered(tmp_path: Path, look) -> None:
    path = put(tmp_path / "a.mp3")
    known = known_of(path)
    put(path, b"")
    assert look(scanner(), tmp_path, known, path).altered


# --- spellings ---------------------------------------------------------------------------------------------------


ODD_NAMES = [
    "new\nline.mp3", "tab\t quote ' \" & # % ( ).mp3", "日本語 🎧.mp3", "x" * 251 + ".mp3", "Bj\u00f6rk.mp3",
    "Bjo\u0308rk 2.mp3",
    os.fsdecode(b"latin \xe9.mp3"), " leading and trailing .mp3", "-rf.mp3", "\u202eright to left.mp3",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_names(tmp_path: Path, name: str, look) -> None:
    path, other = put(tmp_path / "folder" / name), put(tmp_path / "other.mp3")
    disk = scanner()
    change = look(disk, tmp_path, known_of(other), path)
    assert landed(change) == {path}
    known = apply(change, known_of(other))
    assert look(disk, tmp_path, known, path).is_empty
    path.unlink()
    assert look(disk, tmp_path, known, path).gone == (path,)


def test_a_known_path_in_another_unicode_form_is_the_same_file(tmp_path: Path, look) -> None:
    composed, decomposed = tmp_path / "Bj\u00f6rk.mp3", tmp_path / "Bjo\u0308rk.mp3"
    put(decomposed)
    known = [replace(known_of(decomposed)[0], name=str(composed))]
    change = look(scanner(), tmp_path, known, decomposed)
    if not composed.exists():
        assert [(path, seen.path) for path, seen in change.moved] == [(composed, decomposed)]
        known = apply(change, known)
    assert look(scanner(), tmp_path, known, decomposed).is_empty


def test_of_two_unicode_forms_on_one_disk_the_known_one_counts(tmp_path: Path) -> None:
    forms = [tmp_path / unicodedata.normalize(form, "é.mp3") for form in ("NFC", "NFD")]
    for number, path in enumerate(forms):
        put(path, bytes(number + 1))
    for path in forms:
        known = known_of(path)
        assert scanner().sweep([tmp_path], known).is_empty


def test_a_path_that_no_file_can_have_is_gone_and_nothing_crashes(tmp_path: Path) -> None:
    put(tmp_path / "a.mp3")
    stamp = FileStamp(size_bytes=1, mtime_ns=1, ctime_ns=1, inode=1)
    odd = [
        tmp_path / "zero\0byte.mp3",
        tmp_path / "lone \ud800.mp3",
        tmp_path / ("y" * 300 + ".mp3"),
        tmp_path / "a.mp3" / "b",
    ]
    known = [
        KnownFile(track_id=TrackId(str(n)), name=str(path), stamp=stamp, presence=Presence.PRESENT)
        for n, path in enumerate(odd)
    ]
    assert set(scanner().sweep([tmp_path], known).gone) == set(odd)


def test_nothing_is_said_of_paths_of_another_system(tmp_path: Path) -> None:
    put(tmp_path / "a.mp3")
    foreign = KnownFile(track_id=TrackId("1"), name="C:/Music/a.mp3", stamp=None, presence=Presence.OFFLINE)
    assert not {*scanner().sweep([tmp_path], [foreign]).gone}


def test_times_beyond_what_a_database_can_keep_are_folded(tmp_path: Path) -> None:
    path = put(tmp_path / "a.mp3")
    try:
        os.utime(path, (0, 13_000_000_000))
    except OSError:
        pytest.skip("this file system keeps no such times")
    stamp = FileStamp.of(path.stat())
    assert -(2**63) <= stamp.mtime_ns < 2**63
    known = known_of(path)
    assert scanner(HandClock(wall_s=14_000_000_000.0)).sweep([tmp_path], known).is_empty


# --- links, loops, strange things --------------------------------------------------------------------------------


def test_loops_of_links_end(tmp_path: Path, look) -> None:
    path = put(tmp_path / "a" / "x.mp3")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to("self")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "b").symlink_to(tmp_path / "b")
    assert landed(look(scanner(), tmp_path, [])) == {path}


def test_a_part_of_the_tree_is_not_seen_again_through_a_link(tmp_path: Path) -> None:
    path = put(tmp_path / "a" / "x.mp3")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "to a").symlink_to(tmp_path / "a")
    (tmp_path / "b" / "x again.mp3").symlink_to(path)
    (tmp_path / "b" / "up").symlink_to(tmp_path.parent)
    assert scanner().look_at([tmp_path / "b"], [tmp_path], known_of(path)).is_empty


def test_a_linked_folder_outside_is_followed_once(tmp_path: Path, look) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    put(outside / "x.mp3")
    root.mkdir()
    (root / "one").symlink_to(outside)
    (root / "two").symlink_to(outside)
    disk = scanner()
    change = look(disk, root, [])
    assert landed(change) == {root / "one" / "x.mp3"}
    known = apply(change, [])
    assert look(disk, root, known).is_empty
    assert disk.look_at([root / "two"], [root], known).is_empty


def test_the_link_under_which_files_are_known_is_preferred(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    put(outside / "x.mp3")
    root.mkdir()
    (root / "z").symlink_to(outside)
    known = apply(scanner().sweep([root], []), [])
    (root / "a").symlink_to(outside)
    assert scanner().sweep([root], known).is_empty


def test_a_watched_folder_that_is_a_link_is_walked(tmp_path: Path, look) -> None:
    put(tmp_path / "real" / "x.mp3")
    (tmp_path / "link").symlink_to("real")
    assert landed(look(scanner(), tmp_path / "link", [])) == {tmp_path / "link" / "x.mp3"}


def test_nested_watched_folders_give_each_file_once(tmp_path: Path) -> None:
    path = put(tmp_path / "a" / "x.mp3")
    change = scanner().sweep([tmp_path, tmp_path / "a"], [])
    assert [seen.path for seen in change.landed] == [path]


def test_what_is_no_file_is_not_opened(tmp_path: Path, look) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    (tmp_path / "folder.mp3").mkdir()
    (tmp_path / "broken.mp3").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.mp3"))
        assert look(scanner(), tmp_path, []).is_empty


def test_what_is_never_music_is_not_walked(tmp_path: Path, look) -> None:
    good = put(tmp_path / "Set Project" / "tune.mp3")
    for ignored in ("PIONEER/a.mp3", ".hidden/a.mp3", "._a.mp3", "Live Project/a.wav", "x.stems/drums.wav",
                    "out/vocals.wav", "data/trash/a.mp3", "Loops/a.wav", "a.mp3.part"):  # fmt: skip
        put(tmp_path / ignored)
    put(tmp_path / "Live Project" / "set.als")
    put(tmp_path / "out" / STEMS_MARKER, b"")
    rules = IgnoreRules(["Loops"], own_folders=[tmp_path / "data"])
    assert landed(look(scanner(ignore=rules), tmp_path, [])) == {good}
    inside = [path for path in tmp_path.rglob("*") if path != good and path.is_file()]
    assert scanner(ignore=rules).look_at(inside, [tmp_path], []).is_empty


def test_a_known_file_in_an_ignored_place_stays_known(tmp_path: Path) -> None:
    path = put(tmp_path / "PIONEER" / "a.mp3")
    put(tmp_path / "b.mp3")
    known = known_of(path, tmp_path / "b.mp3")
    assert scanner().sweep([tmp_path], known).is_empty
    path.unlink()
    assert scanner().sweep([tmp_path], known).gone == (path,)


def test_our_own_folder_is_not_taken_even_where_it_is_watched(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path / "data" / "a.mp3")
    disk = scanner(ignore=IgnoreRules(own_folders=[tmp_path / "data"]))
    for _ in range(3):
        assert disk.sweep([tmp_path / "data"], []).is_empty
    assert len(caplog.records) == 1


# --- drives ------------------------------------------------------------------------------------------------------


def test_a_watched_folder_that_is_not_there_is_offline_not_empty(tmp_path: Path, look) -> None:
    root = tmp_path / "usb"
    path = put(root / "a.mp3")
    disk = scanner()
    known = apply(disk.sweep([root], []), [])
    root.rename(tmp_path / "unplugged")
    change = look(disk, root, known, path)
    assert change == FolderChange(offline=(root,))
    known = apply(change, known)
    assert look(disk, root, known, path).is_empty, "told once"
    (tmp_path / "unplugged").rename(root)
    assert look(disk, root, known, path) == FolderChange(returned=(path,))


def test_a_missing_folder_without_known_files_is_told(tmp_path: Path, look) -> None:
    assert look(scanner(), tmp_path / "nowhere", []).offline == (tmp_path / "nowhere",)


def test_a_folder_found_empty_at_the_first_look_may_be_an_unplugged_drive(tmp_path: Path) -> None:
    path = put(tmp_path / "usb" / "a.mp3")
    known = known_of(path)
    path.unlink()
    assert scanner().sweep([tmp_path / "usb"], known) == FolderChange(offline=(tmp_path / "usb",))


def test_known_files_outside_watched_folders_are_verified(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    here, gone, changed = (put(tmp_path / "else" / f"{name}.mp3") for name in ("here", "gone", "changed"))
    known = known_of(here, gone, changed)
    gone.unlink()
    put(changed, b"longer than before")
    on_drive = replace(known[0], name="/Volumes/No Such Stick/a.mp3")
    change = scanner().sweep([root], [*known, on_drive])
    assert change.gone == (gone,)
    assert [seen.path for seen in change.altered] == [changed]
    assert change.offline == (Path("/Volumes/No Such Stick"),)
    assert scanner().sweep([root], [replace(on_drive, presence=Presence.OFFLINE)]).is_empty


def test_inode_numbers_are_left_out_where_the_file_system_makes_them_up(tmp_path: Path, look) -> None:
    path = put(tmp_path / "a.mp3")
    known = known_of(path)
    assert known[0].stamp is not None
    known = [replace(known[0], stamp=replace(known[0].stamp, inode=4711))]
    assert look(scanner(), tmp_path, known, path).altered
    table = MountTable([Mount(place="/", file_system="vfat")])
    assert look(scanner(read_mounts=lambda: table), tmp_path, known, path).is_empty


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Path]:
    """A real drive that can be unplugged: the test unmounts it."""
    place = tmp_path / "drive"
    place.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or mount(place).returncode:
        pytest.skip("mounting needs root on Linux")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)


def mount(place: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False
    )


def unmount(place: Path) -> None:
    subprocess.run(["umount", str(place)], check=True)


def test_an_unmounted_drive_is_offline_though_its_folder_is_there(drive: Path, look) -> None:
    path = put(drive / "x" / "a.mp3")
    disk = scanner()
    known = apply(disk.sweep([drive], []), [])
    unmount(drive)
    change = look(disk, drive, known)
    assert change == FolderChange(offline=(drive,))
    known = apply(change, known)
    assert look(disk, drive, known).is_empty
    assert mount(drive).returncode == 0
    put(path)
    assert [seen.path for seen in look(disk, drive, known).altered] == [path]


def test_a_drive_inside_a_watched_folder_that_is_unmounted_is_offline(drive: Path) -> None:
    path, local = put(drive / "a.mp3"), put(drive.parent / "b.mp3")
    disk = scanner()
    known = apply(disk.sweep([drive.parent], []), [])
    unmount(drive)
    local.unlink()
    change = disk.sweep([drive.parent], known)
    assert change == FolderChange(gone=(local,), offline=(drive,))
    assert disk.sweep([drive.parent], apply(change, known)).is_empty
    assert path not in change.gone


# --- what can't be read ------------------------------------------------------------------------------------------


UNREADABLE = """
import logging, os, sys
from pathlib import Path
from tests.unit.watch.test_scan import known_of, scanner
from tests.unit.watch.disk import apply
root = Path(sys.argv[1])
logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
disk = scanner()
known = apply(disk.sweep([root], []), [])
assert len(known) == 2, known
if os.geteuid() == 0:
    os.chown(root / "x", 65534, 65534)
    os.setegid(65534)
    os.seteuid(65534)
os.chmod(root / "x", 0)
try:
    for _ in range(3):
        change = disk.sweep([root], known)
        assert change.is_empty, change
        change = disk.look_at([root / "x", root / "x" / "a.mp3"], [root], known)
        assert change.is_empty, change
finally:
    os.chmod(root / "x", 0o755)
print("fine")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits")
def test_nothing_is_said_of_a_folder_that_cannot_be_read_and_the_log_tells_it_once(tmp_path: Path) -> None:
    put(tmp_path / "x" / "a.mp3")
    put(tmp_path / "b.mp3")
    # The folders of the test run, which only its user may enter.
    for folder in (tmp_path, *(above for above in tmp_path.parents if above.name.startswith(("pytest-", "popen-")))):
        folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", UNREADABLE, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("cannot look at") == 1
    assert done.stdout.endswith("fine\n")


def test_a_folder_deeper_than_the_system_allows_is_no_crash(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        put(tmp_path / "a.mp3")
        before = Path.cwd()
        try:
            os.chdir(tmp_path)
            for _ in range(20):
                Path("d" * 250).mkdir()
                os.chdir("d" * 250)
            Path("deep.mp3").write_bytes(b"x")
        except OSError:
            pass  # a system that allows even less
        finally:
            os.chdir(before)
        assert landed(scanner().sweep([tmp_path], [])) == {tmp_path / "a.mp3"}
    subprocess.run(["rm", "-rf", str(tmp_path)], check=False)


def test_two_files_that_swapped_names_have_both_moved(tmp_path: Path, look) -> None:
    one, two = put(tmp_path / "1.mp3", b"one"), put(tmp_path / "2.mp3", b"two!")
    known = known_of(one, two)
    one.rename(tmp_path / "spare")
    two.rename(one)
    (tmp_path / "spare").rename(two)
    change = look(scanner(), tmp_path, known, one, two)
    assert {path: seen.path for path, seen in change.moved} == {one: two, two: one}
    assert replace(change, moved=()).is_empty


def test_a_series_that_was_renumbered_has_moved_as_a_whole(tmp_path: Path, look) -> None:
    paths = [put(tmp_path / f"{n}.mp3", bytes(n + 1)) for n in range(5)]
    known = known_of(*paths)
    for n in reversed(range(5)):
        paths[n].rename(tmp_path / f"{n + 1}.mp3")
    change = look(scanner(), tmp_path, known, *paths, tmp_path / "5.mp3")
    assert {path: seen.path for path, seen in change.moved} == {paths[n]: tmp_path / f"{n + 1}.mp3" for n in range(5)}
    assert replace(change, moved=()).is_empty


def test_a_file_renamed_over_another_has_moved_and_the_other_is_known_no_more(tmp_path: Path, look) -> None:
    one, two = put(tmp_path / "1.mp3", b"one"), put(tmp_path / "2.mp3", b"two!")
    known = known_of(one, two)
    two.rename(one)
    change = look(scanner(), tmp_path, known, one, two)
    assert [(path, seen.path) for path, seen in change.moved] == [(two, one)]
    assert replace(change, moved=()).is_empty


def test_a_backup_beside_a_new_version_is_a_new_file(tmp_path: Path, look) -> None:
    path = put(tmp_path / "1.mp3", b"one")
    known = known_of(path)
    path.rename(tmp_path / "1 backup.mp3")
    put(path, b"another")
    change = look(scanner(), tmp_path, known, path, tmp_path / "1 backup.mp3")
    assert [seen.path for seen in change.altered] == [path]
    assert [seen.path for seen in change.landed] == [tmp_path / "1 backup.mp3"]

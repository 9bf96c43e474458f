import asyncio
import errno
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from watchdog.observers.api import BaseObserver

from cratehand.domain.folders import WatchedFolder
from cratehand.watch import IgnoreRules, MountTable, WatchdogWatcher
from cratehand.watch.folder_guard import WatchingSystem
from cratehand.watch.mounts import Mount
from cratehand.watch.observers import linked_folders, make_native_observer

SETTLE_S = 0.2
LOCAL = MountTable([])

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="inotify")


class Batches:
    """Reads the batches of a watcher in the background."""

    def __init__(self) -> None:
        self.batches: list[frozenset[Path]] = []
        self.arrived = asyncio.Event()

    @property
    def paths(self) -> set[Path]:
        return set().union(*self.batches)

    async def read(self, watcher: WatchdogWatcher) -> None:
        async for batch in watcher.batches():
            self.batches.append(batch)
            self.arrived.set()

    async def until(self, expected: Callable[[set[Path]], bool], *, within_s: float = 15.0) -> set[Path]:
        async with asyncio.timeout(within_s):
            while not expected(self.paths):
                self.arrived.clear()
                await self.arrived.wait()
        return self.paths

    async def until_has(self, *paths: Path) -> set[Path]:
        return await self.until(lambda seen: set(paths) <= seen)

    def forget(self) -> None:
        self.batches.clear()


@asynccontextmanager
async def watching(
    *folders: Path, polling: bool = False, **options: object
) -> AsyncIterator[tuple[WatchdogWatcher, Batches]]:
    settings: dict[str, object] = {
        "ignore": IgnoreRules(), "settle_s": SETTLE_S, "check_interval_s": 0.1, "poll_interval_s": 0.2,
        "system": WatchingSystem(read_mounts=lambda: LOCAL),
    } | options  # fmt: skip
    watcher = WatchdogWatcher(**settings)  # type: ignore[arg-type]
    batches = Batches()
    await watcher.start()
    for folder in folders:
        await watcher.watch(WatchedFolder(path=folder, added_at_s=0.0, polling=polling))
    reader = asyncio.create_task(batches.read(watcher))
    try:
        yield watcher, batches
    finally:
        began_s = time.monotonic()
        await watcher.stop()
        assert time.monotonic() - began_s < 1.5, "one second, and half of one for a busy computer"
        async with asyncio.timeout(1.0):
            await reader


@pytest.mark.parametrize("polling", [False, True])
async def test_a_new_file_is_told_once_it_is_calm(tmp_path: Path, polling: bool) -> None:
    async with watching(tmp_path, polling=polling) as (_, batches):
        path = tmp_path / "a.mp3"
        path.write_bytes(b"sound")
        assert await batches.until_has(path) == {path}


@pytest.mark.parametrize("polling", [False, True])
async def test_changes_deletions_and_new_folders_are_told(tmp_path: Path, polling: bool) -> None:
    changed, deleted = tmp_path / "changed.mp3", tmp_path / "deleted.mp3"
    for path in (changed, deleted):
        path.write_bytes(b"sound")
    async with watching(tmp_path, polling=polling) as (_, batches):
        changed.write_bytes(b"other sound")
        deleted.unlink()
        new = tmp_path / "x" / "y" / "a.mp3"
        new.parent.mkdir(parents=True)
        new.write_bytes(b"sound")
        await batches.until(lambda seen: {changed, deleted} <= seen and bool(seen & {new, *new.parents[:2]}))


async def test_three_thousand_files_come_in_few_batches_and_none_is_lost(tmp_path: Path) -> None:
    async with watching(tmp_path, settle_s=0.4) as (_, batches):
        paths = {tmp_path / f"{n % 30}" / f"{n}.mp3" for n in range(3000)}

        def copy() -> None:
            for path in sorted(paths):
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(b"sound")

        await asyncio.to_thread(copy)
        await batches.until(lambda seen: all(path in seen or path.parent in seen for path in paths))
        assert len(batches.batches) <= 12


async def test_a_slow_writer_is_waited_for(tmp_path: Path) -> None:
    async with watching(tmp_path) as (_, batches):
        path = tmp_path / "a.wav"
        with path.open("wb", buffering=0) as file:
            for _ in range(8):
                file.write(b"x" * 1000)
                await asyncio.sleep(SETTLE_S / 2)
            assert not batches.paths
        await batches.until_has(path)
        assert path.stat().st_size == 8000


@linux_only
async def test_a_writer_that_pauses_is_waited_for_until_it_closes_the_file(tmp_path: Path) -> None:
    async with watching(tmp_path) as (_, batches):
        path = tmp_path / "a.wav"
        with path.open("wb", buffering=0) as file:
            file.write(b"x")
            await asyncio.sleep(SETTLE_S * 4)
            assert not batches.paths
        await batches.until_has(path)


@linux_only
async def test_a_writer_that_never_closes_its_file_is_not_waited_for_forever(tmp_path: Path) -> None:
    async with watching(tmp_path, write_patience_s=0.5) as (_, batches):
        path = tmp_path / "a.wav"
        with path.open("wb", buffering=0) as file:
            file.write(b"x")
            await batches.until_has(path)


async def test_both_ends_of_a_move_are_in_one_batch(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    (one / "a.mp3").write_bytes(b"sound")
    async with watching(tmp_path) as (_, batches):
        (one / "a.mp3").rename(two / "b.mp3")
        await batches.until_has(one / "a.mp3", two / "b.mp3")
        assert len(batches.batches) == 1


async def test_a_renamed_folder_stands_for_its_files(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    for number in range(100):
        (before / f"{number}.mp3").write_bytes(b"sound")
    async with watching(tmp_path) as (_, batches):
        before.rename(after)
        assert await batches.until_has(before, after) == {before, after}
        batches.forget()
        new = after / "later.mp3"
        new.write_bytes(b"sound")
        assert await batches.until_has(new) == {new}


async def test_a_folder_that_leaves_and_one_that_arrives_are_told(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "leaves").mkdir(parents=True)
    (outside / "arrives" / "deep").mkdir(parents=True)
    (outside / "arrives" / "deep" / "a.mp3").write_bytes(b"sound")
    async with watching(root) as (_, batches):
        (root / "leaves").rename(outside / "left")
        (outside / "arrives").rename(root / "arrived")
        await batches.until_has(root / "leaves", root / "arrived")
        batches.forget()
        new = root / "arrived" / "deep" / "b.mp3"
        new.write_bytes(b"sound")
        await batches.until_has(new)


async def test_partial_downloads_and_what_is_never_music_are_not_told(tmp_path: Path) -> None:
    (tmp_path / "PIONEER").mkdir()
    async with watching(tmp_path, ignore=IgnoreRules(["Loops"])) as (_, batches):
        for name in ("cover.jpg", "._a.mp3", "PIONEER/a.mp3", "b.mp3.part"):
            (tmp_path / name).write_bytes(b"x")
        (tmp_path / "Loops").mkdir()
        (tmp_path / "Loops" / "a.wav").write_bytes(b"x")
        (tmp_path / "b.mp3.part").rename(tmp_path / "b.mp3")
        assert await batches.until_has(tmp_path / "b.mp3") == {tmp_path / "b.mp3"}


ODD_NAMES = ["new\nline.mp3", "日本 🎧.mp3", "x" * 251 + ".mp3", os.fsdecode(b"latin \xe9.mp3"), "e\u0301.mp3"]


@pytest.mark.parametrize("polling", [False, True])
async def test_odd_names_arrive_unchanged(tmp_path: Path, polling: bool) -> None:
    async with watching(tmp_path, polling=polling) as (_, batches):
        for name in ODD_NAMES:
            (tmp_path / name).write_bytes(b"sound")
        assert await batches.until_has(*(tmp_path / name for name in ODD_NAMES)) == {
            tmp_path / name for name in ODD_NAMES
        }


@pytest.mark.parametrize("polling", [False, True])
async def test_a_folder_that_goes_and_comes_back_is_watched_again(tmp_path: Path, polling: bool) -> None:
    root, away = tmp_path / "usb", tmp_path / "unplugged"
    root.mkdir()
    async with watching(root, polling=polling) as (_, batches):
        root.rename(away)
        await batches.until_has(root)
        batches.forget()
        (away / "changed meanwhile.mp3").write_bytes(b"sound")
        away.rename(root)
        await batches.until_has(root)
        batches.forget()
        (root / "a.mp3").write_bytes(b"sound")
        await batches.until_has(root / "a.mp3")


async def test_a_folder_that_is_replaced_in_an_instant_is_noticed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    async with watching(root) as (_, batches):
        for _ in range(3):
            batches.forget()
            shutil.rmtree(root)
            root.mkdir()
            await batches.until_has(root)
            batches.forget()
            await asyncio.sleep(0.4)
            (root / "a.mp3").write_bytes(b"sound")
            await batches.until(lambda seen: bool(seen & {root, root / "a.mp3"}))


@pytest.mark.parametrize("polling", [False, True])
async def test_a_folder_that_is_not_there_yet_is_watched_when_it_appears(tmp_path: Path, polling: bool) -> None:
    root = tmp_path / "later"
    async with watching(root, polling=polling) as (_, batches):
        root.mkdir()
        (root / "a.mp3").write_bytes(b"sound")
        await batches.until_has(root)


async def test_nothing_is_lost_between_watching_and_reading(tmp_path: Path) -> None:
    watcher = WatchdogWatcher(ignore=IgnoreRules(), settle_s=0.1)
    await watcher.watch(WatchedFolder(path=tmp_path, added_at_s=0.0))
    await watcher.start()
    (tmp_path / "a.mp3").write_bytes(b"sound")
    await asyncio.sleep(0.5)
    async with asyncio.timeout(5.0):
        async for batch in watcher.batches():
            assert batch == {tmp_path / "a.mp3"}
            break
    await watcher.stop()


async def test_an_unwatched_folder_is_silent_and_the_others_are_not(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    async with watching(one, two) as (watcher, batches):
        await watcher.unwatch(one)
        for folder in (one, two):
            (folder / "a.mp3").write_bytes(b"sound")
        assert await batches.until_has(two / "a.mp3") == {two / "a.mp3"}


async def test_growing_files_can_be_handed_back(tmp_path: Path) -> None:
    async with watching(tmp_path) as (watcher, batches):
        began_s = time.monotonic()
        await asyncio.to_thread(watcher.look_again, [tmp_path / "a.mp3"])
        await batches.until_has(tmp_path / "a.mp3")
        assert time.monotonic() - began_s >= SETTLE_S


async def test_a_linked_folder_is_watched_under_its_link(tmp_path: Path) -> None:
    root, outside, later = tmp_path / "root", tmp_path / "outside", tmp_path / "later"
    for folder in (root, outside, later):
        folder.mkdir()
    (root / "link").symlink_to(outside)
    (tmp_path / "root link").symlink_to(root)
    seen_root = tmp_path / "root link"
    async with watching(seen_root) as (_, batches):
        (outside / "a.mp3").write_bytes(b"sound")
        (root / "b.mp3").write_bytes(b"sound")
        await batches.until_has(seen_root / "link" / "a.mp3", seen_root / "b.mp3")
        (root / "new link").symlink_to(later)
        await batches.until_has(seen_root / "new link")
        (later / "c.mp3").write_bytes(b"sound")
        await batches.until_has(seen_root / "new link" / "c.mp3")


def test_links_that_lead_back_are_not_watched_twice(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "x").mkdir(parents=True)
    outside.mkdir()
    for name, target in {"up": root, "top": tmp_path, "1": outside, "2": outside, "gone": tmp_path / "no"}.items():
        (root / "x" / name).symlink_to(target)
    (outside / "back").symlink_to(root)
    assert linked_folders(str(root), IgnoreRules()) == [(str(outside), str(root / "x" / "1"))]


async def test_loops_of_links_do_not_hang_a_poll(tmp_path: Path) -> None:
    for a in range(6):
        (tmp_path / f"{a}").mkdir()
        for b in range(6):
            (tmp_path / f"{a}" / f"to {b}").symlink_to(tmp_path / f"{b}")
    async with watching(tmp_path, polling=True) as (_, batches):
        (tmp_path / "3" / "a.mp3").write_bytes(b"sound")
        await batches.until(lambda seen: any(path.name == "a.mp3" for path in seen))


async def test_a_network_folder_is_polled(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = MountTable([Mount(place="/", file_system="nfs4")])
    with caplog.at_level(logging.INFO):
        async with watching(tmp_path, system=WatchingSystem(read_mounts=lambda: table)) as (_, batches):
            (tmp_path / "a.mp3").write_bytes(b"sound")
            await batches.until_has(tmp_path / "a.mp3")
    assert "by polling" in caplog.text


def refuse(_limit: Callable[[], None], _overflow: Callable[[], None]) -> BaseObserver:
    raise OSError(errno.EMFILE, "inotify instance limit reached")


async def test_at_the_limit_of_the_system_the_folder_is_polled_and_the_log_says_how_to_raise_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching(tmp_path, system=WatchingSystem(make_observer=refuse)) as (_, batches):
        (tmp_path / "a.mp3").write_bytes(b"sound")
        await batches.until_has(tmp_path / "a.mp3")
    assert len([record for record in caplog.records if "max_user_watches" in record.message]) == 1


LIMITED = """
import asyncio, sys
from pathlib import Path
from tests.unit.watch.test_watcher import watching
root = Path(sys.argv[1])
async def main():
    async with watching(root) as (_, batches):
        (root / "7" / "a.mp3").write_bytes(b"sound")
        await batches.until_has(root / "7" / "a.mp3")
asyncio.run(main())
"""


@linux_only
def test_a_limit_that_hits_a_folder_deep_inside_is_noticed(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / str(number)).mkdir()
    # A user namespace has limits of its own.
    limited = ["unshare", "--user", "--map-root-user", "sh", "-c",
               'echo 5 > /proc/sys/user/max_inotify_watches && exec "$@"', "sh"]  # fmt: skip
    if (
        shutil.which("unshare") is None
        or subprocess.run([*limited, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("user namespaces are not allowed here")
    done = subprocess.run(
        [*limited, sys.executable, "-c", LIMITED, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("max_user_watches") == 1


@linux_only
async def test_after_lost_events_the_whole_folder_is_told(tmp_path: Path) -> None:
    from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, Mask, WatchDescriptor

    made: list[BaseObserver] = []

    def make(limit: Callable[[], None], overflow: Callable[[], None]) -> BaseObserver:
        made.append(make_native_observer(limit, overflow))
        return made[-1]

    (tmp_path / "x").mkdir()
    async with watching(tmp_path, system=WatchingSystem(make_observer=make)) as (_, batches):
        lost = InotifyEvent(WatchDescriptor(-1), Mask(InotifyConstants.IN_Q_OVERFLOW), 0, b"")
        made[0]._inotify.handle_event(lost)  # type: ignore[attr-defined]
        await batches.until_has(tmp_path)
        (tmp_path / "x" / "a.mp3").write_bytes(b"sound")
        await batches.until_has(tmp_path / "x" / "a.mp3")


async def test_a_broken_observer_is_replaced(tmp_path: Path) -> None:
    made: list[BaseObserver] = []

    def make(limit: Callable[[], None], overflow: Callable[[], None]) -> BaseObserver:
        made.append(make_native_observer(limit, overflow))
        return made[-1]

    async with watching(tmp_path, system=WatchingSystem(make_observer=make)) as (_, batches):
        made[0].stop()
        await batches.until_has(tmp_path)
        (tmp_path / "a.mp3").write_bytes(b"sound")
        await batches.until_has(tmp_path / "a.mp3")


class Unanswering:
    """Mounts of a system that does not answer, as with a dead network share."""

    def __init__(self) -> None:
        self.answer = threading.Event()

    def read(self) -> MountTable:
        self.answer.wait(20.0)
        return LOCAL


async def test_a_folder_that_hangs_does_not_keep_the_watcher_from_stopping(tmp_path: Path) -> None:
    hanging = Unanswering()
    watcher = WatchdogWatcher(ignore=IgnoreRules(), settle_s=0.1, system=WatchingSystem(read_mounts=hanging.read))
    await watcher.start()
    arming = asyncio.create_task(watcher.watch(WatchedFolder(path=tmp_path, added_at_s=0.0)))
    await asyncio.sleep(0.1)
    began_s = time.monotonic()
    await watcher.stop()
    assert time.monotonic() - began_s < 1.0
    hanging.answer.set()
    async with asyncio.timeout(5.0):
        await arming


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    process = psutil.Process()
    async with watching(tmp_path):
        pass
    threads, handles = threading.active_count(), process.num_fds() if sys.platform != "win32" else 0
    for polling in (False, True) * 3:
        async with watching(tmp_path, polling=polling) as (_, batches):
            (tmp_path / f"{polling}{time.monotonic_ns()}.mp3").write_bytes(b"sound")
            await batches.until(lambda seen: len(seen) == 1)
    for _ in range(50):
        if threading.active_count() <= threads:
            break
        await asyncio.sleep(0.02)
    assert threading.active_count() <= threads
    if sys.platform != "win32":
        assert process.num_fds() <= handles

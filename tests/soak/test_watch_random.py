import asyncio
import random
import shutil
import unicodedata
from pathlib import Path

import pytest

from cratehand.domain.folders import KnownFile, WatchedFolder
from cratehand.domain.track import Presence
from cratehand.watch import DiskScanner, IgnoreRules, MountTable, WatchdogWatcher
from cratehand.watch.folder_guard import WatchingSystem
from tests.unit.watch.disk import SystemClock, apply
from tests.unit.watch.random_disk import NAMES, RandomDisk, check_random_life, normal

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("seed", range(1000, 1100))
def test_reports_add_up_to_what_is_there_whatever_people_do(tmp_path: Path, seed: int) -> None:
    check_random_life(tmp_path, seed, steps=400)


@pytest.mark.parametrize("polling", [False, True])
@pytest.mark.parametrize("seed", range(10))
async def test_events_alone_keep_the_catalogue_true(tmp_path: Path, seed: int, polling: bool) -> None:
    """Without a single sweep: what the watcher tells is enough.

    Only where both Unicode forms of one path are on the disk it takes a sweep to find the other one when one goes.
    """
    disk = RandomDisk(
        tmp_path, seed, [name for name in NAMES if name.isascii() or unicodedata.is_normalized("NFC", name)]
    )
    (tmp_path / "always.mp3").write_bytes(b"keeps the folder from looking unmounted")
    known: list[KnownFile] = []
    watcher = WatchdogWatcher(
        ignore=IgnoreRules(),
        settle_s=0.2,
        poll_interval_s=0.2,
        check_interval_s=0.1,
        system=WatchingSystem(read_mounts=lambda: MountTable([])),
    )
    scanner = DiskScanner(ignore=IgnoreRules(), clock=SystemClock(), settle_s=0.2, on_growing=watcher.look_again)
    await watcher.start()
    await watcher.watch(WatchedFolder(path=tmp_path, added_at_s=0.0, polling=polling))
    known = apply(scanner.sweep([tmp_path], known), known)

    async def keep_up() -> None:
        nonlocal known
        async for batch in watcher.batches():
            known = apply(scanner.look_at(batch, [tmp_path], known), known)

    keeper = asyncio.create_task(keep_up())
    luck = random.Random(seed)
    for _ in range(40):
        for _ in range(luck.randint(1, 30)):
            disk.step()
        await asyncio.sleep(luck.uniform(0.0, 0.6))
    for _ in range(200):
        there = {normal(path) for path in disk.audio()}
        present = {normal(file.path) for file in known if file.presence is Presence.PRESENT}
        present = {path for path in present if not is_linked(path)}
        if there == present or keeper.done():
            break
        await asyncio.sleep(0.1)
    assert there == present, (there ^ present, disk.done[-40:])
    await watcher.stop()
    await keeper


async def test_a_burst_of_fifty_thousand_files_is_complete(tmp_path: Path) -> None:
    watcher = WatchdogWatcher(ignore=IgnoreRules(), settle_s=0.5)
    await watcher.start()
    await watcher.watch(WatchedFolder(path=tmp_path, added_at_s=0.0))
    paths = {tmp_path / f"{n % 500}" / f"{n}.mp3" for n in range(50_000)}

    def copy() -> None:
        for path in sorted(paths):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"sound")

    copying = asyncio.create_task(asyncio.to_thread(copy))
    batches = 0
    async with asyncio.timeout(300.0):
        async for batch in watcher.batches():
            batches += 1
            told = set(batch)
            paths = {path for path in paths if path not in told and path.parent not in told and tmp_path not in told}
            if copying.done() and not paths:
                break
    await watcher.stop()
    assert batches < 200
    shutil.rmtree(tmp_path)


def is_linked(path: str) -> bool:
    return normal(Path(path).resolve()) != path

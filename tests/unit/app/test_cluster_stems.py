"""Separation on a real Dask cluster: the same bits as here, whatever dies on the way."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import soundfile

from cratehand.app.cluster import ClusterExecutor
from cratehand.app.cluster_stems import ClusterStems
from cratehand.app.process_lock import held_lock
from cratehand.audio.decode import FileReader
from cratehand.audio.digest import AudioDigester
from cratehand.audio.stem_file import StemFilePacker
from cratehand.audio.write import FileWriter
from cratehand.domain.errors import NotFoundError, UnavailableError
from cratehand.domain.stem import StemOrder
from cratehand.usecases.stem_cache import StemCache
from cratehand.usecases.stem_queue import StoppedWorkError
from cratehand.usecases.stem_separation import StemSeparation, StemTools
from tests import signals
from tests.audio_files import write_audio
from tests.dask_cluster import running_cluster
from tests.fakes.stem_worker import separate_on_cluster
from tests.fakes.stems import KnownSeparator


class Writing:
    """What writes the stems on this device; keeps what it was asked."""

    def __init__(self) -> None:
        self.orders: list[StemOrder] = []

    def run(self, order: StemOrder, *, on_progress: Callable[[float], None], stopped: threading.Event) -> None:
        self.orders.append(order)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_cluster(tmp_path_factory.mktemp("cluster"), workers=[(), ("--resources", "GPU=1")]) as cluster:
        with ClusterExecutor(cluster.address, connect_s=120.0) as executor:
            began_s = time.monotonic()
            while executor.look() < 2:
                assert time.monotonic() - began_s < 120.0, "both workers are there"
                time.sleep(0.1)
        yield cluster.address


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_audio(tmp_path / "song.flac", signals.stereo(signals.noise(duration_s=5.0)))


@pytest.fixture
def there(tmp_path: Path) -> Path:
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


def on(address: str, here: Path, writing: Writing, **more: object) -> ClusterStems:
    connect = partial(ClusterExecutor, address, connect_s=120.0, **more)
    return using(connect, here, writing)


def using(connect: Callable[[], ClusterExecutor], here: Path, writing: Writing) -> ClusterStems:
    return ClusterStems(connect, cache=here / "stems", here=writing, cached_as=cached_as, task=separate_on_cluster)


def cached_as(model: str) -> str | None:
    """The workers of these tests take a folder for a model, and make stems of ``known-1`` whatever it is."""
    return "known-1" if Path(model).is_dir() else None


def nowhere() -> ClusterExecutor:
    raise AssertionError("the cluster was asked")


def made_here(song: Path, folder: Path) -> dict[str, bytes]:
    tools = StemTools(
        reader=FileReader(), writer=FileWriter(), digester=AudioDigester(), packer=StemFilePacker(), lock=held_lock
    )
    files = StemSeparation(tools, KnownSeparator(), cache=folder).separate(song, out=None)
    return {file.kind.value: Path(file.path).read_bytes() for file in files}


def test_a_worker_dies_in_the_middle_and_the_stems_have_the_bits_of_this_device(
    address: str, song: Path, there: Path, tmp_path: Path
) -> None:
    writing, ended = Writing(), threading.Event()
    stems = on(address, tmp_path, writing, resources={"GPU": 1.0})

    def kill() -> None:
        while not ended.is_set():
            if traces := list(there.glob("windows.*")):
                os.kill(int(traces[0].suffix[1:]), signal.SIGKILL)
                return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    progress: list[float] = []
    try:
        stems.run(StemOrder(path=str(song), model=str(there)), on_progress=progress.append, stopped=threading.Event())
    finally:
        ended.set()
        killer.join()
    assert len(list(there.glob("windows.*"))) == 2, "another process of the worker went on"
    (cached,) = StemCache(tmp_path / "stems").of(AudioDigester().digest(song))
    assert (cached.model, cached.is_complete) == ("known-1", True)
    assert {file.kind.value: Path(file.path).read_bytes() for file in cached.files} == made_here(
        song, tmp_path / "mine"
    )
    assert soundfile.info(cached.files[0].path).frames == soundfile.info(song).frames
    assert progress == [1.0]
    assert writing.orders == [], "nobody wanted them elsewhere"


def test_what_is_wanted_elsewhere_is_written_here_from_the_cache(
    address: str, song: Path, there: Path, tmp_path: Path
) -> None:
    writing = Writing()
    order = StemOrder(path=str(song), model=str(there), out=str(tmp_path))
    on(address, tmp_path, writing).run(order, on_progress=lambda _: None, stopped=threading.Event())
    assert [(each.model, each.out) for each in writing.orders] == [("known", str(tmp_path))]


def test_what_the_cache_has_is_not_made_there_again(song: Path, there: Path, tmp_path: Path) -> None:
    made_here(song, tmp_path / "stems")
    writing, progress = Writing(), list[float]()
    stems = using(nowhere, tmp_path, writing)
    order = StemOrder(path=str(song), model=str(there), out=str(tmp_path))
    stems.run(order, on_progress=progress.append, stopped=threading.Event())
    assert progress == [1.0]
    assert [(each.model, each.out) for each in writing.orders] == [("known", str(tmp_path))]


@pytest.mark.parametrize("lacks", ["peaks.json", "model"])
def test_what_the_cache_has_half_or_of_another_model_is_made_there(
    lacks: str, song: Path, there: Path, tmp_path: Path
) -> None:
    made_here(song, tmp_path / "stems")
    (cached,) = StemCache(tmp_path / "stems").of(AudioDigester().digest(song))
    if lacks == "peaks.json":
        Path(cached.files[0].path).with_name("peaks.json").unlink()
    else:
        there.rmdir()
    with pytest.raises(AssertionError, match="the cluster was asked"):
        using(nowhere, tmp_path, Writing()).run(
            StemOrder(path=str(song), model=str(there)), on_progress=lambda _: None, stopped=threading.Event()
        )


def test_stopping_ends_the_work_there_within_a_window(address: str, there: Path, tmp_path: Path) -> None:
    long = write_audio(tmp_path / "long.flac", signals.stereo(signals.noise(duration_s=180.0)))
    stopped = threading.Event()

    def windows() -> int:
        return sum(trace.stat().st_size for trace in there.glob("windows.*"))

    def stop() -> None:
        while not windows():
            time.sleep(0.01)
        stopped.set()

    stopping = threading.Thread(target=stop)
    stopping.start()
    with pytest.raises(StoppedWorkError):
        on(address, tmp_path, Writing()).run(
            StemOrder(path=str(long), model=str(there)), on_progress=lambda _: None, stopped=stopped
        )
    stopping.join()
    last, calm_since_s = windows(), time.monotonic()
    while time.monotonic() - calm_since_s < 2.0:
        time.sleep(0.05)
        if windows() != last:
            last, calm_since_s = windows(), time.monotonic()
    assert last < 200, "of the 353 windows many were not made"


def test_stopping_leaves_nothing_half_done(address: str, song: Path, there: Path, tmp_path: Path) -> None:
    stopped = threading.Event()
    threading.Timer(0.3, stopped.set).start()
    with pytest.raises(StoppedWorkError):
        on(address, tmp_path, Writing()).run(
            StemOrder(path=str(song), model=str(there)), on_progress=lambda _: None, stopped=stopped
        )
    assert StemCache(tmp_path / "stems").of(AudioDigester().digest(song)) == []


def test_a_missing_file_and_a_worker_that_nobody_offers_are_told(
    address: str, song: Path, there: Path, tmp_path: Path
) -> None:
    run = {"on_progress": lambda _: None, "stopped": threading.Event()}
    with pytest.raises(NotFoundError, match=r"gone.flac"):
        on(address, tmp_path, Writing()).run(StemOrder(path=str(tmp_path / "gone.flac"), model=str(there)), **run)
    with pytest.raises(UnavailableError, match=r"no worker of .* offers TPU=1"):
        on(address, tmp_path, Writing(), resources={"TPU": 1.0}).run(StemOrder(path=str(song), model=str(there)), **run)

"""Analyses on a real Dask cluster: the same bits as here, whatever dies on the way."""

import dataclasses
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import pytest

from cratehand.app.cluster import ClusterExecutor, require_same_versions
from cratehand.app.cluster_check import check_cluster
from cratehand.app.cluster_task import run_there
from cratehand.app.finding import Finding
from cratehand.app.settings import AnalysisSettings, Settings
from cratehand.app.shared_folders import SharedFolder, parse_resource, parse_shared_folders, path_there
from cratehand.app.worker import read_file
from cratehand.app.workers import make_executor
from cratehand.domain.errors import CorruptFileError, InvalidInputError, UnavailableError, UnsupportedError
from cratehand.domain.track_analysis import FileReading
from tests.audio_files import write_audio
from tests.dask_cluster import Cluster, running_cluster
from tests.music import groove


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    workers = [(), ("--resources", "GPU=1")]
    with running_cluster(tmp_path_factory.mktemp("cluster"), workers=workers, deaths=2) as running:
        yield running


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("music")
    tempos = (118.0, 122.0, 126.0)
    return [write_audio(folder / f"{bpm}.flac", groove(tempo_bpm=bpm, bars=4).samples) for bpm in tempos]


@pytest.fixture
def executor(cluster: Cluster) -> Iterator[ClusterExecutor]:
    made = ClusterExecutor(cluster.address, connect_s=120.0)
    yield made
    made.shutdown()


def read_and_tell(path: str, told: str) -> FileReading:
    """Read a file as a worker does, after saying which process does it."""
    (Path(told) / str(os.getpid())).touch()
    time.sleep(1.0)
    return read_file(path)


def die(_path: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def resources_here(_path: str) -> dict[str, float]:
    from distributed import get_worker

    return dict(get_worker().state.total_resources)


def bits(value: Any) -> Any:
    """Return everything in a value as something that compares bit by bit; but not how long it took."""
    if dataclasses.is_dataclass(value):
        names = [each.name for each in dataclasses.fields(value) if each.name != "seconds_spent"]
        return {name: bits(getattr(value, name)) for name in names}
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, Mapping):
        return {key: bits(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [bits(item) for item in value]
    return value.hex() if isinstance(value, float) else value


def wait_until(is_so: Callable[[], object]) -> None:
    began_s = time.monotonic()
    while not is_so():
        assert time.monotonic() - began_s < 200.0
        time.sleep(0.05)


def test_a_worker_dies_in_the_middle_and_every_result_has_the_bits_of_the_process_pool(
    executor: ClusterExecutor, music: list[Path], tmp_path: Path
) -> None:
    futures = [executor.submit(read_and_tell, str(path), str(tmp_path)) for path in music]
    wait_until(lambda: list(tmp_path.iterdir()))
    os.kill(int(next(tmp_path.iterdir()).name), signal.SIGKILL)
    there = [future.result(120) for future in futures]
    pool = make_executor(1)
    try:
        here = [pool.submit(read_file, str(path)).result(120) for path in music]
    finally:
        pool.shutdown()
    assert [bits(reading) for reading in there] == [bits(reading) for reading in here]
    assert all(reading.analysis is not None for reading in there)
    wait_until(lambda: executor.width == 2)


def test_a_file_that_kills_its_workers_again_and_again_fails_by_itself(executor: ClusterExecutor) -> None:
    with pytest.raises(CorruptFileError, match=r"/music/deadly.mp3: it killed every worker"):
        executor.submit(die, "/music/deadly.mp3").result(120)
    assert executor.submit(os.getpid).result(120) != os.getpid()


def test_workers_that_see_the_music_elsewhere_read_it_and_the_answer_speaks_of_the_path_here(
    cluster: Cluster, music: list[Path], tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.symlink_to(music[0].parent)
    broken = write_broken(music[0].parent / "broken.flac")
    folders = [SharedFolder(here=here, there=tmp_path / "there")]
    (tmp_path / "there").symlink_to(music[0].parent)
    executor = ClusterExecutor(cluster.address, folders=folders, connect_s=120.0)
    try:
        reading = executor.submit(read_file, str(here / music[0].name)).result(120)
        failed = executor.submit(read_file, str(here / broken.name)).result(120)
    finally:
        executor.shutdown()
        broken.unlink()
    assert (reading.path, reading.errors) == (str(here / music[0].name), ())
    assert failed.errors
    assert str(here) in failed.errors[0]
    assert "there" not in failed.errors[0]


def write_broken(path: Path) -> Path:
    path.write_bytes(b"fLaC" + bytes(100))
    return path


def test_a_task_that_was_cancelled_ends_at_once(executor: ClusterExecutor) -> None:
    busy = executor.submit(time.sleep, 2.0)
    assert busy.cancel()
    assert busy.cancelled()
    assert executor.submit(os.getpid).result(120)


def test_tasks_with_a_resource_run_where_it_is_offered_and_say_so_where_nobody_does(cluster: Cluster) -> None:
    fitting = ClusterExecutor(cluster.address, resources={"GPU": 1}, connect_s=120.0)
    wanting = ClusterExecutor(cluster.address, resources={"TPU": 1}, connect_s=120.0)

    found: list[object] = []

    def is_there() -> bool:
        # A worker that an earlier test killed may be on its way back, or be missed once more when the machine is busy.
        futures = [fitting.submit(resources_here, "") for _ in range(4)]
        try:
            found[:] = [future.result(120) for future in futures]
        except UnavailableError:
            return False
        return True

    try:
        wait_until(is_there)
        assert found == [{"GPU": 1.0}] * 4
        with pytest.raises(UnavailableError, match=r'no worker .* offers TPU=1: .*--resources "TPU=1"'):
            wanting.submit(os.getpid).result(120)
    finally:
        fitting.shutdown()
        wanting.shutdown()


def test_a_scheduler_that_goes_away_costs_no_task_its_end(tmp_path: Path) -> None:
    with running_cluster(tmp_path, workers=()) as alone:
        executor = ClusterExecutor(alone.address, connect_s=120.0)
        # Nobody is there to run it, so it waits.
        waiting = executor.submit(os.getpid)
        wait_until(lambda: "Receive client connection" in (tmp_path / "dask.log").read_text())
        os.kill(alone.scheduler.pid, signal.SIGKILL)
        with pytest.raises(UnavailableError, match=r"does not answer|lost the task|takes no task"):
            waiting.result(120)
        executor.shutdown()


def test_a_scheduler_that_is_not_there_is_said_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    executor = ClusterExecutor(f"tcp://127.0.0.1:{port}", connect_s=0.5)
    with pytest.raises(UnavailableError, match="does not answer"):
        executor.look()
    with pytest.raises(UnavailableError, match=rf"127.0.0.1:{port} .*does not answer: `dask scheduler` starts one"):
        executor.submit(os.getpid).result(60)
    assert executor.width == 1
    executor.shutdown()
    with pytest.raises(UnavailableError):
        executor.submit(os.getpid)


def test_doctor_says_how_the_cluster_stands(cluster: Cluster) -> None:
    def said(**analysis: object) -> Finding | None:
        return check_cluster(Settings(analysis=AnalysisSettings(**analysis)))  # type: ignore[arg-type]

    assert said() is None
    wait_until(lambda: "reads 2 files at once" in str(said(cluster=cluster.address)))
    nobody = said(cluster="tcp://127.0.0.1:9")
    assert nobody is not None
    assert "does not answer" in nobody.finding


@pytest.mark.parametrize("rule", ["GPU", "GPU=", "=1", "GPU=0", "GPU=-1", "GPU=nan", "GPU=inf"])
def test_what_is_no_resource_is_refused(rule: str) -> None:
    with pytest.raises(InvalidInputError, match="is no resource of a worker"):
        parse_resource(rule)


def test_the_usual_port_of_dask_need_not_be_written() -> None:
    assert ClusterExecutor("tcp://studio").address == "tcp://studio:8786"


def test_a_worker_with_another_cratehand_refuses() -> None:
    with pytest.raises(UnsupportedError, match=r"this device has 9\.9\.9: install the same"):
        run_there("9.9.9", os.getpid, ())


def versions(**workers: str) -> dict[str, Any]:
    def one(dask: str) -> dict[str, Any]:
        return {"packages": {"distributed": dask, "python": "3.11.7.final.0", "numpy": "2.4.6"}}

    return {"client": one("1"), "scheduler": one("1"), "workers": {name: one(dask) for name, dask in workers.items()}}


def test_everybody_has_to_have_the_same_dask() -> None:
    require_same_versions(versions(a="1", b="1"))
    with pytest.raises(UnsupportedError, match="the worker b has Dask 2 instead of 1: install the same cratehand"):
        require_same_versions(versions(a="1", b="2"))


@pytest.mark.parametrize(
    ("rule", "path", "there"),
    [
        ("/Users/anna/Music=/mnt/music", "/Users/anna/Music/a/b.mp3", "/mnt/music/a/b.mp3"),
        ("/Users/anna/Music=/mnt/music", "/Users/anna/Musical/b.mp3", "/Users/anna/Musical/b.mp3"),
        ("C:\\Music=/mnt/music", "c:\\music\\Über\\b.mp3", "/mnt/music/Über/b.mp3"),
        ("/mnt/music=M:\\", "/mnt/music/a/b.mp3", "M:\\a\\b.mp3"),
    ],
)
def test_paths_are_told_as_the_workers_see_them(rule: str, path: str, there: str) -> None:
    assert path_there(path, parse_shared_folders([rule])) == there


def test_the_innermost_shared_folder_counts() -> None:
    folders = parse_shared_folders(["/a=/x", "/a/b=/y"])
    assert path_there("/a/b/c", folders) == "/y/c"
    assert folders[0] == SharedFolder(here=PurePosixPath("/a/b"), there=PurePosixPath("/y"))
    assert isinstance(parse_shared_folders(["D:\\m=/m"])[0].here, PureWindowsPath)


@pytest.mark.parametrize("rule", ["/a", "a=/b", "/a=b", "=/b", "/a="])
def test_what_is_no_shared_folder_is_refused(rule: str) -> None:
    with pytest.raises(InvalidInputError, match="is no shared folder: write HERE=THERE"):
        parse_shared_folders([rule])

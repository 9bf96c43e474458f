"""How a daemon begins and ends, by its own will or not; afterwards nothing of it is left and nothing is lost."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from cratehand_api.v1 import daemon_pb2
from tests.e2e.catalogue_facts import analyses_of, check_catalogue, open_jobs
from tests.e2e.daemon_process import PATIENCE_S, DaemonProcess, command, wait_for
from tests.e2e.songs import write_long, write_song
from tests.fakes.rekordbox_database import FakeTrack, build_master_db

pytestmark = pytest.mark.timeout(300)


def stops_within_s() -> float:
    """Return how long the end may take: five seconds where two cores are ours; the tests may share theirs."""
    return 5.0 * max(1.0, os.getloadavg()[0] / 2)


def nothing_left(daemon: DaemonProcess, *, within_s: float = 5.0) -> None:
    """Assert that every process of the daemon's session has ended."""
    try:
        wait_for(lambda: not daemon.family(), timeout_s=within_s, what="the end of all processes")
    except TimeoutError:
        pytest.fail(f"left behind: {[(p.pid, p.cmdline()) for p in daemon.family()]}")


def test_sigterm_ends_it_cleanly_within_five_seconds_while_it_analyses(tmp_path: Path) -> None:
    # The m4a is decoded by ffmpeg, which has to go with its worker.
    path = write_long(tmp_path / "music" / "long.m4a", 0)
    with DaemonProcess(tmp_path / "data", "--watch", str(tmp_path / "music")) as daemon:
        daemon.wait_for(lambda: [p for p in daemon.family() if "ffmpeg" in p.name()], what="ffmpeg")
        daemon.wait_for(lambda: [job for job in daemon.all_jobs() if job.state == "running"], what="a running job")
        began_s = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - began_s < stops_within_s()
        nothing_left(daemon, within_s=2.0)
        assert not (tmp_path / "data" / "ready.json").exists()
        assert "Traceback" not in daemon.said()
    check_catalogue(tmp_path / "data")
    assert analyses_of(tmp_path / "data") == {str(path): 0}
    assert open_jobs(tmp_path / "data") == 1, "the interrupted job waits for the next start"


def test_ctrl_c_ends_it_too_and_a_second_signal_is_no_worse(tmp_path: Path) -> None:
    with DaemonProcess(tmp_path / "data") as daemon:
        daemon.signal(signal.SIGINT)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait(timeout_s=stops_within_s()) == 0
        assert "Traceback" not in daemon.said()
        nothing_left(daemon)


def test_a_signal_while_it_starts_ends_it_too(tmp_path: Path) -> None:
    starting = [DaemonProcess(tmp_path / f"data {number}") for number in range(3)]
    try:
        for number, daemon in enumerate(starting):
            time.sleep(0.1 + 0.3 * number)
            daemon.signal(signal.SIGTERM)
        for daemon in starting:
            assert daemon.wait() in {0, -signal.SIGTERM}
            assert "Traceback" not in daemon.said()
            assert not (daemon.data_dir / "ready.json").exists()
    finally:
        for daemon in starting:
            daemon.end()


def test_once_does_all_there_is_and_ends_with_zero(tmp_path: Path) -> None:
    songs = [write_song(tmp_path / "music" / f"{number}.wav", number, bars=2) for number in range(3)]
    (tmp_path / "music" / "broken.wav").write_bytes(b"RIFF broken")
    build_master_db(tmp_path / "master.db", [FakeTrack(title="Known", path=str(songs[0]), rating=5)])
    words = ["--once", "--watch", str(tmp_path / "music"), "--rekordbox", str(tmp_path / "master.db")]
    done = command(tmp_path / "data", "run", *words)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert not (tmp_path / "data" / "ready.json").exists()
    counted = Counter(analyses_of(tmp_path / "data").values())
    assert counted == {1: 3, 0: 1}
    again = command(tmp_path / "data", "run", *words)
    assert again.returncode == 0, again.stderr
    assert Counter(analyses_of(tmp_path / "data").values()) == counted, "nothing is done twice"


def test_once_says_so_and_ends_where_silence_was_asked_for(tmp_path: Path) -> None:
    write_song(tmp_path / "music" / "song.wav", 1, bars=2)
    with DaemonProcess(tmp_path / "data") as daemon:
        daemon.daemon.Pause(daemon_pb2.PauseRequest(), timeout=PATIENCE_S)
        assert daemon.stop() == 0
    words = ["run", "--once", "--watch", str(tmp_path / "music"), "--rekordbox", "off"]
    done = command(tmp_path / "data", *words, timeout_s=40.0)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.decode().splitlines() if line.startswith("cratehand: ")]
    assert "resume" in line


def test_once_with_a_database_that_can_not_be_read_is_one_clear_line(tmp_path: Path) -> None:
    write_song(tmp_path / "music" / "song.wav", 1, bars=2)
    (tmp_path / "master.db").write_bytes(os.urandom(8192))
    words = ["--once", "--watch", str(tmp_path / "music"), "--rekordbox", str(tmp_path / "master.db")]
    done = command(tmp_path / "data", "run", *words)
    said = done.stderr.decode()
    assert done.returncode == 1
    assert "Traceback" not in said
    (line,) = [line for line in said.splitlines() if line.startswith("cratehand: ")]
    assert "master.db" in line
    assert Counter(analyses_of(tmp_path / "data").values()) == {1: 1}, "the folder is done all the same"


def test_the_second_daemon_and_a_taken_port_are_refused_in_one_line(tmp_path: Path) -> None:
    with DaemonProcess(tmp_path / "data") as daemon:
        second = command(tmp_path / "data", "run", "--rekordbox", "off")
        assert second.returncode == 1
        (line,) = second.stderr.decode().splitlines()
        assert line.startswith("cratehand: ")
        assert str(daemon.pid) in line
        assert "--data-dir" in line
        assert daemon.status().uptime_s > 0, "the first one did not notice"
        port = daemon.ready["grpc"].rpartition(":")[2]
        taken = command(tmp_path / "other", "run", "--rekordbox", "off", servers__grpc_port=port)
    assert taken.returncode == 1
    (line,) = [line for line in taken.stderr.decode().splitlines() if line.startswith("cratehand: ")]
    assert port in line
    assert "grpc_port" in line
    assert "Traceback" not in taken.stderr.decode()
    assert not (tmp_path / "other" / "ready.json").exists()


def test_a_killed_daemon_leaves_no_worker_and_the_next_one_goes_on(tmp_path: Path) -> None:
    long = write_long(tmp_path / "music" / "a long one.m4a", 0)
    songs = [write_song(tmp_path / "music" / f"{number}.wav", number, bars=2) for number in range(1, 4)]
    with DaemonProcess(tmp_path / "data", "--watch", str(tmp_path / "music")) as daemon:
        daemon.wait_for(lambda: [p for p in daemon.family() if "ffmpeg" in p.name()], what="ffmpeg")
        daemon.set_track(songs[0], title="A person said so")
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        nothing_left(daemon)
    check_catalogue(tmp_path / "data")
    assert (tmp_path / "data" / "ready.json").exists()
    asked = command(tmp_path / "data", "status")
    assert asked.returncode == 1, "a file that the dead left behind deceives nobody"
    assert b"isn't running" in asked.stderr
    long.unlink()
    with DaemonProcess(tmp_path / "data", "--watch", str(tmp_path / "music")) as daemon:
        daemon.wait_until_idle(analysed=3)
        assert daemon.track(songs[0]).summary.title == "A person said so"
        assert daemon.stop() == 0
    counted = analyses_of(tmp_path / "data")
    assert {counted[str(song)] for song in songs} == {1}
    assert counted[str(long)] == 0
    check_catalogue(tmp_path / "data")

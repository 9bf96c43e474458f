"""A daemon that is killed again and again, at moments that chance chooses, while files land and a person corrects."""

import random
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from cratehand_api.v1 import library_pb2
from tests.audio_files import write_audio
from tests.e2e.catalogue_facts import analyses_of, check_catalogue
from tests.e2e.daemon_process import PATIENCE_S, DaemonProcess, wait_for
from tests.signals import noise

WORKERS_GONE_WITHIN_S = 5.0


@dataclass(kw_only=True)
class Tally:
    """What happened in all rounds."""

    rounds: int = 0
    before_ready: int = 0
    in_an_analysis: int = 0
    acknowledged: int = 0
    files: int = 0
    seconds: float = 0.0
    slowest_family_s: float = 0.0
    titles: dict[str, str] = field(default_factory=dict)
    """Track to the last title that the daemon acknowledged."""


class KillRounds:
    """Runs rounds on one music folder and one data folder.

    Args:
        root: An empty folder.
        seed: Chooses the moments.
        first_files: Files that are there at the beginning; each round lands two more.
    """

    def __init__(self, root: Path, *, seed: int, first_files: int) -> None:
        self._luck = random.Random(seed)
        self._music, self._data = root / "music", root / "data"
        self._music.mkdir()
        self.tally = Tally()
        for _ in range(first_files):
            self._land()

    def run(self, rounds: int) -> Tally:
        """Kill the daemon so many times, let the last one finish, and look whether anything is lost or doubled."""
        began_s = time.monotonic()
        for _ in range(rounds):
            self._round()
        with DaemonProcess(self._data, "--watch", str(self._music)) as daemon:
            daemon.wait_until_idle(analysed=self.tally.files, timeout_s=PATIENCE_S + 2.0 * self.tally.files)
            for track_id, title in self.tally.titles.items():
                assert daemon.track(track_id).summary.title == title
            assert {Path(track.path) for track in daemon.tracks()} == set(self._music.iterdir())
            assert "Traceback" not in daemon.said()
            assert daemon.stop() == 0
        check_catalogue(self._data)
        assert analyses_of(self._data) == {str(path): 1 for path in self._music.iterdir()}
        self.tally.seconds = time.monotonic() - began_s
        return self.tally

    def _round(self) -> None:
        tally = self.tally
        tally.rounds += 1
        for _ in range(2):
            self._land()
        if tally.rounds % 5 == 0:
            self._rename()
        daemon = DaemonProcess(self._data, "--watch", str(self._music))
        try:
            if self._luck.random() < 0.2:
                time.sleep(self._luck.uniform(0.0, 2.0))
            else:
                daemon.wait_until_ready()
                self._correct_until(daemon, time.monotonic() + self._luck.uniform(0.0, 4.0) ** 2 / 4.0)
            tally.before_ready += not (self._data / "ready.json").exists()
            daemon.process.kill()
            daemon.wait()
            killed_s = time.monotonic()
            wait_for(lambda: not daemon.family(), timeout_s=WORKERS_GONE_WITHIN_S, what="the end of the workers")
            tally.slowest_family_s = max(tally.slowest_family_s, time.monotonic() - killed_s)
        finally:
            daemon.end()
        (self._data / "ready.json").unlink(missing_ok=True)
        tally.in_an_analysis += self._has_running_job()
        if tally.rounds % 20 == 0:
            check_catalogue(self._data)

    def _correct_until(self, daemon: DaemonProcess, end_s: float) -> None:
        """Be a person who corrects titles; what was acknowledged has to be there for ever."""
        while time.monotonic() < end_s:
            request = library_pb2.ListTracksRequest(page_size=1000)
            tracks = daemon.library.ListTracks(request, timeout=30).tracks
            if tracks and self._luck.random() < 0.5:
                track_id, title = self._luck.choice(tracks).id, f"round {self.tally.rounds}"
                daemon.set_track(track_id, title=title)
                self.tally.titles[track_id] = title
                self.tally.acknowledged += 1
            time.sleep(min(0.1, max(0.0, end_s - time.monotonic())))

    def _land(self) -> None:
        number = self.tally.files
        self.tally.files += 1
        write_audio(self._music / f"{number}.wav", noise(duration_s=1.5, sample_rate_hz=22_050, seed=number))

    def _rename(self) -> None:
        path = self._luck.choice(sorted(self._music.iterdir()))
        path.rename(path.with_name(f"renamed {self.tally.rounds} {path.name[-20:]}"))

    def _has_running_job(self) -> bool:
        database = self._data / "catalogue.db"
        if not database.exists():
            return False
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            try:
                return bool(connection.execute("SELECT 1 FROM jobs WHERE state = 'running'").fetchone())
            except sqlite3.OperationalError:  # killed before the tables were made
                return False

"""The whole daemon beside a Rekordbox of 50,000 tracks: ``python -m tests.bench.daemon [--record] [--quick]``.

A process of its own, as a user runs it: first import, a change by another process, what waiting costs, the next start,
and how quickly the command line answers beside it.
"""

import secrets
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cratehand_api.v1 import library_pb2
from tests.bench.crate import TRACKS, TimedDaemon, Usage, bench_folder, copy_collection
from tests.bench.report import Report, command
from tests.e2e.daemon_process import PATIENCE_S
from tests.e2e.daemon_process import command as call
from tests.fakes.rekordbox_database import MasterDb

TITLE = "The daemon beside a Rekordbox of 50,000 tracks"
VERBS = (("version",), ("status",), ("tracks", "--limit", "20"), ("jobs",), ("watch", "list"), ("config", "show"))


def run(quick: bool) -> Report | None:
    """Measure all of it, one after the other, on one data folder."""
    report = Report(title=TITLE)
    with bench_folder() as folder:
        database = copy_collection(folder, tracks=5_000 if quick else TRACKS)
        if database is None:
            return None
        data_dir = folder / "data"
        with TimedDaemon(data_dir, "--rekordbox", str(database)) as daemon:
            _first_import(report, daemon)
            _changes(report, daemon, database, tries=3 if quick else 10)
            _idle(report, daemon, seconds=5 if quick else 60)
            daemon.stop()
        _starts(report, data_dir, database, rounds=2 if quick else 5)
        _waiting(report, data_dir, database, seconds=5 if quick else 60)
        _verbs(report, data_dir, database)
    return report


def _first_import(report: Report, daemon: TimedDaemon) -> None:
    done = daemon.log_line("collection:", "added")
    took_s = done.number(r" in ([\d.]+) s")
    report.at_most("first import, from the start of its process to the commit", took_s, 8.0, "s")
    total = daemon.library.ListTracks(library_pb2.ListTracksRequest(page_size=1), timeout=PATIENCE_S).total
    report.add("tracks over gRPC", f"{total:,}", met=total == daemon.status().tracks["total"])
    daemon.log_line("folder_sync: folders: ")


def _changes(report: Report, daemon: TimedDaemon, database: Path, *, tries: int) -> None:
    """Commit changes as Rekordbox does, in this process, and ask the daemon until it shows them."""
    waits_s = []
    with MasterDb(database) as rekordbox:
        ids = [
            str(row[0])
            for row in rekordbox.connection.execute("SELECT ID, FolderPath FROM djmdContent LIMIT ?", (tries,))
        ]
        paths = dict(
            rekordbox.connection.execute("SELECT ID, FolderPath FROM djmdContent LIMIT ?", (tries,)).fetchall()
        )
        for row_id in ids:
            title = f"Changed {secrets.token_hex(4)}"
            rekordbox.change_track(row_id, Title=title)
            began_s = time.perf_counter()
            while daemon.track(paths[row_id]).summary.title != title:
                time.sleep(0.02)
            waits_s.append(time.perf_counter() - began_s)
            time.sleep(secrets.randbelow(1000) / 1000)
    remark = f" (median {statistics.median(waits_s):.2f} s of {tries} tries)"
    report.at_most("a change by another process, until gRPC shows it, slowest", max(waits_s), 2.0, "s", remark=remark)


def _idle(report: Report, daemon: TimedDaemon, *, seconds: float) -> None:
    # What was started for the import rests after twenty seconds without work.
    time.sleep(35.0)
    before = Usage.of(daemon)
    time.sleep(seconds)
    now = Usage.of(daemon)
    report.at_most(
        f"idle for {seconds:g} s after the import, all processes", now.cores_since(before) * 100, 1.0, "% of a core"
    )
    _memory(report, "after the import and the changes", now)


def _memory(report: Report, when: str, now: Usage) -> None:
    remark = f" (all {now.processes} processes: {now.family_rss_mb:.0f} MB, PSS {now.family_pss_mb:.0f} MB)"
    report.at_most(f"resident {when}, main process", now.main_rss_mb, 200.0, "MB", digits=0, remark=remark)


def _starts(report: Report, data_dir: Path, database: Path, *, rounds: int) -> None:
    times_s = []
    for _ in range(rounds):
        with TimedDaemon(data_dir, "--rekordbox", str(database)) as daemon:
            times_s.append(daemon.ready_s)
            # Nothing else of the start runs into the next one.
            daemon.log_line("first sweep")
            daemon.stop()
    remark = f" (median {statistics.median(times_s):.2f}, slowest {max(times_s):.2f} s of {rounds})"
    report.at_most("ready on this catalogue, best", min(times_s), 2.0, "s", remark=remark)


def _waiting(report: Report, data_dir: Path, database: Path, *, seconds: float) -> None:
    """Idle with and without the watch on Rekordbox: the difference is what that watch costs."""
    shares = {}
    for rekordbox in (str(database), "off"):
        with TimedDaemon(data_dir, "--rekordbox", rekordbox) as daemon:
            daemon.log_line("first sweep")
            time.sleep(35.0)
            before = Usage.of(daemon)
            time.sleep(seconds)
            now = Usage.of(daemon)
            shares[rekordbox] = now.cores_since(before) * 100
            if rekordbox != "off":
                _memory(report, "after a start", now)
            daemon.stop()
    with_it, without = shares.values()
    remark = f" ({with_it:.3f} % with, {without:.3f} % without)"
    report.at_most(
        "waiting for Rekordbox, idle with it less idle without", max(with_it - without, 0.0), 0.1, "% of a core",
        digits=3, remark=remark,
    )  # fmt: skip


def _verbs(report: Report, data_dir: Path, database: Path) -> None:
    with TimedDaemon(data_dir, "--rekordbox", str(database)) as daemon:
        daemon.log_line("first sweep")
        for words in VERBS:
            best_s = min(_timed_call(data_dir, words) for _ in range(5))
            report.at_most(f"cratehand {' '.join(words)}, best of 5", best_s, 1.0, "s")
        daemon.stop()
    best_s = min(_timed_call(data_dir, ("status",)) for _ in range(5))
    report.at_most("cratehand status without a daemon, best of 5", best_s, 1.0, "s")


def _timed_call(data_dir: Path, words: Sequence[str]) -> float:
    began_s = time.perf_counter()
    done = call(data_dir, *words)
    took_s = time.perf_counter() - began_s
    assert done.returncode in {0, 1}, done.stderr.decode()
    return took_s


if __name__ == "__main__":
    sys.exit(command(run, __doc__))

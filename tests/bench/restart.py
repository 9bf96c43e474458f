"""A restart beside 100,000 files that are known already: ``python -m tests.bench.restart [--record] [--quick]``.

The whole daemon looks at each of them again, and finds the one that was changed while it was down, though its mtime and
size were put back.
"""

import secrets
import sys
import time
from pathlib import Path

from cratehand.catalogue import open_device
from cratehand.domain.ids import TrackId
from cratehand.domain.track import FileStamp, Presence, Track
from tests.bench.crate import TimedDaemon, Usage, bench_folder
from tests.bench.report import Report, command
from tests.bench.watch import make_files, put_mtime_back

LIMIT_S = 3.0


def run(quick: bool) -> Report | None:
    """Make the files and a catalogue that knows them, then start the daemon a few times."""
    report = Report(title="Restart beside 100,000 known files")
    with bench_folder() as folder:
        music, data_dir = folder / "music", folder / "data"
        paths = make_files(music)
        _know(paths, data_dir / "catalogue.db")
        quiet = [_start(data_dir, music, expects="nothing new") for _ in range(2 if quick else 5)]
        _add(report, "every file looked at again, nothing changed", quiet)
        changed = []
        for path in paths[:: len(paths) // (2 if quick else 5)]:
            put_mtime_back(path)
            # A file that changed just now would be waited for, in case somebody still writes.
            time.sleep(2.5)
            changed.append(_start(data_dir, music, expects=" altered"))
        _add(report, "one changed meanwhile, its mtime and size put back: found", changed)
    report.notes.append(
        f"{len(paths):,} files in {len(paths) // 10:,} folders, warm file cache; from ready.json to the end of the first "
        "sweep, watching every folder included."
    )
    return report


def _know(paths: list[Path], catalogue: Path) -> None:
    """Write the catalogue that a daemon would have after it analysed all of them."""
    store = open_device(catalogue)
    tracks = [
        Track(
            id=TrackId(secrets.token_hex(8)), path=path, presence=Presence.PRESENT, added_at_s=1e9,
            stamp=FileStamp.of(path.stat()), analysed_at_s=1e9,
        )
        for path in paths
    ]  # fmt: skip
    with store.writing() as stores:
        stores.tracks.add(tracks)
    store.close()


def _start(data_dir: Path, music: Path, *, expects: str) -> tuple[float, float, float]:
    """Start, wait for the end of the first sweep, stop; return seconds on the clock, of processor, and until ready."""
    with TimedDaemon(data_dir, "--watch", str(music)) as daemon:
        before = Usage.of(daemon)
        swept = daemon.log_line("first sweep")
        cpu_s = Usage.of(daemon).main_cpu_s - before.main_cpu_s
        assert expects in swept.text, swept.text
        took_s = swept.at_s - daemon.log_line("lifetime: ready").at_s
        daemon.stop()
        return took_s, cpu_s, daemon.ready_s


def _add(report: Report, what: str, runs: list[tuple[float, float, float]]) -> None:
    took_s, cpu_s, ready_s = min(runs)
    remark = f" (slowest of {len(runs)}: {max(runs)[0]:.2f} s; {cpu_s:.1f} s of processor; ready after {ready_s:.2f} s)"
    report.at_most(what, took_s, LIMIT_S, "s", remark=remark)


if __name__ == "__main__":
    sys.exit(command(run, __doc__))

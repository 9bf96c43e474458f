"""How long reading Rekordbox takes: ``python -m tests.bench.rekordbox [--record] [--quick]``.

50,000 tracks with 200,000 cues and 200 playlists in a master.db with all tables and indexes of Rekordbox 6. Times are
of one core: processor time of this process, beside the time on the clock, which other programs lengthen.
"""

import gc
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

from cratehand.domain.collection import CollectionChange
from cratehand_bridges.rekordbox import RekordboxDatabase
from cratehand_bridges.rekordbox.assemble import assemble
from cratehand_bridges.rekordbox.connection import Access, database_key, open_database
from cratehand_bridges.rekordbox.fingerprints import take_baseline
from cratehand_bridges.rekordbox.harvest import Sweeping, collect
from tests.bench.rekordbox_collection import large_collection
from tests.bench.report import Report, command
from tests.fakes.rekordbox_database import MasterDb

TITLE = "Reading Rekordbox: 50,000 tracks, 200,000 cues, 200 playlists"

Line = tuple[str, float, float, str]
T = TypeVar("T")


def run(quick: bool) -> Report | None:
    """Read a made collection in parts and as a whole; a tenth of it for a quick look."""
    template = large_collection(tracks=5_000 if quick else 50_000)
    if template is None:
        return None
    database_key()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "master.db"
        shutil.copyfile(template, path)
        lines = [*_parts(path), *_whole(path, Path(folder) / "cache")]
    rows = [(what, f"{cpu_s:.4g}", f"{clock_s:.4g}", remark) for what, cpu_s, clock_s, remark in lines]
    return Report(title=TITLE, head=("what", "processor s", "clock s", "remark"), rows=list(rows))


def _parts(path: Path) -> list[Line]:
    """The parts of a full read, one by one."""
    connection, opening = _timed("open and derive the key", lambda: open_database(path, Access.AT_REST))
    sweeping = Sweeping(now=False, allowed=False, written=False)
    harvest, sql = _timed("SQL: all rows of 15 tables", lambda: collect(connection, None, sweeping))
    connection.close()
    _, prints = _timed("fingerprints of all rows", lambda: take_baseline("", "", 0, harvest.rows))
    change, parsing = _timed("rows → domain objects", lambda: assemble(harvest, {}))
    sql = (*sql[:3], f"{sum(len(rows) for rows in harvest.rows.values()):,} rows")
    parsing = (*parsing[:3], f"{len(change.tracks):,} tracks, {sum(len(track.cues) for track in change.tracks):,} cues")
    return [opening, sql, prints, parsing]


def _whole(path: Path, cache: Path) -> list[Line]:
    """Reads as the daemon does them, while Rekordbox writes."""
    reader = RekordboxDatabase(path, cache_dir=cache)
    change, full = _timed("full read", lambda: reader.read(None))
    state = {"mark": change.mark}
    del change
    gc.collect()
    lines: list[Line] = [(*full[:3], f"afterwards {psutil.Process().memory_info().rss / 2**20:.0f} MB resident")]

    def read() -> CollectionChange:
        found = reader.read(state["mark"])
        state["mark"] = found.mark
        return found

    with MasterDb(path) as rekordbox:
        ids = [str(row[0]) for row in rekordbox.connection.execute("SELECT ID FROM djmdContent LIMIT 200").fetchall()]
        edits: list[tuple[str, Callable[[], object]]] = [
            ("a rating", lambda: rekordbox.change_track(ids[0], Rating=1, Commnt="x")),
            ("a new cue", lambda: rekordbox.add_cue(ids[1], 3.3)),
            ("a new playlist", lambda: rekordbox.add_playlist("x", ids)),
            ("an artist's name", lambda: rekordbox.update("djmdArtist", "1001", Name="Zed")),
            ("a deleted track", lambda: rekordbox.delete_track(ids[5])),
        ]
        for name, edit in edits:
            edit()
            found, line = _timed(f"after {name}", read)
            lines.append((*line[:3], f"{len(found.tracks)} tracks, {len(found.deleted_tracks)} deleted"))
        with rekordbox.foreign():
            rekordbox.change_track(ids[7], Title="foreign")
        found, line = _timed("after a foreign writer (sweep)", read)
        lines.append((*line[:3], f"{len(found.tracks)} tracks"))
        lines.append(_poll(reader))
    reader.close()
    return lines


def _poll(reader: RekordboxDatabase) -> Line:
    def look() -> None:
        for _ in range(2_000):
            reader.has_changed()

    _, (_, cpu_s, clock_s, _) = _timed("", look)
    share = cpu_s / 2_000
    return "look for a change, once", share, clock_s / 2_000, f"each second: {share:.4%} of a core"


def _timed(what: str, work: Callable[[], T]) -> tuple[T, Line]:
    gc.collect()
    cpu_s, clock_s = time.process_time(), time.perf_counter()
    value = work()
    return value, (what, time.process_time() - cpu_s, time.perf_counter() - clock_s, "")


if __name__ == "__main__":
    sys.exit(command(run, __doc__))

"""What a catalogue holds, read with plain SQL and not through our own stores."""

import sqlite3
from contextlib import closing
from pathlib import Path

from cratehand.catalogue.check import check


def analyses_of(data_dir: Path) -> dict[str, int]:
    """Return for the path of each track how many analyses of it came to a good end.

    Both the jobs and what they found are counted; the two have to agree.
    """
    with closing(sqlite3.connect(f"file:{data_dir / 'catalogue.db'}?mode=ro", uri=True)) as connection:
        done = connection.execute(
            "SELECT path, (SELECT count(*) FROM jobs WHERE jobs.track = tracks.track AND state = 'done') FROM tracks "
            "WHERE path IS NOT NULL"
        ).fetchall()
        heard = connection.execute(
            "SELECT path, count(*) FROM facts JOIN tracks USING (track) JOIN provenances USING (provenance) "
            "WHERE kind = 'analysis' AND name = 'cratehand' AND field = 'duration_s' GROUP BY path"
        ).fetchall()
    jobs, found = dict(done), dict(heard)
    assert {path for path, count in jobs.items() if count} == found.keys(), (jobs, found)
    return jobs


def open_jobs(data_dir: Path) -> int:
    """Return how many jobs have not ended."""
    with closing(sqlite3.connect(f"file:{data_dir / 'catalogue.db'}?mode=ro", uri=True)) as connection:
        query = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')"
        return int(connection.execute(query).fetchone()[0])


def check_catalogue(data_dir: Path) -> None:
    """Assert that everything in the catalogue is as it has to be."""
    assert check(data_dir / "catalogue.db") == []

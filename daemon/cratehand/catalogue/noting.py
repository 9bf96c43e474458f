"""Noting many new tracks for the master at once, where a trigger a row would slow an import down.

How changes are noted otherwise, and for whom, stands in `cratehand.catalogue.master.capture`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection

from cratehand.domain.hybrid_clock import COUNTER_BITS

WALL_MS: Final = "CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER)"
STAMP: Final = f"max({WALL_MS} << {COUNTER_BITS}, (SELECT stamp FROM capture) + 1)"  # noqa: S608 - words of ours
"""Hybrid logical time of now, in SQLite's words; see `cratehand.domain.hybrid_clock`."""
AGAIN: Final = (
    "ON CONFLICT (entity, track, name) DO UPDATE SET stamp = max(excluded.stamp, stamp + 1), sending = 0, "
    "error = NULL, since = min(since, excluded.since)"
)
"""What becomes of a note that is there already."""

_MANY: Final = 2000
"""From so many tracks on even asking a silent trigger a row takes too long."""


@contextmanager
def noted_together(connection: Connection, tracks: Iterable[int], *, cues_of: str) -> Iterator[None]:
    """Note new tracks with their facts and the cues of one origin after the block, which may write nothing else.

    On a device without a master nothing happens.
    """
    is_noting = connection.dialect.name == "sqlite" and (
        connection.exec_driver_sql("SELECT 1 FROM capture WHERE active").first() is not None
    )
    if not is_noting:
        yield
        return
    keys = sorted(tracks)
    triggers = _triggers(connection) if len(keys) > _MANY else {}
    for name in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    connection.exec_driver_sql("UPDATE capture SET active = 0")
    yield
    connection.exec_driver_sql("UPDATE capture SET active = 1")
    for statement in triggers.values():
        connection.exec_driver_sql(statement)
    stamp = connection.exec_driver_sql(f"SELECT {STAMP}").scalar_one()
    for entity, name, since in (("track", "", None), ("facts", "", 0), ("cues", cues_of, None)):
        if keys:
            connection.exec_driver_sql(
                f"INSERT INTO changes (entity, track, name, stamp, since) VALUES (?, ?, ?, ?, ?) {AGAIN}",  # noqa: S608
                [(entity, key, name, stamp, since) for key in keys],
            )


def _triggers(connection: Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    return {str(name): str(sql) for name, sql in rows}

"""Of which tracks something was written anew lately that copies in memory are made of: vectors, believed values.

On a device triggers note it, so that no way of writing is forgotten. Who changes a fact that a filter asks for, and
that has no column in `believed`, writes the track's row anew all the same (see `believed.FOLLOWED_FIELDS`). A row of
`believed` that is new is not noted: nobody has a copy of it yet, and a first import stays as quick as it is.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Column, Connection, Table, bindparam, func, select

from cratehand.catalogue.schema_words import TRACK_KEY, metadata

KEPT: Final = 100_000
"""So many are kept, and a few more; whoever is further behind reads everything."""
_MUCH: Final = 20_000
"""More tracks than this are not read while somebody waits for an answer."""

touched: Final = Table(
    "touched",
    metadata,
    # The order of time. The newest row is never removed, so no number comes again.
    Column("number", TRACK_KEY, primary_key=True),
    # No reference: also of tracks that are gone.
    Column("track", TRACK_KEY, nullable=False),
)

_NOTED: Final = (
    ("believed", "update", ("NEW",)),
    ("believed", "delete", ("OLD",)),
    ("embeddings", "insert", ("NEW",)),
    ("embeddings", "update", ("OLD", "NEW")),
    ("embeddings", "delete", ("OLD",)),
)
TRIGGERS: Final = (
    *(
        f"CREATE TRIGGER touched_{table}_{event} AFTER {event.upper()} ON {table} "  # noqa: S608 - words of ours
        f"BEGIN INSERT INTO touched (track) VALUES {', '.join(f'({row}.track)' for row in rows)}; END"
        for table, event, rows in _NOTED
    ),
    "CREATE TRIGGER touched_trim AFTER INSERT ON touched WHEN NEW.number % 1000 = 0 "  # noqa: S608 - a number of ours
    f"BEGIN DELETE FROM touched WHERE number <= NEW.number - {KEPT}; END",
)
"""Made with a device's catalogue."""

# Two questions each: for one that asks for both ends SQLite would look at every row.
_NEWEST: Final = select(func.max(touched.c.number))
_OLDEST: Final = select(func.min(touched.c.number))
_SINCE: Final = (
    select(touched.c.track).distinct().where(touched.c.number > bindparam("mark")).order_by(touched.c.track)
).limit(_MUCH + 1)


def newest(connection: Connection) -> int:
    """Return the number of the newest note in a view; 0 where there is none."""
    return connection.execute(_NEWEST).scalar() or 0


def touched_since(connection: Connection, mark: int) -> npt.NDArray[np.int64] | None:
    """Return the keys of the tracks touched after a note, ascending; None where they are too many, or forgotten."""
    oldest = connection.execute(_OLDEST).scalar()
    if oldest is None or oldest > mark + 1:
        return None
    keys = connection.scalars(_SINCE, {"mark": mark}).all()
    return None if len(keys) > _MUCH else np.array(keys, np.int64)

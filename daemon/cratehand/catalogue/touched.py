"""Which tracks' believed values were written anew lately: on a device, for copies in memory that want to follow.

Triggers note them, so that no way of writing is forgotten. Who changes a fact that a filter asks for, and that has no
column in `believed`, writes the track's row anew all the same (see `believed.FOLLOWED_FIELDS`). A row that is new is
not noted: nobody has a copy of it yet, and a first import stays as quick as it is.
"""

from typing import Final

from sqlalchemy import Column, Table

from cratehand.catalogue.schema_words import TRACK_KEY, metadata

KEPT: Final = 20_000
"""So many are kept, and a few more; whoever is further behind reads everything."""

touched: Final = Table(
    "touched",
    metadata,
    # The order of time. The newest row is never removed, so no number comes again.
    Column("number", TRACK_KEY, primary_key=True),
    # No reference: also of tracks that are gone.
    Column("track", TRACK_KEY, nullable=False),
)

TRIGGERS: Final = (
    "CREATE TRIGGER touched_update AFTER UPDATE ON believed "
    "BEGIN INSERT INTO touched (track) VALUES (NEW.track); END",
    "CREATE TRIGGER touched_delete AFTER DELETE ON believed "
    "BEGIN INSERT INTO touched (track) VALUES (OLD.track); END",
    "CREATE TRIGGER touched_trim AFTER INSERT ON touched WHEN NEW.number % 1000 = 0 "  # noqa: S608 - a number of ours
    f"BEGIN DELETE FROM touched WHERE number <= NEW.number - {KEPT}; END",
)  # fmt: skip
"""Made with a device's catalogue."""

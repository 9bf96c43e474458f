"""The tables that keep a device and its master in step, see `cratehand.catalogue.master`."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, String, Table, Text, text

from cratehand.catalogue.schema_words import TRACK_KEY, AnyText, metadata, track_column

changes: Final = Table(
    "changes",
    metadata,
    # On a device what the master does not have yet; on the master the latest change of every row.
    Column("entity", String(16), primary_key=True),
    Column("track", TRACK_KEY, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("revision", BigInteger),
    # Hybrid logical time of the change, see `cratehand.domain.hybrid_clock`.
    Column("stamp", BigInteger, nullable=False),
    Column("device", String(32)),
    Column("deleted", Boolean, nullable=False, server_default=text("false")),
    # Device only, of facts: the smallest provenance among those that are new.
    Column("since", BigInteger),
    # Device only: what the row was when device and master agreed last, JSON.
    Column("base", Text),
    # Device only: it is on its way, and a change from now on has to be sent once more.
    Column("sending", Boolean, nullable=False, server_default=text("false")),
    # Device only: why the master does not take it; it is sent again when it changes.
    Column("error", Text),
    Index("ix_changes_revision", "revision", sqlite_where=text("revision IS NOT NULL")),
    sqlite_with_rowid=False,
)

merges: Final = Table(
    "merges",
    metadata,
    # A track that turned out to be another one. No reference: neither has to exist any more.
    Column("track", TRACK_KEY, primary_key=True, autoincrement=False),
    Column("into_track", TRACK_KEY, nullable=False),
)

places: Final = Table(
    "places",
    metadata,
    # On which other devices a file of the track lies; never where on them.
    track_column(primary_key=True, autoincrement=False),
    Column("device", String(32), primary_key=True),
    sqlite_with_rowid=False,
)

conflicts: Final = Table(
    "conflicts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at_s", Double, nullable=False),
    Column("entity", String(16), nullable=False),
    Column("track", TRACK_KEY, nullable=False),
    Column("name", AnyText, nullable=False),
    Column("field", String(32), nullable=False),
    Column("kept", AnyText, nullable=False),
    Column("lost", AnyText, nullable=False),
    Column("kept_by", String(32), nullable=False),
    Column("lost_by", String(32), nullable=False),
)

quarantine: Final = Table(
    "quarantine",
    metadata,
    # Rows of the master that could not be taken over, and why.
    Column("entity", String(16), primary_key=True),
    Column("track", TRACK_KEY, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("reason", AnyText, nullable=False),
)

pushes: Final = Table(
    "pushes",
    metadata,
    # On the master: every push, in the order in which they were committed.
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("token", String(32), nullable=False),
    Column("device", String(32), nullable=False),
    Column("at_s", Double, nullable=False),
    Column("size", Integer, nullable=False),
)

devices: Final = Table(
    "devices",
    metadata,
    # On the master: who is in step with it.
    Column("device", String(32), primary_key=True),
    Column("name", AnyText, nullable=False),
    # Given anew at every meeting: whoever shows an old one is a copy, or was brought back from a backup.
    Column("turn", String(32), nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("met_at_s", Double, nullable=False),
)

capture: Final = Table(
    "capture",
    metadata,
    # One row on a device that is bound to a master: whether changes are noted now, and the latest time heard of.
    Column("only", Integer, primary_key=True, autoincrement=False),
    Column("active", Boolean, nullable=False),
    Column("stamp", BigInteger, nullable=False),
)

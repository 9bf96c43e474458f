"""The tables of plans: what was proposed, judged and done, and what the DJ's collection still states of old files.

Plans, pairs and restatements are about files of one device and stay on it; `plans_elsewhere` is what others told.
"""

from typing import Final

from sqlalchemy import Boolean, Column, Double, Index, String, Table, Text, UniqueConstraint

from cratehand.catalogue.schema_words import TRACK_KEY, AnyText, metadata, track_column

plans: Final = Table(
    "plans",
    metadata,
    Column("number", TRACK_KEY, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("who", AnyText, nullable=False),
    Column("why", AnyText, nullable=False),
    # No reference: what was done stays in the history when the track is long gone.
    Column("track", TRACK_KEY, index=True),
    Column("created_at_s", Double, nullable=False),
    Column("applied_at_s", Double),
    Column("undone_at_s", Double),
    Column("error", AnyText),
    # JSON in ASCII, see `cratehand.domain.plan_json`; `record` is what was there before.
    Column("steps", Text, nullable=False),
    Column("record", Text, nullable=False),
    Index("ix_plans_state", "state", "number"),
)

plans_elsewhere: Final = Table(
    "plans_elsewhere",
    metadata,
    # On a device the plans of the others; on the master those of all. Never a step or a path: nobody can apply them.
    Column("id", String(64), primary_key=True),
    Column("device", String(32), nullable=False),
    Column("device_name", AnyText, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("who", AnyText, nullable=False),
    Column("why", AnyText, nullable=False),
    Column("track", TRACK_KEY),
    Column("created_at_s", Double, nullable=False),
    Column("applied_at_s", Double, index=True),
    Column("undone_at_s", Double),
    # JSON in ASCII: what it changes, without the places of files.
    Column("changes", Text, nullable=False),
)

upgrade_pairs: Final = Table(
    "upgrade_pairs",
    metadata,
    Column("number", TRACK_KEY, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    track_column(index=True),
    Column("current_path", Text, nullable=False),
    Column("candidate_path", Text, nullable=False),
    Column("candidate_key", Text, nullable=False, index=True),
    Column("candidate_stamp", Text, nullable=False),
    Column("verdict", String(32), nullable=False),
    Column("relation", String(32), nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("reason", AnyText, nullable=False),
    Column("offset_s", Double),
    Column("judged_at_s", Double, nullable=False),
    Column("numbers", Text, nullable=False),
    UniqueConstraint("candidate_key", "track"),
)

restatements: Final = Table(
    "restatements",
    metadata,
    track_column(primary_key=True),
    # ``cue``, or the name of a field.
    Column("what", String(32), primary_key=True),
    # JSON: what the DJ's collection still states of the old file, and what that is in the new one (null: nothing).
    Column("stated", Text, primary_key=True),
    Column("meant", Text, nullable=False),
    sqlite_with_rowid=False,
)

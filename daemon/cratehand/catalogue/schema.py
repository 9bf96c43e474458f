"""The tables of the catalogue, one schema for SQLite and PostgreSQL.

A track is kept under its *key*: the 64 bits of its `TrackId` as a signed integer in the same order (see `keys`), so
that the key is the same on every device and no table has to be asked for it. What is believed of a track stands flat in
`believed`; it follows from `facts` by `cratehand.domain.belief.believe` and can be rebuilt at any time.

A change here comes with a new revision in `migrations/versions`, and `HEAD` names the newest.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from cratehand.catalogue.master_tables import capture, changes, conflicts, devices, merges, places, pushes, quarantine
from cratehand.catalogue.plan_tables import plans, plans_elsewhere, restatements, upgrade_pairs
from cratehand.catalogue.schema_words import TRACK_KEY, AnyText, metadata, storable, track_column
from cratehand.catalogue.touched import touched

HEAD: Final = "0005"
"""The newest revision of `migrations/versions`; a test holds the two together."""


tracks: Final = Table(
    "tracks",
    metadata,
    Column("track", TRACK_KEY, primary_key=True, autoincrement=False),
    Column("path", Text),
    Column("path_key", Text, unique=True),
    Column("presence", String(16), nullable=False),
    Column("added_at_s", Double, nullable=False),
    # "size mtime_ns ctime_ns inode": an inode and a time far off do not fit 64 signed bits.
    Column("stamp", Text),
    Column("digest", Text, index=True),
    # Whose id `collection_id` is, "kind/name" of the source: an XML must not take the rows of a database for its own.
    Column("collection", Text),
    Column("collection_id", AnyText),
    # The path that the collection stated last; the file itself may since have been found elsewhere.
    Column("location", Text),
    Column("analysed_at_s", Double),
    Column("error", AnyText),
    UniqueConstraint("collection_id", "collection"),
)

provenances: Final = Table(
    "provenances",
    metadata,
    Column("provenance", TRACK_KEY, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", AnyText, nullable=False),
    Column("version", AnyText, nullable=False),
    Column("at_s", Double, nullable=False),
    Index("ix_provenances_source", "kind", "name", "at_s"),
)

facts: Final = Table(
    "facts",
    metadata,
    track_column(primary_key=True),
    Column("field", String(32), primary_key=True),
    Column("provenance", TRACK_KEY, ForeignKey("provenances.provenance"), primary_key=True),
    # JSON, see `cratehand.domain.fact_values`; `null` takes back what the same source said before.
    Column("value", Text, nullable=False),
    Column("confidence", Double, nullable=False),
    # On the master: the push that brought it. A device keeps none, it looks for what it has to send in `changes`.
    Column("revision", BigInteger),
    Index("ix_facts_revision", "revision", sqlite_where=text("revision IS NOT NULL")),
    sqlite_with_rowid=False,
)

believed: Final = Table(
    "believed",
    metadata,
    Column("track", TRACK_KEY, ForeignKey("tracks.track", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("title", AnyText),
    Column("artist", AnyText),
    Column("album", AnyText),
    Column("genre", AnyText),
    Column("label", AnyText),
    Column("comment", AnyText),
    Column("year", Integer),
    Column("rating", Integer),
    Column("colour", AnyText),
    Column("play_count", Integer),
    Column("date_added", AnyText),
    Column("duration_s", Double),
    Column("tempo_bpm", Double),
    Column("tempo_confidence", Double),
    Column("musical_key", Text),
    Column("camelot", Text),
    Column("key_confidence", Double),
    Column("energy", Integer),
    Column("integrated_lufs", Double),
    Column("quality_verdict", Text),
    # What lists are ordered by and searched in: folded, see `folding`.
    Column("title_order", AnyText),
    Column("artist_order", AnyText),
    Column("camelot_order", Integer),
    Column("genre_folded", AnyText),
    Column("search", AnyText, nullable=False),
    Index("ix_believed_artist", "artist_order", "title_order"),
    Index("ix_believed_title", "title_order"),
    Index("ix_believed_tempo", "tempo_bpm", "title_order"),
    Index("ix_believed_camelot", "camelot_order", "title_order"),
    Index("ix_believed_energy", "energy", "title_order"),
    Index("ix_believed_date_added", "date_added", "title_order"),
    Index("ix_believed_play_count", "play_count", "title_order"),
    Index("ix_believed_rating", "rating", "title_order"),
)

cues: Final = Table(
    "cues",
    metadata,
    track_column(primary_key=True),
    Column("origin", String(64), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("start_s", Double, nullable=False),
    Column("end_s", Double),
    Column("pad", Integer),
    Column("label", AnyText, nullable=False),
    Column("colour", String(7)),
    Column("active_loop", Boolean, nullable=False),
    Column("foreign_id", AnyText),
    sqlite_with_rowid=False,
)

playlists: Final = Table(
    "playlists",
    metadata,
    Column("playlist", Integer, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("name", AnyText, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("parent_id", String(64)),
    Column("position", Integer, nullable=False),
    Column("origin", String(64), nullable=False),
    # Which collection it follows, as in `tracks`; None for playlists of our own.
    Column("collection", Text),
    Column("foreign_id", AnyText),
    Column("rule", AnyText),
)

playlist_entries: Final = Table(
    "playlist_entries",
    metadata,
    Column("playlist", Integer, ForeignKey("playlists.playlist", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    track_column(index=True),
    sqlite_with_rowid=False,
)

jobs: Final = Table(
    "jobs",
    metadata,
    Column("number", TRACK_KEY, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("kind", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("track", TRACK_KEY, ForeignKey("tracks.track", ondelete="CASCADE"), index=True),
    Column("created_at_s", Double, nullable=False),
    Column("started_at_s", Double),
    Column("finished_at_s", Double),
    Column("attempts", Integer, nullable=False),
    Column("error", AnyText),
    Index("ix_jobs_queue", "state", "priority", "number"),
    # The promise that no work runs twice, kept by the database itself.
    Index(
        "uq_jobs_open",
        "kind",
        "track",
        unique=True,
        sqlite_where=text("state IN ('queued', 'running')"),
        postgresql_where=text("state IN ('queued', 'running')"),
    ),
)

spaces: Final = Table(
    "spaces",
    metadata,
    Column("space", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
)

embeddings: Final = Table(
    "embeddings",
    metadata,
    Column("embedding", TRACK_KEY, primary_key=True),
    Column("space", Integer, ForeignKey("spaces.space"), nullable=False),
    track_column(index=True),
    # float32, little endian.
    Column("vector", LargeBinary, nullable=False),
    UniqueConstraint("space", "track"),
)

folders: Final = Table(
    "folders",
    metadata,
    Column("path_key", Text, primary_key=True),
    Column("path", Text, nullable=False),
    Column("added_at_s", Double, nullable=False),
    Column("polling", Boolean, nullable=False),
)

state: Final = Table(
    "state",
    metadata,
    Column("name", AnyText, primary_key=True),
    Column("value", AnyText, nullable=False),
)

marks: Final = Table(
    "marks",
    metadata,
    Column("collection", Text, primary_key=True),
    Column("mark", Text, nullable=False),
)

attributes: Final = Table(
    "attributes",
    metadata,
    track_column(primary_key=True, autoincrement=False),
    # What a collection file said of the track that is not interpreted, a JSON object of text; written back as it was.
    Column("attributes", Text, nullable=False),
)

__all__ = [
    "HEAD",
    "attributes",
    "believed",
    "capture",
    "changes",
    "conflicts",
    "cues",
    "devices",
    "embeddings",
    "facts",
    "folders",
    "jobs",
    "marks",
    "merges",
    "metadata",
    "places",
    "plans",
    "plans_elsewhere",
    "playlist_entries",
    "playlists",
    "provenances",
    "pushes",
    "quarantine",
    "restatements",
    "spaces",
    "state",
    "storable",
    "touched",
    "tracks",
    "upgrade_pairs",
]

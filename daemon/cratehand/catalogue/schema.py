"""The tables of the catalogue, one schema for SQLite and PostgreSQL.

A track is kept under its *key*: the 64 bits of its `TrackId` as a signed integer in the same order (see `keys`), so
that the key is the same on every device and no table has to be asked for it. What is believed of a track stands flat in
`believed`; it follows from `facts` by `cratehand.domain.belief.believe` and can be rebuilt at any time.

A change here comes with a new revision in `migrations/versions`, and `HEAD` names the newest.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect

HEAD: Final = "0002"
"""The newest revision of `migrations/versions`; a test holds the two together."""


def storable(value: str) -> str:
    r"""Return the text with what databases can not hold (lone surrogates, NUL) written out: ``\udcff``, ``\x00``."""
    if value.isascii():
        return value.replace("\0", "\\x00") if "\0" in value else value
    return value.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


class AnyText(TypeDecorator[str]):
    """Text from anywhere, made storable on its way in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(str(value))


TRACK_KEY: Final = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite clusters a table by its key only where the type is spelt INTEGER; it holds 64 bits all the same."""

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _track(**options: Any) -> Column[int]:
    return Column("track", TRACK_KEY, ForeignKey("tracks.track", ondelete="CASCADE"), nullable=False, **options)


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
    _track(primary_key=True),
    Column("field", String(32), primary_key=True),
    Column("provenance", TRACK_KEY, ForeignKey("provenances.provenance"), primary_key=True),
    # JSON, see `cratehand.domain.fact_values`; `null` takes back what the same source said before.
    Column("value", Text, nullable=False),
    Column("confidence", Double, nullable=False),
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
    _track(primary_key=True),
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
    _track(index=True),
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
    _track(index=True),
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
    _track(primary_key=True, autoincrement=False),
    # What a collection file said of the track that is not interpreted, a JSON object of text; written back as it was.
    Column("attributes", Text, nullable=False),
)

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

upgrade_pairs: Final = Table(
    "upgrade_pairs",
    metadata,
    Column("number", TRACK_KEY, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    _track(index=True),
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
    _track(primary_key=True),
    # ``cue``, or the name of a field.
    Column("what", String(32), primary_key=True),
    # JSON: what the DJ's collection still states of the old file, and what that is in the new one (null: nothing).
    Column("stated", Text, primary_key=True),
    Column("meant", Text, nullable=False),
    sqlite_with_rowid=False,
)

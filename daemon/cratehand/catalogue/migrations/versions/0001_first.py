"""The first schema.

Revision 0001.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _tracks_and_playlists()
    _statements()
    _cues_jobs_and_vectors()


def downgrade() -> None:
    for table in (
        "embeddings", "spaces", "jobs", "cues", "believed", "facts", "provenances",
        "playlist_entries", "playlists", "folders", "state", "marks", "attributes", "tracks",
    ):  # fmt: skip
        op.drop_table(table)


def _tracks_and_playlists() -> None:
    op.create_table(
        "tracks",
        sa.Column("track", KEY, autoincrement=False, nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("path_key", sa.Text(), nullable=True),
        sa.Column("presence", sa.String(length=16), nullable=False),
        sa.Column("added_at_s", sa.Double(), nullable=False),
        sa.Column("stamp", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("collection", sa.Text(), nullable=True),
        sa.Column("collection_id", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("analysed_at_s", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("track", name="pk_tracks"),
        sa.UniqueConstraint("collection_id", "collection", name="uq_tracks_collection_id_collection"),
        sa.UniqueConstraint("path_key", name="uq_tracks_path_key"),
    )
    op.create_index("ix_tracks_digest", "tracks", ["digest"], unique=False)
    op.create_table(
        "folders",
        sa.Column("path_key", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("added_at_s", sa.Double(), nullable=False),
        sa.Column("polling", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("path_key", name="pk_folders"),
    )
    op.create_table(
        "marks",
        sa.Column("collection", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("collection", name="pk_marks"),
    )
    op.create_table(
        "attributes",
        sa.Column("track", KEY, autoincrement=False, nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["track"], ["tracks.track"], name="fk_attributes_track", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("track", name="pk_attributes"),
    )
    op.create_table(
        "playlists",
        sa.Column("playlist", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("parent_id", sa.String(length=64), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=64), nullable=False),
        sa.Column("collection", sa.Text(), nullable=True),
        sa.Column("foreign_id", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("playlist", name="pk_playlists"),
        sa.UniqueConstraint("id", name="uq_playlists_id"),
    )
    op.create_table(
        "state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_state"),
    )
    op.create_table(
        "playlist_entries",
        sa.Column("playlist", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("track", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["playlist"], ["playlists.playlist"], name="fk_playlist_entries_playlist", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["track"], ["tracks.track"], name="fk_playlist_entries_track", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("playlist", "position", name="pk_playlist_entries"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_playlist_entries_track", "playlist_entries", ["track"], unique=False)


def _statements() -> None:
    op.create_table(
        "provenances",
        sa.Column("provenance", KEY, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("provenance", name="pk_provenances"),
    )
    op.create_index("ix_provenances_source", "provenances", ["kind", "name", "at_s"], unique=False)
    op.create_table(
        "believed",
        sa.Column("track", KEY, autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("artist", sa.Text(), nullable=True),
        sa.Column("album", sa.Text(), nullable=True),
        sa.Column("genre", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("colour", sa.Text(), nullable=True),
        sa.Column("play_count", sa.Integer(), nullable=True),
        sa.Column("date_added", sa.Text(), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=True),
        sa.Column("tempo_bpm", sa.Double(), nullable=True),
        sa.Column("tempo_confidence", sa.Double(), nullable=True),
        sa.Column("musical_key", sa.Text(), nullable=True),
        sa.Column("camelot", sa.Text(), nullable=True),
        sa.Column("key_confidence", sa.Double(), nullable=True),
        sa.Column("energy", sa.Integer(), nullable=True),
        sa.Column("integrated_lufs", sa.Double(), nullable=True),
        sa.Column("quality_verdict", sa.Text(), nullable=True),
        sa.Column("title_order", sa.Text(), nullable=True),
        sa.Column("artist_order", sa.Text(), nullable=True),
        sa.Column("camelot_order", sa.Integer(), nullable=True),
        sa.Column("genre_folded", sa.Text(), nullable=True),
        sa.Column("search", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["track"], ["tracks.track"], name="fk_believed_track", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("track", name="pk_believed"),
    )
    op.create_index("ix_believed_artist", "believed", ["artist_order", "title_order"], unique=False)
    op.create_index("ix_believed_camelot", "believed", ["camelot_order", "title_order"], unique=False)
    op.create_index("ix_believed_date_added", "believed", ["date_added", "title_order"], unique=False)
    op.create_index("ix_believed_energy", "believed", ["energy", "title_order"], unique=False)
    op.create_index("ix_believed_play_count", "believed", ["play_count", "title_order"], unique=False)
    op.create_index("ix_believed_rating", "believed", ["rating", "title_order"], unique=False)
    op.create_index("ix_believed_tempo", "believed", ["tempo_bpm", "title_order"], unique=False)
    op.create_index("ix_believed_title", "believed", ["title_order"], unique=False)
    op.create_table(
        "facts",
        sa.Column("track", KEY, nullable=False),
        sa.Column("field", sa.String(length=32), nullable=False),
        sa.Column("provenance", KEY, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["provenance"], ["provenances.provenance"], name="fk_facts_provenance"),
        sa.ForeignKeyConstraint(["track"], ["tracks.track"], name="fk_facts_track", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("track", "field", "provenance", name="pk_facts"),
        sqlite_with_rowid=False,
    )


def _cues_jobs_and_vectors() -> None:
    op.create_table(
        "spaces",
        sa.Column("space", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("space", name="pk_spaces"),
        sa.UniqueConstraint("id", name="uq_spaces_id"),
    )
    op.create_table(
        "cues",
        sa.Column("track", KEY, nullable=False),
        sa.Column("origin", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=True),
        sa.Column("pad", sa.Integer(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("colour", sa.String(length=7), nullable=True),
        sa.Column("active_loop", sa.Boolean(), nullable=False),
        sa.Column("foreign_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["track"], ["tracks.track"], name="fk_cues_track", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("track", "origin", "position", name="pk_cues"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "embeddings",
        sa.Column("embedding", KEY, nullable=False),
        sa.Column("space", sa.Integer(), nullable=False),
        sa.Column("track", KEY, nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["space"], ["spaces.space"], name="fk_embeddings_space"),
        sa.ForeignKeyConstraint(["track"], ["tracks.track"], name="fk_embeddings_track", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("embedding", name="pk_embeddings"),
        sa.UniqueConstraint("space", "track", name="uq_embeddings_space_track"),
    )
    op.create_index("ix_embeddings_track", "embeddings", ["track"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("number", KEY, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("track", KEY, nullable=True),
        sa.Column("created_at_s", sa.Double(), nullable=False),
        sa.Column("started_at_s", sa.Double(), nullable=True),
        sa.Column("finished_at_s", sa.Double(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["track"], ["tracks.track"], name="fk_jobs_track", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_jobs"),
        sa.UniqueConstraint("id", name="uq_jobs_id"),
    )
    op.create_index("ix_jobs_queue", "jobs", ["state", "priority", "number"], unique=False)
    op.create_index("ix_jobs_track", "jobs", ["track"], unique=False)
    op.create_index(
        "uq_jobs_open",
        "jobs",
        ["kind", "track"],
        unique=True,
        sqlite_where=sa.text("state IN ('queued', 'running')"),
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )

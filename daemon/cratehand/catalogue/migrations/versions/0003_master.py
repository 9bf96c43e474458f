"""Device and master in step.

Revision 0003.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("facts", sa.Column("revision", sa.BigInteger(), nullable=True))
    op.create_index("ix_facts_revision", "facts", ["revision"], sqlite_where=sa.text("revision IS NOT NULL"))
    _changes()
    _settled()
    _meetings()


def downgrade() -> None:
    for table in ("capture", "devices", "pushes", "quarantine", "conflicts", "places", "merges", "changes"):
        op.drop_table(table)
    op.drop_index("ix_facts_revision", "facts")
    op.drop_column("facts", "revision")


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("entity", sa.String(length=16), nullable=False),
        sa.Column("track", KEY, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=True),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=True),
        sa.Column("deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("base", sa.Text(), nullable=True),
        sa.Column("sending", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("entity", "track", "name", name="pk_changes"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_changes_revision", "changes", ["revision"], sqlite_where=sa.text("revision IS NOT NULL"))


def _settled() -> None:
    op.create_table(
        "merges",
        sa.Column("track", KEY, autoincrement=False, nullable=False),
        sa.Column("into_track", KEY, nullable=False),
        sa.PrimaryKeyConstraint("track", name="pk_merges"),
    )
    op.create_table(
        "places",
        sa.Column("track", KEY, autoincrement=False, nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["track"], ["tracks.track"], name="fk_places_track", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("track", "device", name="pk_places"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "conflicts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        sa.Column("entity", sa.String(length=16), nullable=False),
        sa.Column("track", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("field", sa.String(length=32), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.Column("lost", sa.Text(), nullable=False),
        sa.Column("kept_by", sa.String(length=32), nullable=False),
        sa.Column("lost_by", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conflicts"),
    )
    op.create_table(
        "quarantine",
        sa.Column("entity", sa.String(length=16), nullable=False),
        sa.Column("track", KEY, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entity", "track", "name", name="pk_quarantine"),
    )


def _meetings() -> None:
    op.create_table(
        "pushes",
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name="pk_pushes"),
    )
    op.create_table(
        "devices",
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("turn", sa.String(length=32), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("met_at_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("device", name="pk_devices"),
    )
    op.create_table(
        "capture",
        sa.Column("only", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("only", name="pk_capture"),
    )

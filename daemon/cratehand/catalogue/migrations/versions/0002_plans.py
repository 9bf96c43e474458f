"""Plans, judged pairs, and what a collection states of files that were replaced.

Revision 0002.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "plans",
        sa.Column("number", KEY, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("track", KEY, nullable=True),
        sa.Column("created_at_s", sa.Double(), nullable=False),
        sa.Column("applied_at_s", sa.Double(), nullable=True),
        sa.Column("undone_at_s", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_plans"),
        sa.UniqueConstraint("id", name="uq_plans_id"),
    )
    op.create_index("ix_plans_state", "plans", ["state", "number"], unique=False)
    op.create_index("ix_plans_track", "plans", ["track"], unique=False)
    op.create_table(
        "upgrade_pairs",
        sa.Column("number", KEY, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("track", KEY, nullable=False),
        sa.Column("current_path", sa.Text(), nullable=False),
        sa.Column("candidate_path", sa.Text(), nullable=False),
        sa.Column("candidate_key", sa.Text(), nullable=False),
        sa.Column("candidate_stamp", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.Column("relation", sa.String(length=32), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("offset_s", sa.Double(), nullable=True),
        sa.Column("judged_at_s", sa.Double(), nullable=False),
        sa.Column("numbers", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["track"], ["tracks.track"], name="fk_upgrade_pairs_track", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_upgrade_pairs"),
        sa.UniqueConstraint("candidate_key", "track", name="uq_upgrade_pairs_candidate_key_track"),
        sa.UniqueConstraint("id", name="uq_upgrade_pairs_id"),
    )
    op.create_index("ix_upgrade_pairs_candidate_key", "upgrade_pairs", ["candidate_key"], unique=False)
    op.create_index("ix_upgrade_pairs_track", "upgrade_pairs", ["track"], unique=False)
    op.create_table(
        "restatements",
        sa.Column("track", KEY, nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("stated", sa.Text(), nullable=False),
        sa.Column("meant", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["track"], ["tracks.track"], name="fk_restatements_track", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("track", "what", "stated", name="pk_restatements"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("restatements", "upgrade_pairs", "plans"):
        op.drop_table(table)

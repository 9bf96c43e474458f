"""What other devices planned and did.

Revision 0004.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "plans_elsewhere",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("device_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("track", KEY, nullable=True),
        sa.Column("created_at_s", sa.Double(), nullable=False),
        sa.Column("applied_at_s", sa.Double(), nullable=True),
        sa.Column("undone_at_s", sa.Double(), nullable=True),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_plans_elsewhere"),
    )
    op.create_index("ix_plans_elsewhere_applied_at_s", "plans_elsewhere", ["applied_at_s"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        # A device that is in step with a master already tells it of the plans that it has.
        op.execute(
            "INSERT OR IGNORE INTO changes (entity, track, name, stamp) "
            "SELECT 'plan', 0, plans.id, capture.stamp + 1 FROM plans, capture"
        )
        if op.get_bind().execute(sa.text("SELECT 1 FROM capture")).first() is not None:
            # And notes from now on what becomes of them.
            from cratehand.catalogue.master.capture import install

            install(op.get_bind())


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for trigger in (
            "capture_plan_insert", "capture_plan_update", "capture_plan_delete", "capture_fact_update",
            "capture_fact_delete",
        ):  # fmt: skip
            op.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    op.execute("DELETE FROM changes WHERE entity IN ('plan', 'fact')")
    op.drop_index("ix_plans_elsewhere_applied_at_s", "plans_elsewhere")
    op.drop_table("plans_elsewhere")

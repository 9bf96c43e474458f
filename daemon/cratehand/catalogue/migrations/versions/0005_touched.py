"""Which tracks' believed values were written anew, so that copies in memory can follow.

Revision 0005.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TRIGGERS: Final = (
    "CREATE TRIGGER touched_update AFTER UPDATE ON believed "
    "BEGIN INSERT INTO touched (track) VALUES (NEW.track); END",
    "CREATE TRIGGER touched_delete AFTER DELETE ON believed "
    "BEGIN INSERT INTO touched (track) VALUES (OLD.track); END",
    "CREATE TRIGGER touched_trim AFTER INSERT ON touched WHEN NEW.number % 1000 = 0 "
    "BEGIN DELETE FROM touched WHERE number <= NEW.number - 20000; END",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "touched",
        sa.Column("number", KEY, nullable=False),
        sa.Column("track", KEY, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_touched"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for trigger in TRIGGERS:
            op.execute(trigger)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("touched_update", "touched_delete", "touched_trim"):
            op.execute(f"DROP TRIGGER IF EXISTS {name}")
    op.drop_table("touched")

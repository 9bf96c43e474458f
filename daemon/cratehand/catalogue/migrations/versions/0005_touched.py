"""Of which tracks something was written anew, so that copies in memory can follow.

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
TRIGGERS: Final = {
    "touched_believed_update": "UPDATE ON believed BEGIN INSERT INTO touched (track) VALUES (NEW.track); END",
    "touched_believed_delete": "DELETE ON believed BEGIN INSERT INTO touched (track) VALUES (OLD.track); END",
    "touched_embeddings_insert": "INSERT ON embeddings BEGIN INSERT INTO touched (track) VALUES (NEW.track); END",
    "touched_embeddings_update": (
        "UPDATE ON embeddings BEGIN INSERT INTO touched (track) VALUES (OLD.track), (NEW.track); END"
    ),
    "touched_embeddings_delete": "DELETE ON embeddings BEGIN INSERT INTO touched (track) VALUES (OLD.track); END",
    "touched_trim": (
        "INSERT ON touched WHEN NEW.number % 1000 = 0 "
        "BEGIN DELETE FROM touched WHERE number <= NEW.number - 100000; END"
    ),
}


def upgrade() -> None:
    op.create_table(
        "touched",
        sa.Column("number", KEY, nullable=False),
        sa.Column("track", KEY, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_touched"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for name, what in TRIGGERS.items():
            op.execute(f"CREATE TRIGGER {name} AFTER {what}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in TRIGGERS:
            op.execute(f"DROP TRIGGER IF EXISTS {name}")
    op.drop_table("touched")

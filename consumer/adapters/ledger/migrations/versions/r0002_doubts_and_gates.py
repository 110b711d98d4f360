"""Possible duplicates, and gates that all processes share."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column(
        "deliveries",
        sa.Column("possible_duplicate", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "gates",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("opens_at", sa.Double, nullable=False),
    )

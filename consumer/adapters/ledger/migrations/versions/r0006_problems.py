"""Problems whose recovery will name nothing but their event."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "problems",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("atom", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("noted_at", sa.Double, nullable=False),
    )
    op.create_index("ix_problems_noted_at", "problems", ["noted_at"])

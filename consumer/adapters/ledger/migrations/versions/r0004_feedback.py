"""What providers report later: reports told, tokens used, and how far their events were read."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("noted_at", sa.Double, nullable=False),
    )
    op.create_index("ix_reports_noted_at", "reports", ["noted_at"])
    op.create_table(
        "webhook_tokens",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("used_for", sa.Text, nullable=False),
        sa.Column("noted_at", sa.Double, nullable=False),
    )
    op.create_index("ix_webhook_tokens_noted_at", "webhook_tokens", ["noted_at"])
    op.create_table(
        "feeds",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text),
        sa.Column("over_at", sa.Double, nullable=False),
        sa.Column("place", sa.Double),
    )

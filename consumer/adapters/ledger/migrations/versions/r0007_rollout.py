"""The route of each delivery, and shares of routes that are changed while processes run."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("route", sa.Text))
    op.create_table(
        "shares",
        sa.Column("route", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("percent", sa.Double),
        sa.Column("tenants", sa.Text),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("tripped", sa.Boolean, nullable=False),
    )

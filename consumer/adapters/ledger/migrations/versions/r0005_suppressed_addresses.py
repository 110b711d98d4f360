"""The provider's lists of addresses that it keeps emails from."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "suppressed_addresses",
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("list", sa.Text, primary_key=True),
        sa.Column("domain", sa.Text, primary_key=True),
        sa.Column("since", sa.Double),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("noted_at", sa.Double, nullable=False),
    )

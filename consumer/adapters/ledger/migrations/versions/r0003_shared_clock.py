"""The end of a lease by the clock that all processes share: the database's."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # Empty for a process that still runs the older program: its own word counts alone.
    op.add_column("owners", sa.Column("over_at", sa.Double))

"""Owners, atoms, events, deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_locks()
    _create_events()
    _create_deliveries()


def _create_locks() -> None:
    op.create_table(
        "owners",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("lease_until", sa.Double, nullable=False),
    )
    op.create_table(
        "atoms",
        sa.Column("atom", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("last_event_id", sa.Text),
        sa.Column("last_state", sa.Text),
        sa.Column("last_timestamp_ms", sa.BigInteger),
        sa.Column("thread_event_id", sa.Text),
        sa.Column("updated_at", sa.Double, nullable=False),
    )
    op.create_index("ix_atoms_owner", "atoms", ["owner"])
    op.create_index("ix_atoms_updated_at", "atoms", ["updated_at"])


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("atom", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("timestamp_ms", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.Double, nullable=False),
    )
    op.create_index("ix_events_closed_at", "events", ["closed_at"])


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("uid", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("atom", sa.Text, nullable=False),
        sa.Column("target_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("transport", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("provider_id", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("message", sa.Text),
        sa.Column("code", sa.Integer),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
    )
    for name, columns in (
        ("event_id", ["event_id"]),
        ("destination", ["destination"]),
        ("message_id", ["message_id"]),
        ("state", ["state", "updated_at"]),
        ("updated_at", ["updated_at"]),
    ):
        op.create_index(f"ix_deliveries_{name}", "deliveries", columns)

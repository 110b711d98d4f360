"""How many emails each recipient got, and what is held back for a summary."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    _create_recipients()
    _create_counted_notifications()


def _create_recipients() -> None:
    op.create_table(
        "recipients",
        sa.Column("recipient", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("summary_id", sa.Text),
        sa.Column("due_at", sa.Double),
        sa.Column("last_summary_id", sa.Text),
        sa.Column("sealed_at", sa.Double),
        sa.Column("updated_at", sa.Double, nullable=False),
    )
    for column in ("summary_id", "due_at", "updated_at"):
        op.create_index(f"ix_recipients_{column}", "recipients", [column])


def _create_counted_notifications() -> None:
    op.create_table(
        "counted_notifications",
        sa.Column("uid", sa.Text, primary_key=True),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("summary_id", sa.Text),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("atom", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("timestamp_ms", sa.BigInteger, nullable=False),
        sa.Column("words", sa.Text),
        sa.Column("decided_at", sa.Double, nullable=False),
    )
    op.create_index(
        "ix_counted_notifications_recipient", "counted_notifications", ["recipient", "decided_at"]
    )
    for column in ("summary_id", "decided_at"):
        op.create_index(f"ix_counted_notifications_{column}", "counted_notifications", [column])

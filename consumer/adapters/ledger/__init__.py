"""The ledger: locks, and what was sent. SQLAlchemy Core on SQLite or PostgreSQL."""

from consumer.adapters.ledger.ledger import SqlLedger, open_ledger
from consumer.adapters.ledger.migrating import current_revision, upgrade

__all__ = ["SqlLedger", "current_revision", "open_ledger", "upgrade"]

"""Run by Alembic: migrates on the connection that `migrating.py` hands over."""

from alembic import context

from consumer.adapters.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()

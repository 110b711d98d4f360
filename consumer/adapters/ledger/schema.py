"""The tables. Times are epoch seconds as doubles, so that callers own the clock."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    false,
)

metadata = MetaData()

#: Who is alive: one row per consumer process, renewed by its heartbeat. One lease covers all
#: that the owner holds, so a heartbeat costs one row and not one per atom.
owners = Table(
    "owners",
    metadata,
    Column("owner", Text, primary_key=True),
    # By the owner's clock: what it says of itself.
    Column("lease_until", Double, nullable=False),
    # By the database's clock, which all processes share: what goes. A machine whose own clock is
    # far ahead would hold its alarms that long after it died, and take those of the living.
    Column("over_at", Double),
)

#: Who works on what, and how far the atom's stream of events got.
atoms = Table(
    "atoms",
    metadata,
    Column("atom", Text, primary_key=True),
    Column("owner", Text),
    Column("fence", BigInteger, nullable=False),
    Column("last_event_id", Text),
    Column("last_state", Text),
    Column("last_timestamp_ms", BigInteger),
    Column("thread_event_id", Text),
    Column("updated_at", Double, nullable=False),
    Index("ix_atoms_owner", "owner"),
    Index("ix_atoms_updated_at", "updated_at"),
)

#: Events that have ended.
events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("atom", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("timestamp_ms", BigInteger, nullable=False),
    Column("closed_at", Double, nullable=False),
    Index("ix_events_closed_at", "closed_at"),
)

#: Notifications whose sending was begun. `owner` and `fence` are those of the last writer.
deliveries = Table(
    "deliveries",
    metadata,
    Column("uid", Text, primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("atom", Text, nullable=False),
    Column("target_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("destination", Text, nullable=False),
    # Without angle brackets: that is how providers report it.
    Column("message_id", Text, nullable=False),
    Column("transport", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("provider_id", Text),
    Column("reason", Text),
    Column("message", Text),
    Column("code", Integer),
    Column("possible_duplicate", Boolean, nullable=False, server_default=false()),
    # By which it was last tried; NULL: of before there were names, or none has one.
    Column("route", Text),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Index("ix_deliveries_event_id", "event_id"),
    Index("ix_deliveries_destination", "destination"),
    Index("ix_deliveries_message_id", "message_id"),
    # Finds the few in doubt among the many accepted, newest first, and counts by state.
    Index("ix_deliveries_state", "state", "updated_at"),
    Index("ix_deliveries_updated_at", "updated_at"),
)

#: Until when a provider asked one sending domain to wait: one process hears it for all.
gates = Table(
    "gates",
    metadata,
    Column("name", Text, primary_key=True),
    Column("opens_at", Double, nullable=False),
)

#: Reports of providers whose tracking records were acknowledged.
reports = Table(
    "reports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("noted_at", Double, nullable=False),
    Index("ix_reports_noted_at", "noted_at"),
)

#: Tokens of webhooks that were taken, and the provider's event that each came with.
webhook_tokens = Table(
    "webhook_tokens",
    metadata,
    Column("token", Text, primary_key=True),
    Column("used_for", Text, nullable=False),
    Column("noted_at", Double, nullable=False),
    Index("ix_webhook_tokens_noted_at", "noted_at"),
)

#: Problems as they were told, for recoveries that name nothing but their event.
problems = Table(
    "problems",
    metadata,
    Column("id", Text, primary_key=True),
    Column("atom", Text, nullable=False),
    # JSON, in our own format.
    Column("event", Text, nullable=False),
    # By the database's clock.
    Column("noted_at", Double, nullable=False),
    Index("ix_problems_noted_at", "noted_at"),
)

#: How far the events of a sending domain were read, and whose turn it is to read them.
feeds = Table(
    "feeds",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text),
    # By the database's clock.
    Column("over_at", Double, nullable=False),
    # By the provider's clock; NULL: nothing was read yet.
    Column("place", Double),
)

#: The provider's lists of addresses that it keeps emails from, as they were read the last time.
suppressed_addresses = Table(
    "suppressed_addresses",
    metadata,
    # In lower case. First in the key: with the domain before it SQLite goes through all entries of
    # the domain for each address that is looked for.
    Column("address", Text, primary_key=True),
    Column("list", Text, primary_key=True),
    # The sending domain: each has lists of its own.
    Column("domain", Text, primary_key=True),
    # By the provider's clock.
    Column("since", Double),
    Column("why", Text, nullable=False),
    # A JSON array.
    Column("tags", Text, nullable=False),
    # By the database's clock: when it was last heard of.
    Column("noted_at", Double, nullable=False),
)

#: Shares of routes that were changed while processes ran: who, when and why. Rows are only added;
#: of a route the one with the highest number holds, before what the settings file says.
shares = Table(
    "shares",
    metadata,
    Column("route", Text, primary_key=True),
    # From 1, without gaps: whoever writes the next one has seen the last one.
    Column("number", Integer, primary_key=True),
    # NULL: as the settings file says.
    Column("percent", Double),
    # A JSON array; NULL: as the settings file says.
    Column("tenants", Text),
    # By the database's clock.
    Column("at", Double, nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Text, nullable=False),
    # The guard did it: it stays so until a person sets the share again.
    Column("tripped", Boolean, nullable=False),
)

#: Recipients whose emails are counted, each an address of a tenant.
recipients = Table(
    "recipients",
    metadata,
    # Tenant and address in lower case.
    Column("recipient", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    # The address as it was written first.
    Column("destination", Text, nullable=False),
    # The summary that what is held back joins; NULL: none is open.
    Column("summary_id", Text),
    # By the database's clock: when somebody has to write its event, or to write it again.
    Column("due_at", Double),
    # The last summary that was closed, and when, by the database's clock.
    Column("last_summary_id", Text),
    Column("sealed_at", Double),
    # By the database's clock.
    Column("updated_at", Double, nullable=False),
    Index("ix_recipients_summary_id", "summary_id"),
    Index("ix_recipients_due_at", "due_at"),
    Index("ix_recipients_updated_at", "updated_at"),
)

#: Notifications that were counted, or held back and told in a summary: decided once each.
counted_notifications = Table(
    "counted_notifications",
    metadata,
    Column("uid", Text, primary_key=True),
    Column("recipient", Text, nullable=False),
    # NULL: it was let through.
    Column("summary_id", Text),
    Column("event_id", Text, nullable=False),
    Column("atom", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("timestamp_ms", BigInteger, nullable=False),
    # For the summary, a JSON array: entity, check, alarm, status. NULL: it was let through.
    Column("words", Text),
    # By the database's clock.
    Column("decided_at", Double, nullable=False),
    Index("ix_counted_notifications_recipient", "recipient", "decided_at"),
    Index("ix_counted_notifications_summary_id", "summary_id"),
    Index("ix_counted_notifications_decided_at", "decided_at"),
)

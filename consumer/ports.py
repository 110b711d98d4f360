"""The ports: what the pipeline and the worker need from the outside world.

Each protocol is implemented in `consumer/adapters/`, and one contract suite in
`tests/contract/` runs on every implementation.
"""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

import msgspec

from consumer.domain.catalog import (
    Account,
    Alarm,
    Check,
    Entity,
    Plan,
    Suppression,
    Target,
    Zone,
)
from consumer.domain.ledger import (
    AtomState,
    ClaimRequest,
    Claims,
    Closing,
    DeliveryRow,
    DeliveryState,
    EventRow,
    SendingMark,
    Settlement,
)
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record


class Clock(Protocol):
    """Time, so that tests own it."""

    def now(self) -> float:
        """Wall clock, epoch seconds."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def wait(self, seconds: float) -> None:
        """Sleep; returns early when the process is asked to stop."""


class Snapshot(Protocol):
    """The catalog at one moment. Ids unknown to the account give None; nothing here does I/O."""

    #: True: the source is away or the answers are older than allowed.
    degraded: bool

    def account(self, tenant_id: str) -> Account | None: ...
    def entity(self, tenant_id: str, entity_id: str) -> Entity | None: ...
    def check(self, tenant_id: str, entity_id: str, check_id: str) -> Check | None: ...
    def alarm(self, tenant_id: str, entity_id: str, alarm_id: str) -> Alarm | None: ...
    def plan(self, tenant_id: str, plan_id: str) -> Plan | None: ...
    def target(self, tenant_id: str, target_id: str) -> Target | None: ...
    def zone(self, zone_id: str) -> Zone | None: ...
    def suppressions(self, tenant_id: str) -> Sequence[Suppression]: ...


#: What a batch of events needs: (tenant id, entity id, check id, alarm id, plan id hint).
LookupKey = tuple[str, str, str, str, str | None]


class Catalog(Protocol):
    """Where accounts, entities, checks, alarms, plans and targets are looked up."""

    def snapshot(self, keys: Collection[LookupKey]) -> Snapshot:
        """Everything known for these keys, fetched in a few statements.

        Raises CatalogUnavailable when the source is away and nothing usable is cached.
        """

    def ping(self) -> None:
        """Raise CatalogUnavailable when the source does not answer."""

    def close(self) -> None: ...


class Ledger(Protocol):
    """Locks on atoms, and what was sent. Every method is one transaction.

    All raise LedgerUnavailable when the database does not answer; nothing was changed then,
    or the caller may repeat the call: each is idempotent.
    """

    def heartbeat(self, owner: str, now: float, lease_seconds: float) -> float:
        """Extend the lease of all that `owner` holds; returns its end."""

    def claim(self, owner: str, requests: Sequence[ClaimRequest], now: float) -> Claims:
        """Win the atoms that are free, ours already, or whose owner's lease is over."""

    def mark_sending(self, owner: str, marks: Sequence[SendingMark], now: float) -> Collection[str]:
        """Write SENDING rows; returns the uids refused because the fence is no longer ours,
        or because the row is neither DEFERRED nor a SENDING of our own."""

    def settle(self, owner: str, settlements: Sequence[Settlement], now: float) -> Collection[str]:
        """Write results; returns the uids whose fence was lost, and those that say an end or a
        wait of what is ACCEPTED already.

        ACCEPTED is written all the same: what the provider said is a fact. Anything weaker yields
        to it, and to a row of a newer fence, whose attempt may be under way.
        """

    def close_events(self, closings: Sequence[Closing], now: float) -> None:
        """Write the events' ends and move their atoms on; neither goes back, whoever says it."""

    def reopen(self, event_ids: Collection[str], now: float) -> Collection[str]:
        """Forget that these events ended, so that they may be sent what they were not; returns
        those that had.

        Of their notifications, what is EXPIRED or FAILED is DEFERRED from now on, and what is
        held in doubt waits to be looked up again. What was accepted, or superseded, stays.
        """

    def release(self, owner: str, atoms: Collection[str]) -> None:
        """Give atoms back."""

    def release_all(self, owner: str) -> None:
        """Give everything back and end the lease (on a clean stop)."""

    def prune(self, before: float, limit: int) -> int:
        """Delete up to `limit` rows last touched before `before`; returns how many."""

    def close_gate(self, name: str, seconds: float) -> None:
        """Tell all processes that a provider asked to wait so long; a later end stands.

        By the database's clock: a process whose own is wrong must not silence the others.
        """

    def gates(self) -> Mapping[str, float]:
        """The gates that are closed now, each with the seconds left."""

    def find_deliveries(
        self,
        *,
        uid: str | None = None,
        event_id: str | None = None,
        message_id: str | None = None,
        destination: str | None = None,
        states: Collection[DeliveryState] = (),
        limit: int = 100,
    ) -> Sequence[DeliveryRow]:
        """Rows that match all that is given, newest first.

        `message_id` may come with or without brackets. A `destination` that is not found as
        written is looked for whatever its case.
        """

    def find_events(self, ids: Collection[str]) -> Mapping[str, EventRow]: ...

    def counts(self) -> Mapping[str, int]:
        """Rows per table, per delivery state (`deliveries.accepted`) and per event outcome
        (`events.duplicate`)."""

    def ping(self) -> None: ...

    def close(self) -> None: ...


class LedgerOfAtoms(Ledger, Protocol):
    """A ledger that a person's commands also ask how far alarms have come."""

    def find_atoms(self, atoms: Collection[str]) -> Mapping[str, AtomState]:
        """By atom; one of which nothing is known is not there. Nothing is claimed."""


class AccessEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the provider: a line of the access log, a sample of the metrics."""

    transport: str
    domain: str
    uid: str
    message_id: str
    kind: Kind
    reason: Reason
    #: HTTP status; None: there was no answer.
    status: int | None
    milliseconds: float
    #: A lookup is ACCEPTED when the email was found, or FAILED when found refused, IN_DOUBT when
    #: it was not found, and DEFERRED when the provider could not say.
    call: Literal["send", "lookup"] = "send"
    #: How many emails the call carried; `uid` and `message_id` are those of the first.
    emails: int = 1


#: Takes every call as it ends. It must not raise: the email is out by then.
AccessLog = Callable[[AccessEntry], None]


def not_logged(_entry: AccessEntry) -> None:
    """For an adapter that nobody watches."""


class Secret(Protocol):
    """A value that has to be asked for, so that it is not printed by accident (pydantic's)."""

    def get_secret_value(self) -> str: ...


class Transport(Protocol):
    """A way to deliver email. Never raises for what a provider or network does: says it."""

    name: str

    def send(self, email: Email, options: SendOptions) -> SendResult:
        """One attempt; does not wait for a better moment."""

    def opens_in(self) -> float:
        """Seconds for which the provider asked not to be called; 0: it may be."""

    def close(self) -> None: ...


@runtime_checkable
class BatchTransport(Transport, Protocol):
    """A transport that can take many emails in one call, each for one recipient of its own."""

    @property
    def batch_limit(self) -> int:
        """How many emails one call may carry at the moment; the provider may have lowered it."""

    def together(self, email: Email, options: SendOptions) -> Hashable | None:
        """What all emails of one call have in common; None: this one has to go alone.

        Emails of one call also have distinct addresses; `batch_bytes` bounds their sizes' sum.
        """

    @property
    def batch_bytes(self) -> int:
        """How many bytes of emails (`Email.size`) one call may carry."""

    def send_batch(self, emails: Sequence[Email], options: SendOptions) -> Sequence[SendResult]:
        """One call for at least two emails that belong together: a result for each, in order.

        All are alike: ACCEPTED, DEFERRED or IN_DOUBT. DEFERRED with reason BATCH_REFUSED: the
        call was refused as a whole, which may be one email's fault or that of their number;
        smaller parts, at last single emails, tell.
        """


class Lookup(Protocol):
    """Where a provider is asked what became of a message whose answer was lost."""

    def find(self, email: Email, sent_at: float) -> SendResult | None:
        """What the provider knows of the email, by its Message-Id; None: nothing, so far.

        ACCEPTED (reason FOUND), or FAILED (reason PROVIDER_REJECTED) when the provider took it
        and then threw it away. `sent_at` is about when it was sent, epoch seconds. Raises
        LookupUnavailable when the provider cannot say at the moment.
        """

    def close(self) -> None: ...


class RecordSource(Protocol):
    """Where records come from: only the poll thread calls these."""

    def poll(self, timeout_seconds: float) -> Sequence[Record]: ...
    def commit(self, offsets: Mapping[tuple[str, int], int]) -> bool:
        """False: a rebalance was in the way, nothing was committed."""

    def hold(self, partitions: Collection[tuple[str, int]] | None) -> None:
        """From now on fetch nothing of these (None: of any), and of all others again."""

    def close(self) -> None: ...


#: Called once when the broker acknowledged the record (None) or refused it for good.
OnAck = Callable[[Exception | None], None]


class RecordSink(Protocol):
    """Where records go to; acknowledged by all in-sync replicas."""

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
        on_ack: OnAck,
    ) -> None: ...

    def flush(self, timeout_seconds: float) -> None: ...

    def close(self, timeout_seconds: float) -> None: ...

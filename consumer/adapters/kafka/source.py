"""The consumer group's member: records in, with the checks of the client around.

Only the poll thread calls this. kafka-python runs rebalance listeners on its own loop while
the poll thread waits inside `poll` or `close`; nothing blocking may be called there, so the
listener awaits and the heartbeat goes on.
"""

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer
from kafka.consumer.subscription_state import AsyncConsumerRebalanceListener
from kafka.errors import (
    CommitFailedError,
    FencedInstanceIdError,
    KafkaError,
    RebalanceInProgressError,
)
from kafka.structs import OffsetAndMetadata
from kafka.structs import TopicPartition as KafkaPartition

from consumer.adapters.kafka.client_quirks import (
    ask_only_for_a_lost_coordinator,
    ensure_reachable,
    give_back_what_was_held,
    is_fenced,
)
from consumer.adapters.kafka.config import KafkaSettings, consumer_config
from consumer.adapters.kafka.gaps import GapCheck, TopicPartition
from consumer.adapters.kafka.hooks import Assignment, Observer
from consumer.adapters.kafka.inspection import Inspection
from consumer.adapters.kafka.joining import (
    ask_again,
    finish_join,
    keep_finished_joins,
    leave_unjoined,
)
from consumer.adapters.kafka.membership import Membership, is_settled
from consumer.adapters.kafka.records import record_of
from consumer.adapters.kafka.unreadable import step_over_unreadable
from consumer.domain.errors import BrokerUnavailable, SettingsError
from consumer.domain.record import Record
from consumer.ports import Clock

#: Seconds between two inspections, and what a commit may take.
_PATIENCE = 5.0
#: Seconds between two looks of the listener whether work of revoked partitions has ended.
_REVOKE_STEP = 0.02
#: What leaving may meet; RuntimeError is the client's word for a connection that is closing.
_NO_GOODBYE = (KafkaError, RuntimeError)


class KafkaSource:
    """One member of the consumer group."""

    def __init__(
        self,
        settings: KafkaSettings,
        topics: Sequence[str],
        *,
        assignment: Assignment,
        observer: Observer,
        clock: Clock,
        revoke_limit_seconds: float = 10.0,
        stall_seconds: float = 30.0,
        make_consumer: Callable[..., Any] = KafkaConsumer,
        probe: Callable[[KafkaSettings], None] = ensure_reachable,
    ) -> None:
        self._settings = settings
        self._topics = list(topics)
        self._assignment = assignment
        self._observer = observer
        self._clock = clock
        # The listener waits inside `poll`: the group would miss us, and take everything away.
        self._revoke_limit = min(revoke_limit_seconds, settings.max_poll_interval_seconds / 2)
        self._make_consumer = make_consumer
        self._probe = probe
        self._gaps = GapCheck()
        # Sooner than the group gives up on us.
        self._patience = min(_PATIENCE, settings.session_timeout_seconds / 2)
        self._inspection = Inspection(
            self._topics,
            gaps=self._gaps,
            stall_seconds=stall_seconds,
            pause_seconds=self._patience,
            observer=observer,
            now=clock.monotonic(),
        )
        self._membership = self._newcomer()
        #: The partition that filled the last poll alone.
        self._filled: set[KafkaPartition] = set()
        #: Of which nothing is to be fetched; None: of any.
        self._held: Collection[TopicPartition] | None = ()
        self._consumer: Any = None

    def open(self) -> None:
        """Connect and subscribe; raises BrokerUnavailable."""
        self._probe(self._settings)
        try:
            self._consumer = self._make_consumer(**consumer_config(self._settings))
            step_over_unreadable(self._consumer)
            keep_finished_joins(self._consumer)
            ask_only_for_a_lost_coordinator(self._consumer)
            self._consumer.subscribe(self._topics, listener=_Listener(self))
        except KafkaError as error:
            self._discard()
            raise self._unavailable(error) from error
        self._membership = self._newcomer()

    def _newcomer(self) -> Membership:
        return Membership(self._settings.session_timeout_seconds, self._clock.monotonic())

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        """Records in partition order; raises BrokerUnavailable when Kafka does not answer.

        Raises SettingsError when another process has joined under our static name.
        """
        if self._consumer is None:
            self.open()
        try:
            # First: what was polled is lost to us when something fails afterwards.
            self._mind_membership()
            if self._inspection.look(self._consumer, self._clock.monotonic()):
                self._leave()
                self.open()
            batches = self._poll_in_turn(int(timeout_seconds * 1000))
            finish_join(self._consumer)
        except FencedInstanceIdError as error:
            raise self._fenced() from error
        except KafkaError as error:
            raise self._unavailable(error) from error
        if is_fenced(self._consumer):
            raise self._fenced()
        records: list[Record] = []
        for partition, batch in batches.items():
            records.extend(self._checked((partition.topic, partition.partition), batch))
        return records

    def _poll_in_turn(self, timeout_ms: int) -> dict[Any, Any]:
        """Records of the others, if there are any, after a partition that filled a whole poll.

        The client empties what it fetched of one partition, a thousand records and more, before it
        looks at the next: a storm would keep a quiet partition's alarm waiting.
        """
        batches: dict[Any, Any] = {}
        last = self._filled & self._consumer.assignment()
        if last and len(self._consumer.assignment()) > 1:
            self._consumer.pause(*last)
            give_back_what_was_held(self._consumer)
            try:
                batches = self._consumer.poll(timeout_ms=0)
            finally:
                self._hold_among(self._consumer.assignment())
        if not batches:
            give_back_what_was_held(self._consumer)
            batches = self._consumer.poll(timeout_ms=timeout_ms)
        most = self._settings.max_poll_records
        self._filled = {p for p, batch in batches.items() if len(batch) >= most}
        return batches

    def commit(self, offsets: Mapping[TopicPartition, int]) -> bool:
        """Commit, or raise BrokerUnavailable; False when a rebalance was in the way, or when the
        partitions are our namesake's, which the next poll tells."""
        if not offsets or self._consumer is None:
            return False
        try:
            self._consumer.commit(_as_kafka(offsets), timeout_ms=int(self._patience * 1000))
        except (CommitFailedError, FencedInstanceIdError, RebalanceInProgressError):
            return False
        except KafkaError as error:
            raise self._unavailable(error) from error
        self._observer.answered()
        return True

    def hold(self, partitions: Collection[TopicPartition] | None) -> None:
        """Fetch nothing of these (None: of any) for now, and of all others again; they are polled
        all the same, so that the group sees us alive."""
        self._held = partitions
        if self._consumer is not None:
            self._hold_among(self._consumer.assignment())

    def _hold_among(self, assigned: Collection[KafkaPartition]) -> None:
        paused = self._consumer.paused()
        for partition in assigned:
            held = self._held is None or tuple(partition) in self._held
            if held and partition not in paused:
                self._consumer.pause(partition)
            elif not held and partition in paused:
                self._consumer.resume(partition)

    def close(self) -> None:
        """Leave the group for good; the listener commits what is done on the way out.

        It does not wait: what was under way had its time before this.
        """
        self._revoke_limit = 0.0
        self._leave()

    def _leave(self) -> None:
        if self._consumer is not None:
            with contextlib.suppress(*_NO_GOODBYE):
                leave_unjoined(self._consumer)
                self._consumer.close(autocommit=False, timeout_ms=5_000)
        self._consumer = None

    def _checked(self, partition: TopicPartition, batch: Sequence[Any]) -> Iterable[Record]:
        checked = self._gaps.check(partition, [record.offset for record in batch])
        for finding in checked.findings:
            self._observer.gap(partition, finding.verdict, finding.missing)
        if checked.seek_to is not None:
            self._consumer.seek(KafkaPartition(*partition), checked.seek_to)
        return [record_of(each) for each in batch[: checked.keep]]

    def _mind_membership(self) -> None:
        """Tell whether we are in the group; a join that takes too long is asked for again."""
        settled = is_settled(self._consumer)
        if settled:
            self._observer.joined(True, "")
        waited = self._membership.overdue(settled, self._clock.monotonic())
        if waited is None:
            return
        ask_again(self._consumer)
        if not self._consumer.assignment():
            self._observer.joined(False, f"no partitions yet, {waited:.0f} s after asking to join")

    def _discard(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(*_NO_GOODBYE):
                consumer.close(autocommit=False, timeout_ms=0)

    def _unavailable(self, error: Exception) -> BrokerUnavailable:
        return BrokerUnavailable(
            f"Kafka at {self._settings.bootstrap_servers} does not answer: "
            # The client's errors begin with their name; many have no more to say.
            f"{str(error).removesuffix(': None') or type(error).__name__}"
        )

    def _fenced(self) -> SettingsError:
        return SettingsError(
            [
                "kafka.group_instance_id: another process has joined the group as "
                f"{self._settings.group_instance_id}, so this one stops; give each its own"
            ]
        )

    # -- called by the listener, on the client's loop ----------------------------------------

    def on_assigned(self, partitions: Collection[KafkaPartition]) -> None:
        plain = _plain(partitions)
        self._inspection.forget(plain)
        self._hold_among(partitions)
        self._assignment.assigned(plain)
        self._observer.answered()
        self._observer.joined(True, "")
        self._observer.rebalanced("assigned", plain)

    async def on_revoked(self, partitions: Collection[KafkaPartition]) -> None:
        plain = _plain(partitions)
        self._assignment.revoking(plain)
        deadline = self._clock.monotonic() + self._revoke_limit
        while not self._assignment.quiet(plain) and self._clock.monotonic() < deadline:
            # The client's own way to wait on its loop; there is no public one.
            await self._consumer._net.sleep(_REVOKE_STEP)
        offsets = self._assignment.revoked(plain)
        self._inspection.forget(plain)
        if offsets:
            # Overtaken by the rebalance after all: read again and found done in the ledger.
            with contextlib.suppress(KafkaError):
                await self._consumer.commit_async(_as_kafka(offsets))
        self._observer.rebalanced("revoked", plain)

    def on_lost(self, partitions: Collection[KafkaPartition]) -> None:
        plain = _plain(partitions)
        self._inspection.forget(plain)
        self._assignment.lost(plain)
        self._observer.rebalanced("lost", plain)


class _Listener(AsyncConsumerRebalanceListener):
    def __init__(self, source: KafkaSource) -> None:
        self._source = source

    async def on_partitions_assigned(self, assigned: Collection[KafkaPartition]) -> None:
        self._source.on_assigned(assigned)

    async def on_partitions_revoked(self, revoked: Collection[KafkaPartition]) -> None:
        await self._source.on_revoked(revoked)

    async def on_partitions_lost(self, lost: Collection[KafkaPartition]) -> None:
        self._source.on_lost(lost)


def _plain(partitions: Collection[KafkaPartition]) -> list[TopicPartition]:
    return sorted((p.topic, p.partition) for p in partitions)


def _as_kafka(offsets: Mapping[TopicPartition, int]) -> dict[Any, Any]:
    return {KafkaPartition(*p): OffsetAndMetadata(o, "", -1) for p, o in offsets.items()}

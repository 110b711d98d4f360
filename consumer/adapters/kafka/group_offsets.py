"""A group's committed offsets, seen and written from outside: no member joins for it.

Writing is refused by the broker while the group has members, so nobody's work is undone under
their hands.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.errors import CommitFailedError, KafkaError
from kafka.structs import OffsetAndMetadata
from kafka.structs import TopicPartition as KafkaPartition

from consumer.adapters.kafka.client_quirks import ensure_reachable, is_found, leave_operations_alone
from consumer.adapters.kafka.config import KafkaSettings, client_config
from consumer.domain.errors import BrokerUnavailable, MessengerError

Partition = tuple[str, int]

#: Milliseconds for one answer.
_ANSWER_MS: Final = 10_000
#: Milliseconds to fetch the one record whose time is asked for.
_RECORD_MS: Final = 2_000
#: The state of a group that the broker has never heard of, or has forgotten.
_NO_GROUP: Final = "Dead"


class Committed(msgspec.Struct, frozen=True):
    """Where the group goes on in one partition, and what was noted with it."""

    offset: int
    note: str = ""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """An active member of the group."""

    client_id: str
    host: str


class GroupOffsets:
    """One group, by `settings.group_id`. A context manager; raises BrokerUnavailable."""

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        make_consumer: Any = KafkaConsumer,
        make_admin: Any = KafkaAdminClient,
    ) -> None:
        self._settings = settings
        self._make_consumer = make_consumer
        self._make_admin = make_admin

    def __enter__(self) -> Self:
        ensure_reachable(self._settings)
        with self._in_our_words():
            self._consumer = self._make_consumer(
                **client_config(self._settings),
                group_id=self._settings.group_id,
                enable_auto_commit=False,
                auto_offset_reset="none",
                isolation_level="read_committed",
                allow_auto_create_topics=False,
                max_poll_records=1,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._consumer.close(autocommit=False)

    def partitions(self, topics: Iterable[str]) -> list[Partition]:
        """Of those topics that exist."""
        with self._in_our_words():
            return [
                (topic, number)
                for topic in dict.fromkeys(topics)
                for number in sorted(self._consumer.partitions_for_topic(topic) or ())
            ]

    def begins(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The first offsets that are still there."""
        with self._in_our_words():
            return _plain(self._consumer.beginning_offsets(_kafka(partitions), _ANSWER_MS))

    def ends(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The offsets after the last records."""
        with self._in_our_words():
            return _plain(self._consumer.end_offsets(_kafka(partitions), _ANSWER_MS))

    def at(self, partitions: Sequence[Partition], milliseconds: int) -> dict[Partition, int]:
        """The first offsets that are as late as this, by Kafka's timestamps; else the ends."""
        ends = self.ends(partitions)
        with self._in_our_words():
            asked = dict.fromkeys(_kafka(partitions), max(0, milliseconds))
            found = self._consumer.offsets_for_times(asked, _ANSWER_MS) if asked else {}
        times = {(p.topic, p.partition): each.offset for p, each in found.items() if is_found(each)}
        return {p: min(times.get(p, end), end) for p, end in ends.items()}

    def ends_reached(
        self, partitions: Sequence[Partition], reached: Mapping[Partition, Committed]
    ) -> dict[Partition, int]:
        """The ends, but no earlier than what has been `reached`, where there are such records.

        The embedded broker leaves out what its last batch holds beside the first record. A topic
        that was made anew ends earlier too, and has nothing there.
        """
        ends = self.ends(partitions)
        beyond = [p for p, end in ends.items() if p in reached and reached[p].offset > end]
        return ends | {p: reached[p].offset for p in beyond if self.time_of(p, ends[p]) is not None}

    def committed(self, partitions: Sequence[Partition]) -> dict[Partition, Committed]:
        """Where the group goes on; a partition without a commit is not there."""
        with self._in_our_words():
            found = {
                partition: self._consumer.committed(KafkaPartition(*partition), metadata=True)
                for partition in partitions
            }
        return {
            partition: Committed(told.offset, told.metadata or "")
            for partition, told in found.items()
            if told is not None and told.offset >= 0
        }

    def commit(self, offsets: Mapping[Partition, Committed]) -> None:
        """Have the group go on there. Raises MessengerError when it has active members."""
        given = {
            KafkaPartition(*partition): OffsetAndMetadata(each.offset, each.note, -1)
            for partition, each in offsets.items()
        }
        try:
            with self._in_our_words():
                self._consumer.commit(given, timeout_ms=_ANSWER_MS)
        except _Refused as error:
            raise MessengerError(
                f"group {self._settings.group_id} has active members: nothing was changed"
            ) from error

    def time_of(self, partition: Partition, offset: int) -> int | None:
        """When the record there, or the next one, was written: epoch milliseconds. None: there is
        none, or it did not come in time."""
        where = KafkaPartition(*partition)
        with self._in_our_words():
            self._consumer.assign([where])
            self._consumer.seek(where, offset)
            polled = self._consumer.poll(timeout_ms=_RECORD_MS, max_records=1)
        records = polled.get(where) or ()
        return records[0].timestamp if records else None

    def members(self) -> list[Member]:
        """Those that are in the group now. Raises MessengerError when the broker does not say."""
        with self._in_our_words():
            admin = self._make_admin(**client_config(self._settings))
            leave_operations_alone(admin)
            try:
                told = admin.describe_groups([self._settings.group_id])
            finally:
                admin.close()
        group = told.get(self._settings.group_id) or {}
        if group.get("error") and group.get("group_state") != _NO_GROUP:
            # Who is not told of the members must not believe that there are none.
            raise MessengerError(
                f"group {self._settings.group_id} cannot be described: {group['error']}"
            )
        return [
            Member(client_id=each.get("client_id", ""), host=each.get("client_host", ""))
            for each in group.get("members") or ()
        ]

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except CommitFailedError as error:
            raise _Refused from error
        except KafkaError as error:
            what = str(error) or type(error).__name__
            raise BrokerUnavailable(
                f"Kafka at {self._settings.bootstrap_servers} does not answer: {what}"
            ) from error


class _Refused(Exception):
    """The broker takes no commit of ours: the group has members."""


def _kafka(partitions: Iterable[Partition]) -> list[Any]:
    return [KafkaPartition(*partition) for partition in partitions]


def _plain(offsets: Mapping[Any, int]) -> dict[Partition, int]:
    return {(p.topic, p.partition): offset for p, offset in offsets.items()}

"""A group seen from outside: what the broker says of it, and what it does not say."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from kafka.structs import OffsetAndTimestamp
from kafka.structs import TopicPartition as KafkaPartition

from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.kafka.group_offsets import Committed, GroupOffsets
from consumer.domain.errors import MessengerError

GROUP = "messenger"
PLACE = ("alarm-events", 0)


class Broker:
    """What a client of the group is answered, as consumer and as admin."""

    def __init__(self) -> None:
        self.end = 5
        #: Offsets of the records that are there.
        self.records: Sequence[int] = range(5)
        self.found: OffsetAndTimestamp | None = None
        self.described: Mapping[str, Any] = {"group_state": "Empty", "members": []}
        self._at = 0

    def end_offsets(self, partitions: Sequence[KafkaPartition], _ms: int) -> dict[Any, int]:
        return dict.fromkeys(partitions, self.end)

    def offsets_for_times(self, asked: Mapping[Any, int], _ms: int) -> dict[Any, Any]:
        return dict.fromkeys(asked, self.found)

    def assign(self, _partitions: Sequence[KafkaPartition]) -> None:
        """There is one partition."""

    def seek(self, _partition: KafkaPartition, offset: int) -> None:
        self._at = offset

    def poll(self, *, timeout_ms: int, max_records: int) -> Mapping[Any, Sequence[Any]]:
        there = [offset for offset in self.records if offset >= self._at]
        return {KafkaPartition(*PLACE): [Raw()]} if there else {}

    def describe_groups(self, names: Sequence[str]) -> dict[str, Any]:
        return {name: self._process_acl_operations(dict(self.described)) for name in names}

    def _process_acl_operations(self, described: dict[str, Any]) -> dict[str, Any]:
        raise ValueError("15 is not a valid ACLOperation")

    def close(self, **_: Any) -> None:
        """Nothing is held."""


class Raw:
    timestamp = 1_700_000_000_000


@contextmanager
def group_on(broker: Broker) -> Iterator[GroupOffsets]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings = KafkaSettings(
            bootstrap_servers=f"127.0.0.1:{listening.getsockname()[1]}", group_id=GROUP
        )
        group = GroupOffsets(
            settings, make_consumer=lambda **_: broker, make_admin=lambda **_: broker
        )
        with group:
            yield group


@pytest.mark.parametrize(
    "found", [None, OffsetAndTimestamp(0, -1, -1), OffsetAndTimestamp(-1, -1, -1)]
)
def test_a_time_after_all_records_is_the_end(found: OffsetAndTimestamp | None) -> None:
    """However a broker says that there is none: else all would be read again."""
    broker = Broker()
    broker.found = found
    with group_on(broker) as group:
        assert group.at([PLACE], 1) == {PLACE: 5}


@pytest.mark.parametrize(("records", "end"), [(range(7), 7), (range(5), 5)])
def test_what_was_reached_is_the_end_if_there_are_such_records(
    records: Sequence[int], end: int
) -> None:
    """One broker names an end that is too early; a topic that was made anew is really shorter."""
    broker = Broker()
    broker.records = records
    with group_on(broker) as group:
        assert group.ends_reached([PLACE], {PLACE: Committed(7)}) == {PLACE: end}


def test_operations_that_the_client_does_not_know_hide_no_members() -> None:
    broker = Broker()
    broker.described = {"members": [{"client_id": "host-1", "client_host": "/127.0.0.1"}]}
    with group_on(broker) as group:
        assert [member.client_id for member in group.members()] == ["host-1"]


def test_a_group_that_nobody_has_heard_of_has_no_members() -> None:
    broker = Broker()
    broker.described = {"group_state": "Dead", "members": [], "error": "no such group"}
    with group_on(broker) as group:
        assert group.members() == []


def test_a_group_that_must_not_be_described_is_not_taken_for_an_empty_one() -> None:
    broker = Broker()
    broker.described = {"group_state": "", "members": [], "error": "not authorized"}
    with group_on(broker) as group, pytest.raises(MessengerError, match="not authorized"):
        group.members()

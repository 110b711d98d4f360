"""Keys to partitions: every client of Kafka's agrees, and ours as well."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import DefaultPartitioner

from consumer.adapters.kafka.partitions import QuickPartitioner


class _Cluster:
    """What the client knows of a topic."""

    def __init__(self, partitions: set[int]) -> None:
        self._partitions = partitions

    def topics(self) -> set[str]:
        return {"topic"}

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return self._partitions

    available_partitions_for_topic = partitions_for_topic


def _ask(partitioner: Any, key: bytes | None, partitions: set[int]) -> int:
    number: int = partitioner.partition("topic", key, key, b"v", b"v", _Cluster(partitions))
    return number


@given(st.binary(max_size=60), st.integers(1, 50))
def test_a_key_goes_where_the_clients_own_would_have_sent_it(key: bytes, count: int) -> None:
    """Another one would break the order of an alarm's records, and all that was read by key."""
    partitions = set(range(count))
    assert _ask(QuickPartitioner(), key, partitions) == _ask(DefaultPartitioner(), key, partitions)


def test_a_key_is_asked_about_anew_when_the_topic_has_grown() -> None:
    keys = [str(number).encode() for number in range(100)]
    ours = QuickPartitioner()
    before = [_ask(ours, key, {0, 1}) for key in keys]
    after = [_ask(ours, key, {0, 1, 2, 3, 4}) for key in keys]
    assert set(before) == {0, 1}
    assert after == [_ask(DefaultPartitioner(), key, {0, 1, 2, 3, 4}) for key in keys]


def test_without_a_key_any_partition_will_do() -> None:
    assert {_ask(QuickPartitioner(), None, {3, 4}) for _ in range(100)} == {3, 4}

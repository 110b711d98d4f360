"""The client's defects that we step around, each with the picture by which it is known."""

import socket
import threading
from types import SimpleNamespace

import pytest
from kafka import codec

from consumer.adapters.kafka.client_quirks import (
    ask_only_for_a_lost_coordinator,
    ensure_reachable,
    give_back_what_was_held,
    is_fenced,
)
from consumer.adapters.kafka.config import KafkaSettings
from consumer.domain.errors import BrokerUnavailable


@pytest.mark.parametrize(
    ("name", "stable", "rejoin_needed", "heartbeats", "fenced"),
    [
        ("m", True, False, False, True),
        ("m", True, False, True, False),  # in peace
        ("m", True, True, False, False),  # about to join
        ("m", False, False, False, False),  # joining
        (None, True, False, False, False),  # nobody can take a name that it does not have
    ],
)
def test_only_a_settled_static_member_without_heartbeats_is_fenced(
    name: str | None, stable: bool, rejoin_needed: bool, heartbeats: bool, fenced: bool
) -> None:
    coordinator = SimpleNamespace(
        group_instance_id=name,
        stable=lambda: stable,
        rejoin_needed=rejoin_needed,
        _heartbeat_enabled=heartbeats,
        _lock=threading.Lock(),
    )
    assert is_fenced(SimpleNamespace(_coordinator=coordinator)) is fenced


def test_a_client_without_these_insides_is_left_alone() -> None:
    for insides in (SimpleNamespace(), SimpleNamespace(_coordinator=SimpleNamespace())):
        assert not is_fenced(insides)
        give_back_what_was_held(insides)
    ask_only_for_a_lost_coordinator(SimpleNamespace())


@pytest.mark.parametrize(
    ("known", "connected", "asked"),
    [(7, True, []), (7, False, [50]), (None, True, [50])],
)
def test_the_network_thread_is_asked_for_a_coordinator_that_is_not_there(
    known: int | None, connected: bool, asked: list[float]
) -> None:
    times: list[float] = []

    def ensure_ready(timeout_ms: float) -> bool:
        times.append(timeout_ms)
        return False

    coordinator = SimpleNamespace(
        coordinator_id=known,
        ensure_coordinator_ready=ensure_ready,
        _client=SimpleNamespace(is_disconnected=lambda node: node == known and not connected),
    )
    ask_only_for_a_lost_coordinator(SimpleNamespace(_coordinator=coordinator))
    assert coordinator.ensure_coordinator_ready(timeout_ms=50) is not bool(asked)
    assert times == asked


@pytest.mark.parametrize(("in_hand", "left"), [([], None), ([1], [1]), (None, None)])
def test_only_what_the_client_has_emptied_is_taken_from_its_hand(
    in_hand: list[int] | None, left: list[int] | None
) -> None:
    consumer = SimpleNamespace(_fetcher=SimpleNamespace(_next_partition_records=in_hand))
    give_back_what_was_held(consumer)
    assert consumer._fetcher._next_partition_records == left


def test_every_codec_of_a_producer_can_be_unpacked() -> None:
    """A batch that cannot be is no bad record: it stops its partition."""
    assert codec.has_gzip()
    assert codec.has_lz4()
    assert codec.has_snappy()
    assert codec.has_zstd()


def test_one_broker_that_accepts_is_enough() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ensure_reachable(KafkaSettings(bootstrap_servers=f"127.0.0.1:9,127.0.0.1:{port}"))


@pytest.mark.parametrize("servers", ["127.0.0.1:9", "no-port", "[::1"])
def test_brokers_that_are_away_or_no_addresses_are_told(servers: str) -> None:
    with pytest.raises(BrokerUnavailable, match="does not answer"):
        ensure_reachable(KafkaSettings(bootstrap_servers=servers))

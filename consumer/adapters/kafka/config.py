"""What kafka-python is told: one place for the settings that the promise depends on."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

#: Milliseconds. A broker that is away must not freeze a caller for kafka-python's half minute.
_BOOTSTRAP_TIMEOUT_MS: Final = 10_000
#: Milliseconds: what kafka-python itself would wait for an answer. More is never asked for.
_REQUEST_TIMEOUT_MS: Final = 30_000
#: Milliseconds in which a record is acknowledged or said to have failed.
_DELIVERY_TIMEOUT_MS: Final = 30_000
#: Milliseconds that a record waits for others where all are flushed, which sends them at once:
#: without it the first of many leaves before the others came, in a request of its own.
_LINGER_MS: Final = 20


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach the brokers, and the group's timings (seconds)."""

    bootstrap_servers: str
    group_id: str = "messenger"
    client_id: str = "messenger"
    #: Static membership: a restart within the session timeout keeps its partitions.
    group_instance_id: str | None = None
    session_timeout_seconds: float = 10.0
    max_poll_interval_seconds: float = 300.0
    max_poll_records: int = 100
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = None
    ssl_cafile: str | None = None
    assignor: str = "cooperative-sticky"

    def __repr__(self) -> str:
        return f"KafkaSettings({self.bootstrap_servers!r}, group_id={self.group_id!r})"


def client_config(settings: KafkaSettings) -> dict[str, Any]:
    """What consumers, producers and admin clients share."""
    session_ms = int(settings.session_timeout_seconds * 1000)
    config: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "client_id": settings.client_id,
        "security_protocol": settings.security_protocol,
        "bootstrap_timeout_ms": _BOOTSTRAP_TIMEOUT_MS,
        "reconnect_backoff_max_ms": 2_000,
        # A broker that takes longer has lost us anyway; a connection that went silent is left then.
        "request_timeout_ms": min(max(session_ms, 1_000), _REQUEST_TIMEOUT_MS),
    }
    optional: Mapping[str, Any] = {
        "sasl_mechanism": settings.sasl_mechanism,
        "sasl_plain_username": settings.sasl_username,
        "sasl_plain_password": settings.sasl_password,
        "ssl_cafile": settings.ssl_cafile,
    }
    return config | {key: value for key, value in optional.items() if value is not None}


def consumer_config(settings: KafkaSettings) -> dict[str, Any]:
    """The consumer group's member. Offsets are committed by us alone."""
    session_ms = int(settings.session_timeout_seconds * 1000)
    return client_config(settings) | {
        # Nobody reads them; the broker and we have our own.
        "metrics_enabled": False,
        "group_id": settings.group_id,
        "group_instance_id": settings.group_instance_id,
        "enable_auto_commit": False,
        # A new group starts with what is there: nothing is lost by being late.
        "auto_offset_reset": "earliest",
        # Records of aborted transactions were never said.
        "isolation_level": "read_committed",
        "session_timeout_ms": session_ms,
        "heartbeat_interval_ms": max(session_ms // 5, 100),
        "max_poll_interval_ms": int(settings.max_poll_interval_seconds * 1000),
        "max_poll_records": settings.max_poll_records,
        "fetch_max_wait_ms": 250,
        "allow_auto_create_topics": False,
        "partition_assignment_strategy": _assignors(settings.assignor),
    }


def producer_config(settings: KafkaSettings, *, flushed: bool = False) -> dict[str, Any]:
    """The producer of tracking records and dead letters: idempotent, acknowledged by all.

    `flushed`: whoever sends flushes, and waits for nothing before that.
    """
    shared = client_config(settings)
    linger_ms = _LINGER_MS if flushed else 0
    return shared | {
        # Nobody reads them, and they are a tenth of the processor time of producing.
        "metrics_enabled": False,
        "partitioner": _partitioner(),
        "enable_idempotence": True,
        "acks": "all",
        "linger_ms": linger_ms,
        "batch_size": 256 * 1024,
        # A sixth of the size for 1.5 us of processor time each; gzip: a tenth, for 11 to 25 us.
        "compression_type": "lz4",
        "delivery_timeout_ms": _DELIVERY_TIMEOUT_MS,
        # The client insists that both fit into the time for a delivery.
        "request_timeout_ms": min(shared["request_timeout_ms"], _DELIVERY_TIMEOUT_MS - linger_ms),
        "max_block_ms": 10_000,
        "max_request_size": 2 * 1024 * 1024,
        "allow_auto_create_topics": False,
    }


def _partitioner() -> Any:
    # Imported here, as the assignors are.
    from consumer.adapters.kafka.partitions import QuickPartitioner

    return QuickPartitioner()


def _assignors(name: str) -> list[type]:
    # Imported here: the assignors pull in most of the client, which a producer never needs.
    from kafka.coordinator.assignors.cooperative_sticky import (
        CooperativeStickyAssignor,
    )
    from kafka.coordinator.assignors.range import RangePartitionAssignor

    if name == "range":
        return [RangePartitionAssignor]
    return [CooperativeStickyAssignor]

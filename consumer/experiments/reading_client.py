"""The client that topics are read with: it has no group, so that it has nothing to commit to."""

from typing import Any, Final

from kafka import KafkaConsumer

from consumer.adapters.kafka.client_quirks import ensure_reachable
from consumer.adapters.kafka.config import KafkaSettings, client_config
from consumer.adapters.kafka.unreadable import step_over_unreadable

#: Milliseconds: a partition that is added is found within twice this.
_METADATA_AGE_MS: Final = 10_000
#: Bytes that one fetch may bring: what waits in the client is bounded by it.
_FETCH_BYTES: Final = 8 * 1024 * 1024


def connected(settings: KafkaSettings) -> Any:
    """A client that reads. Raises BrokerUnavailable and the client's errors."""
    ensure_reachable(settings)
    consumer = KafkaConsumer(**reader_config(settings))
    step_over_unreadable(consumer)
    return consumer


def reader_config(settings: KafkaSettings) -> dict[str, Any]:
    """What the client is told: no group, nothing to commit, no place to jump to by itself."""
    return client_config(settings) | {
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        # As production reads.
        "isolation_level": "read_committed",
        "allow_auto_create_topics": False,
        "metadata_max_age_ms": _METADATA_AGE_MS,
        "fetch_max_bytes": _FETCH_BYTES,
        "fetch_max_wait_ms": 250,
    }

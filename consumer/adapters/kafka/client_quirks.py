"""What kafka-python 3.0.12 does wrong, and how we step around it."""

import socket
from typing import Any

from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.network import plain
from consumer.domain.errors import BrokerUnavailable

_PROBE_SECONDS = 3.0


def is_fenced(consumer: Any) -> bool:
    """Whether another member has taken the static name of this one; ask after each poll.

    A heartbeat learns it, turns the heartbeats off, and tells nobody: the client would go on
    reading partitions that are the other's. In peace a member that needs no join has them on.
    """
    coordinator = getattr(consumer, "_coordinator", None)
    if coordinator is None or getattr(coordinator, "group_instance_id", None) is None:
        return False
    with coordinator._lock:
        settled = coordinator.stable() and not coordinator.rejoin_needed
        return settled and not coordinator._heartbeat_enabled


def give_back_what_was_held(consumer: Any) -> None:
    """Have records that were fetched before a pause come after it; call it before each poll.

    The client sets them aside, and takes them up again only when it has nothing in hand. What it
    has emptied stays in its hand until another fetch replaces it: as long as other partitions
    bring records, a partition that was paused alone would be silent for ever.
    """
    fetcher = getattr(consumer, "_fetcher", None)
    in_hand = getattr(fetcher, "_next_partition_records", None)
    if fetcher is not None and in_hand is not None and not in_hand:
        fetcher._next_partition_records = None


def ask_only_for_a_lost_coordinator(consumer: Any) -> None:
    """Have the client look by itself whether it has its coordinator; call it before its first poll.

    At each poll it has its network thread say so, which is a third of what a poll without records
    costs: two threads wake each other up.
    """
    coordinator = getattr(consumer, "_coordinator", None)
    if coordinator is None:
        return
    ask = coordinator.ensure_coordinator_ready

    def ensure_ready(timeout_ms: float | None = None) -> Any:
        known = coordinator.coordinator_id
        if known is not None and not coordinator._client.is_disconnected(known):
            return True
        return ask(timeout_ms=timeout_ms)

    coordinator.ensure_coordinator_ready = ensure_ready


def is_found(told: Any) -> bool:
    """Whether an answer to "which is the first record as late as this?" names one.

    There are three ways to say that there is none; the third, an offset without a time, is the
    embedded broker's.
    """
    return told is not None and told.offset >= 0 and told.timestamp >= 0


def leave_operations_alone(admin: Any) -> None:
    """Have groups described by a broker that names operations which the client has no words for.

    It asks for what the caller may do to the group, and raises ValueError for any number that it
    does not know; nobody here wants the answer.
    """
    admin._process_acl_operations = lambda described: described


def ensure_reachable(settings: KafkaSettings) -> None:
    """Raise BrokerUnavailable unless one of the brokers accepts a connection.

    A consumer or admin client that finds no broker leaves a thread and sockets behind at each
    try; a process that waits for Kafka would run out of them.
    """
    errors = []
    for server in settings.bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), _PROBE_SECONDS):
                return
        except (OSError, ValueError) as error:
            errors.append(plain(error))
    raise BrokerUnavailable(
        f"Kafka at {settings.bootstrap_servers} does not answer: {errors[-1]}; check "
        "[kafka] bootstrap_servers, and whether a broker listens there"
    )

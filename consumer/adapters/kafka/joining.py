"""The way into the group, and out of it: what kafka-python 3.0.12 does wrong there.

It joins in a task of its own, and `poll` waits for the task as long as it has time. A task that
nobody waits for at the right moment, or that waits for an answer which does not come, leaves a
member that looks alive and never gets a partition.
"""

from typing import Any

from kafka.errors import KafkaConnectionError
from kafka.structs import MemberState


def keep_finished_joins(consumer: Any) -> None:
    """Have a join that ended between two polls count; call it before the first poll.

    The client throws its result away and joins anew, for which all others have to join too. With
    20 ms of polling in each 200 ms, a member of a broker that takes its time never came in.
    """
    coordinator = getattr(consumer, "_coordinator", None)
    if coordinator is None:
        return  # another client than the one that needs it
    join = coordinator._do_join_and_sync_async
    finished: list[Any] = []

    async def join_once() -> Any:
        # Whoever takes the result up makes the member stable; whatever spoils it, unjoined.
        if finished and coordinator.state is MemberState.REBALANCING:
            return finished.pop()
        finished.clear()
        finished.append(await join())
        return finished[0]

    coordinator._do_join_and_sync_async = join_once


def finish_join(consumer: Any) -> None:
    """Have a join that the client forgot begun again; call it after each poll.

    A leader that rejoins because its topic's metadata changed (every fresh start) forgets the
    join when `poll` times out between JoinGroup and SyncGroup while another member joins: it
    stays without heartbeats and partitions for ever. Seen in 12 of 40 starts of two members
    together, in none of 40 with this.
    """
    coordinator = getattr(consumer, "_coordinator", None)
    if coordinator is None or getattr(coordinator, "_join_task", None) is None:
        return
    if not coordinator.rejoin_needed:
        coordinator.request_rejoin()


def ask_again(consumer: Any) -> None:
    """Have the question to join asked anew, over a new connection.

    The client waits for the answer for as long as a rebalance may take, minutes, and would not
    notice that a connection is dead. A broker answers a question asked twice as if asked once,
    if the member has its id or a static name. A newcomer without either is given an id at once,
    so silence means a dead connection; an id that got lost ends with the session timeout.
    """
    coordinator = getattr(consumer, "_coordinator", None)
    if coordinator is None:
        return
    # Older brokers keep it waiting as well, and would take who asks again for another member.
    if coordinator._generation.has_member_id() or _gives_ids_at_once(coordinator):
        _hang_up(coordinator)


def _gives_ids_at_once(coordinator: Any) -> bool:
    """Since KIP-394, of Kafka 2.2, a newcomer does not wait for a rebalance to learn its id."""
    return bool(coordinator.config["api_version"] >= (2, 2))


def leave_unjoined(consumer: Any) -> None:
    """Have a member in the middle of its join leave the group; call it before `close`.

    The others would wait until its session is over. A broker reads a connection's next request
    when it has answered the last, and the answer to a join takes its time: so over a new one. And
    a member that has its id, but has not asked with it yet, is waited for as well.
    """
    coordinator = getattr(consumer, "_coordinator", None)
    if coordinator is None:
        return
    with coordinator._lock:
        if coordinator.stable() or not coordinator._generation.has_member_id():
            return
        coordinator.state = MemberState.REBALANCING
    _hang_up(coordinator)


def _hang_up(coordinator: Any) -> None:
    """The coordinator has a connection of its own: nothing else goes over it.

    At once, which the client does only for an error: one that still has bytes to write would be
    taken for the next request, and refuse it.
    """
    connection = coordinator._manager._conns.get(coordinator.coordinator_id)
    if connection is not None:
        coordinator._net.run(connection.close, KafkaConnectionError("hung up"))

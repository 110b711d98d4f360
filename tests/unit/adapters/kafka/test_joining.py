"""The way into the group and out of it: the client's coordinator, as far as we touch it."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.coordinator.base import Generation
from kafka.errors import KafkaError
from kafka.structs import MemberState

from consumer.adapters.kafka.joining import (
    ask_again,
    finish_join,
    keep_finished_joins,
    leave_unjoined,
)
from tests.unit.adapters.kafka.fakes import run


class Coordinator:
    """Counts what it is asked; its join succeeds at once."""

    def __init__(self, *, member_id: str = "member-1", broker: tuple[int, ...] = (2, 2)) -> None:
        self.config = {"api_version": broker}
        self._lock = threading.RLock()
        self._generation = Generation(-1, member_id, None)
        self._join_task: object | None = None
        self.rejoin_needed = True
        self.state = MemberState.UNJOINED
        self.coordinator_id: str | None = "coordinator-1"
        self.rejoins = 0
        self.joins = 0
        self.error: Exception | None = None
        self.hung_up: list[str] = []
        self._manager = SimpleNamespace(
            _conns={"coordinator-1": SimpleNamespace(close=self._close)}
        )
        self._net = SimpleNamespace(run=lambda call, *arguments: call(*arguments))

    @property
    def consumer(self) -> Any:
        return SimpleNamespace(_coordinator=self)

    def _close(self, error: Exception) -> None:
        """Without an error, what has bytes to write stays the connection of the next request."""
        assert isinstance(error, KafkaError)
        self.hung_up.append("coordinator-1")

    def stable(self) -> bool:
        return self.state is MemberState.STABLE

    def request_rejoin(self) -> None:
        self.rejoins += 1

    async def _do_join_and_sync_async(self) -> bytes:
        self.state = MemberState.REBALANCING
        self.joins += 1
        if self.error is not None:
            raise self.error
        return b"assignment %d" % self.joins


@pytest.mark.parametrize(
    ("join_task", "rejoin_needed", "rejoins"),
    [
        (object(), False, 1),  # forgotten: a join is under way that nobody waits for
        (object(), True, 0),  # the next poll goes on with it by itself
        (None, False, 0),  # a member in peace
    ],
)
def test_only_a_forgotten_join_is_begun_again(
    join_task: object | None, rejoin_needed: bool, rejoins: int
) -> None:
    coordinator = Coordinator()
    coordinator._join_task, coordinator.rejoin_needed = join_task, rejoin_needed
    finish_join(coordinator.consumer)
    assert coordinator.rejoins == rejoins


# -- joins that end between two polls ------------------------------------------------------------


@pytest.fixture
def joining() -> tuple[Coordinator, Callable[[], bytes]]:
    """A coordinator, and what its client calls for each join that it begins."""
    coordinator = Coordinator()
    keep_finished_joins(coordinator.consumer)

    def begin() -> bytes:
        told: list[bytes] = []

        async def task() -> None:
            told.append(await coordinator._do_join_and_sync_async())

        run(task())
        return told[0]

    return coordinator, begin


def test_a_join_that_nobody_took_up_is_the_answer_to_the_next(
    joining: tuple[Coordinator, Callable[[], bytes]],
) -> None:
    coordinator, begin = joining
    assert begin() == b"assignment 1"
    assert begin() == b"assignment 1"
    assert coordinator.joins == 1


def test_a_result_counts_once(joining: tuple[Coordinator, Callable[[], bytes]]) -> None:
    coordinator, begin = joining
    for _ in range(2):
        begin()
    assert begin() == b"assignment 2"
    assert coordinator.joins == 2


@pytest.mark.parametrize("since", [MemberState.STABLE, MemberState.UNJOINED])
def test_a_join_that_was_taken_up_or_spoiled_is_no_answer_to_the_next(
    joining: tuple[Coordinator, Callable[[], bytes]], since: str
) -> None:
    coordinator, begin = joining
    begin()
    coordinator.state = since
    assert begin() == b"assignment 2"


def test_a_join_that_failed_is_made_again(
    joining: tuple[Coordinator, Callable[[], bytes]],
) -> None:
    coordinator, begin = joining
    coordinator.error = RuntimeError("no")
    with pytest.raises(RuntimeError):
        begin()
    coordinator.error = None
    assert begin() == b"assignment 2"


# -- joins that are not answered -----------------------------------------------------------------


@pytest.mark.parametrize("broker", [(2, 1), (2, 2), (4, 3)])
def test_a_member_with_an_id_asks_again_over_a_new_connection(broker: tuple[int, ...]) -> None:
    coordinator = Coordinator(broker=broker)
    ask_again(coordinator.consumer)
    assert coordinator.hung_up == ["coordinator-1"]


@pytest.mark.parametrize(
    ("broker", "hung_up"),
    [
        ((2, 1), []),  # keeps a newcomer waiting, who would be another one the second time
        ((2, 2), ["coordinator-1"]),  # gives an id at once: its silence is the connection's
        ((4, 3), ["coordinator-1"]),
    ],
)
def test_a_member_without_an_id_asks_again_where_the_id_comes_at_once(
    broker: tuple[int, ...], hung_up: list[str]
) -> None:
    """One that the group forgot in an outage has no id when it asks; the next outage takes that."""
    coordinator = Coordinator(member_id="", broker=broker)
    ask_again(coordinator.consumer)
    assert coordinator.hung_up == hung_up


def test_without_a_coordinator_there_is_nobody_to_ask() -> None:
    coordinator = Coordinator()
    coordinator.coordinator_id = None
    ask_again(coordinator.consumer)
    assert coordinator.hung_up == []


@pytest.mark.parametrize("state", [MemberState.REBALANCING, MemberState.UNJOINED])
def test_a_member_in_its_join_leaves_over_a_new_connection(state: str) -> None:
    """The client leaves only what it takes for joined, and the old connection is not read."""
    coordinator = Coordinator()
    coordinator.state = state
    leave_unjoined(coordinator.consumer)
    assert coordinator.state is MemberState.REBALANCING
    assert coordinator.hung_up == ["coordinator-1"]


@pytest.mark.parametrize(
    ("state", "member_id"), [(MemberState.STABLE, "member-1"), (MemberState.REBALANCING, "")]
)
def test_a_member_that_has_joined_or_was_never_known_leaves_as_ever(
    state: str, member_id: str
) -> None:
    coordinator = Coordinator(member_id=member_id)
    coordinator.state = state
    leave_unjoined(coordinator.consumer)
    assert (coordinator.state, coordinator.hung_up) == (state, [])


def test_a_client_without_these_insides_is_left_alone() -> None:
    for step in (keep_finished_joins, finish_join, ask_again, leave_unjoined):
        step(SimpleNamespace())

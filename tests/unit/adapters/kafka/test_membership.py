"""A member that waits for its place in the group says so, and asks again."""

from types import SimpleNamespace
from typing import Any

import pytest
from kafka.structs import MemberState

from consumer.adapters.kafka.membership import Membership, is_settled
from tests.unit.adapters.kafka.fakes import FakeConsumer
from tests.unit.adapters.kafka.source_rig import SESSION, Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_patience_is_over_again_and_again_until_there_is_a_place() -> None:
    membership = Membership(10.0, now=100.0)
    moments = [105.0, 110.0, 115.0, 120.0]
    assert [membership.overdue(False, now) for now in moments] == [None, 10.0, None, 20.0]
    assert membership.overdue(True, 121.0) is None
    assert membership.overdue(False, 130.0) is None
    assert membership.overdue(False, 131.0) == 10.0


def test_a_member_is_not_in_the_group_before_it_was_told_its_partitions(rig: Rig) -> None:
    rig.poll()
    rig.poll(after=SESSION / 2)
    assert rig.worker.places == []
    rig.client.assign_now([])
    assert rig.worker.places == [(True, "")]


def test_none_of_the_partitions_is_a_place_too(rig: Rig) -> None:
    """There are more members than partitions: the listener is told nothing then."""
    rig.poll()
    rig.client.state = MemberState.STABLE
    rig.poll(after=3 * SESSION)
    assert rig.worker.places == [(True, "")]


@pytest.mark.parametrize("anew", [True, False])
def test_a_member_about_to_join_anew_is_not_settled(anew: bool) -> None:
    client: Any = FakeConsumer()
    client.state = MemberState.STABLE
    client._coordinator = SimpleNamespace(need_rejoin=lambda: anew)
    assert is_settled(client) is not anew


def test_a_join_without_an_end_is_told_and_so_is_its_end(rig: Rig) -> None:
    rig.poll()
    rig.poll(after=SESSION)
    assert rig.worker.places == [(False, "no partitions yet, 10 s after asking to join")]
    rig.client.assign_now([])
    rig.poll()
    assert rig.worker.places[1:] == [(True, "")]


def test_a_member_that_keeps_its_partitions_in_a_long_rebalance_works_on(rig: Rig) -> None:
    client = rig.begin(p=[0])
    rig.poll()
    client.state = MemberState.REBALANCING
    rig.poll(after=2 * SESSION)
    assert rig.worker.places == [(True, "")]


def test_a_client_made_anew_has_its_whole_patience(rig: Rig) -> None:
    rig.poll()
    rig.clock.advance(2 * SESSION)
    rig.source.close()
    rig.poll()
    rig.poll(after=SESSION / 2)
    assert rig.worker.places == []

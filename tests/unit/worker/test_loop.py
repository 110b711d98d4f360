"""The poll loop: turns, pauses, commits, and its end."""

import threading
from collections.abc import Iterator

import pytest

from consumer.domain.reasons import Kind
from consumer.worker.backpressure import Limits
from tests.support.worker import FIRST, OK, OWNER, SOON, event, record, result, until
from tests.unit.worker.loop_rig import Held, Rig, impatient, one, running


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    yield from running(monkeypatch)


@pytest.fixture
def idle_rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    """Nobody sends and nobody tracks: what comes in stays."""
    impatient(monkeypatch)
    return Rig(Limits(max_events=10))


# -- turns -------------------------------------------------------------------------------------


def test_records_become_emails_tracking_records_and_a_commit(rig: Rig) -> None:
    rig.turn(one(1, "e1"), one(2, "e2", state=OK), one(3, "f1", "b"))
    rig.done()
    rig.turn(after=1)
    assert sorted(rig.transport.sent) == ["e1/0", "e2/0", "f1/0"]
    assert rig.source.committed == {FIRST: 4}
    assert rig.loop.turned_at == rig.clock.monotonic()


def test_an_event_opened_again_is_tried_again_while_its_alarm_is_still_held(rig: Rig) -> None:
    """Redriven a moment after it failed: what this process remembers is no reason to refuse."""
    rig.transport.answer = lambda _: result(Kind.FAILED)
    rig.turn(one(1, "e1"))
    rig.done()
    assert rig.ledger.reopen(["e1"], 0.0) == ["e1"]
    rig.transport.answer = lambda _: result()
    rig.turn(one(2, "e1", timestamp=1_392_138_733_001), one(3, "e1"))
    rig.done()
    assert rig.transport.sent == ["e1/0", "e1/0"]
    assert rig.ledger.deliveries["e1/0"].attempt == 2
    assert rig.ledger.events["e1"].outcome == "accepted"


def test_commits_are_made_now_and_then_and_only_when_there_is_news(rig: Rig) -> None:
    rig.turn(one(1, "e1"), after=1)
    rig.done()
    rig.turn(after=0.9)
    rig.turn(after=0.2)
    commits = rig.source.commits
    rig.turn(after=5)
    assert rig.source.committed == {FIRST: 2}
    assert rig.source.commits == commits


def test_a_commit_that_a_rebalance_overtook_is_made_again(rig: Rig) -> None:
    rig.turn(one(1, "e1"))
    rig.done()
    rig.source.rebalancing = True
    rig.turn(after=1)
    rig.source.rebalancing = False
    rig.turn(after=1)
    assert rig.source.committed == {FIRST: 2}


def test_atoms_are_given_back_a_while_after_their_last_event(rig: Rig) -> None:
    rig.turn(one(1, "e1"), after=1)
    rig.done()
    rig.turn(after=0.5)
    assert rig.ledger.held_by(OWNER) == {event("e").atom}
    rig.turn(after=1.5)
    assert rig.ledger.held_by(OWNER) == set()
    assert len(rig.atoms) == 0


def test_an_atom_that_could_not_be_given_back_is_given_back_later(rig: Rig) -> None:
    rig.turn(one(1, "e1"), after=1)
    rig.done()
    rig.ledger.away = True
    rig.turn(after=2)
    rig.ledger.away = False
    rig.turn(after=2)
    assert rig.ledger.held_by(OWNER) == set()


def test_run_turns_until_asked_to_stop_and_outlives_outages(rig: Rig) -> None:
    stop = threading.Event()
    rig.source.away = True
    thread = threading.Thread(target=rig.loop.run, args=(rig.source, stop))
    thread.start()
    until(lambda: "Kafka is away" in rig.outages, "the outage is reported")
    rig.source.batches.append([one(1, "e1")])
    rig.source.away = False
    until(lambda: rig.transport.sent == ["e1/0"], "it goes on")
    stop.set()
    thread.join(SOON)
    assert not thread.is_alive()


# -- pausing -----------------------------------------------------------------------------------


def test_partitions_are_paused_when_enough_waits_and_resumed_at_half(idle_rig: Rig) -> None:
    idle_rig.turn(*(one(n, f"e{n}", f"a{n}") for n in range(10)))
    assert idle_rig.source.paused
    assert (idle_rig.gauge("paused"), idle_rig.gauge("events_waiting")) == (1, 10)
    for _ in range(5):
        (sending,) = idle_rig.lanes.take(0)
        idle_rig.lanes.landed()
        idle_rig.lanes.sends_ended([(sending.work, False)])
        idle_rig.lanes.finish([sending.work])
        sending.work.ticket.done()
    idle_rig.turn()
    assert not idle_rig.source.paused


def test_parked_events_count_too(idle_rig: Rig) -> None:
    idle_rig.pipeline.unknown = {f"e{n}" for n in range(10)}
    idle_rig.turn(*(one(n, f"e{n}", f"a{n}") for n in range(10)))
    assert idle_rig.source.paused


def test_records_that_cannot_be_read_count_until_their_dead_letter_is_written(
    idle_rig: Rig,
) -> None:
    """They are in no lane; while Kafka takes no dead letters they would fill the memory."""
    idle_rig.turn(*(record(n, value=b"{") for n in range(10)))
    assert idle_rig.source.paused
    idle_rig.tracker.start(idle_rig.lanes)
    until(lambda: idle_rig.offsets.open == 0, "the dead letters are written")
    idle_rig.turn()
    assert not idle_rig.source.paused
    assert idle_rig.tracker.stop(SOON)


def test_bytes_count_wherever_they_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parked events are in no lane: a few large ones fill the memory as well as many small ones."""
    impatient(monkeypatch)
    large = one(1, "e1", observations=[])
    rig = Rig(Limits(max_bytes=large.size))
    rig.pipeline.unknown = {"e1"}
    rig.turn(large)
    assert rig.source.paused
    assert rig.gauge("bytes_waiting") == large.size


def test_while_the_ledger_is_away_partitions_are_paused(rig: Rig) -> None:
    rig.ledger.away = True
    rig.turn(one(1, "e1"))
    assert rig.source.paused
    rig.ledger.away = False
    rig.turn(after=0.5)
    assert not rig.source.paused
    rig.done()
    assert rig.transport.sent == ["e1/0"]


def test_partitions_are_resumed_when_all_that_waited_for_the_ledger_went_away(rig: Rig) -> None:
    rig.ledger.away = True
    rig.turn(one(1, "e1"))
    rig.revoke(FIRST)
    rig.ledger.away = False
    rig.turn(after=1)
    assert not rig.source.paused


# -- stopping ----------------------------------------------------------------------------------


def test_draining_finishes_what_is_under_way_drops_the_rest_and_commits(rig: Rig) -> None:
    held = Held()
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e1"), one(2, "e2", state=OK))
    assert held.entered.wait(SOON)
    rig.clock.step = 1e-9
    drained: list[bool] = []
    thread = threading.Thread(
        target=lambda: drained.append(rig.loop.drain(rig.source, 10)), daemon=True
    )
    thread.start()
    until(lambda: rig.lanes.events == 1, "what waits is dropped")
    held.go.set()
    thread.join(SOON)
    assert drained == [True]
    assert rig.transport.sent == ["e1/0"]
    assert rig.source.committed == {FIRST: 2}


def test_draining_does_not_wait_for_a_send_that_was_deferred_meanwhile(rig: Rig) -> None:
    held = Held(Kind.DEFERRED)
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e1"))
    assert held.entered.wait(SOON)
    held.go.set()
    assert rig.loop.drain(rig.source, 10)
    assert rig.source.committed == {FIRST: 1}


def test_draining_waits_for_the_dead_letters_of_unreadable_records(idle_rig: Rig) -> None:
    idle_rig.turn(record(1, value=b"{"))
    idle_rig.clock.step = 1.0
    assert not idle_rig.loop.drain(idle_rig.source, 3)
    idle_rig.clock.step = 1e-9
    idle_rig.tracker.start(idle_rig.lanes)
    assert idle_rig.loop.drain(idle_rig.source, 10)
    assert idle_rig.source.committed == {FIRST: 2}
    assert idle_rig.tracker.stop(SOON)


def test_draining_gives_up_at_its_limit(rig: Rig) -> None:
    held = Held()
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e1"))
    assert held.entered.wait(SOON)
    rig.clock.step = 1.0
    assert not rig.loop.drain(rig.source, 3)
    rig.clock.step = 0.0
    held.go.set()


def test_draining_without_kafka_still_ends(rig: Rig) -> None:
    rig.turn(one(1, "e1"))
    rig.done()
    rig.source.away = True
    assert rig.loop.drain(rig.source, 10)
    assert rig.outages == ["Kafka is away"]

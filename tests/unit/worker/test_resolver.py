"""The resolver: what is found is settled, what is not found in time is sent again or held."""

import threading
from collections.abc import Iterator

import msgspec
import pytest

from consumer.domain.ledger import DeliveryState
from consumer.domain.notification import Email, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.pipeline.resume import LeftInDoubt
from tests.support.worker import CRITICAL, OK, OWNER, SOON, WARNING, result, until, work
from tests.support.worker_ledger import states
from tests.unit.worker.resolver_rig import FOUND, Rig, away, changed_send


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.worker.resolver._PATIENCE", 0.005)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.stop()


def test_what_is_found_is_accepted_and_never_sent_again(rig: Rig) -> None:
    rig.lookup.answer = lambda _: FOUND
    sending = rig.doubt(work("e1"))
    assert rig.next().reason is Reason.FOUND
    assert states(rig.ledger) == {"e1/0": DeliveryState.ACCEPTED}
    assert (sending.doubt, sending.possible_duplicate) == (None, False)


def test_what_the_provider_threwaway_has_failed(rig: Rig) -> None:
    rig.lookup.answer = lambda _: result(Kind.FAILED, reason=Reason.PROVIDER_REJECTED)
    rig.doubt(work("e1"))
    assert rig.next().kind is Kind.FAILED
    assert states(rig.ledger) == {"e1/0": DeliveryState.FAILED}


def test_what_is_not_found_in_its_time_is_sent_again_as_a_possible_duplicate(rig: Rig) -> None:
    sending = rig.doubt(work("e1", state=CRITICAL))
    rig.pass_time(59)
    assert rig.landed.empty()
    rig.pass_time(1)
    told = rig.next()
    assert (told.kind, told.reason) == (Kind.DEFERRED, Reason.NOT_FOUND)
    assert sending.possible_duplicate
    row = rig.ledger.deliveries["e1/0"]
    assert (row.state, row.possible_duplicate) == (DeliveryState.DEFERRED, True)
    assert len(rig.lookup.asked) == 8


def test_by_policy_it_is_held_for_a_person() -> None:
    rig = Rig(hold=True)
    rig.doubt(work("e1", state=CRITICAL))
    rig.pass_time(60)
    landed = rig.landed.get(timeout=SOON)
    assert landed.is_final
    assert landed.result is not None
    assert (landed.result.kind, landed.result.reason) == (Kind.IN_DOUBT, Reason.HELD)
    assert rig.ledger.deliveries["e1/0"].reason == Reason.HELD
    rig.stop()


def test_the_alarm_has_moved_on_it_is_not_sent_again(rig: Rig) -> None:
    """An OK that waits behind a lost CRITICAL waits as long as CRITICAL allows, no longer."""
    sending = rig.doubt(work("e1", state=OK), work("e2", state=CRITICAL))
    rig.pass_time(60)
    told = rig.next()
    assert (told.kind, told.reason) == (Kind.SUPERSEDED, Reason.STATE_MOVED_ON)
    assert sending.possible_duplicate


def test_a_lookup_without_an_answer_finds_nothing_out(rig: Rig) -> None:
    rig.lookup.answer = away
    rig.doubt(work("e1", state=CRITICAL))
    rig.pass_time(100)
    assert rig.landed.empty()
    rig.lookup.answer = lambda _: FOUND
    rig.pass_time(2)
    assert rig.next().reason is Reason.FOUND
    assert (rig.answered[0], rig.answered[-1]) == (False, True)


def test_after_a_silence_all_are_looked_up_at_once(rig: Rig) -> None:
    """Whose lookup was due during the outage's last minute does not wait another one."""
    rig.lookup.answer = away
    for name in "abc":
        rig.doubt(work(f"{name}1", name, state=WARNING))
    rig.pass_time(65)
    asked = len(rig.lookup.asked)
    rig.lookup.answer = lambda _: FOUND
    rig.lanes.wake_doubts()
    assert {rig.next().reason for _ in "abc"} == {Reason.FOUND}
    assert len(rig.lookup.asked) == asked + 3


def test_one_answer_after_a_silence_is_enough_to_ask_for_all(rig: Rig) -> None:
    rig.lookup.answer = away
    rig.doubt(work("a1", "a", state=WARNING))
    rig.pass_time(40)
    rig.doubt(work("b1", "b", state=WARNING))
    rig.lookup.answer = lambda _: FOUND
    rig.pass_time(1)
    assert [rig.next().reason for _ in "ab"] == [Reason.FOUND] * 2


def test_of_many_without_an_answer_one_is_sent_again_first(rig: Rig) -> None:
    """A provider may take everything and say nothing: not all are doubled to learn that."""
    rig.lookup.answer = away
    for name in "abc":
        rig.doubt(work(f"{name}1", name, state=CRITICAL))
    rig.pass_time(130)
    ahead = rig.landed.get(timeout=SOON).sending
    assert rig.landed.empty()
    again = rig.ways.admit(ahead.options)
    rig.ways.send([ahead.send.email], again)
    rig.pass_time(2)
    assert [rig.next().reason for _ in "bc"] == [Reason.NOT_FOUND] * 2


def test_while_nothing_could_be_sent_anyway_it_is_asked_on(rig: Rig) -> None:
    rig.lookup.answer = away
    rig.transport.closed_for = 5.0
    rig.doubt(work("e1", state=CRITICAL))
    rig.pass_time(200)
    assert rig.landed.empty()
    rig.transport.closed_for = 0.0
    rig.pass_time(6)
    assert rig.next().reason is Reason.NOT_FOUND


@pytest.mark.parametrize("inherited", [True, False])
def test_without_a_key_the_ledger_may_still_know(inherited: bool) -> None:
    """A process that woke up with its answer wrote it down, or the provider reported it."""
    rig = Rig(key=False, reports=not inherited)
    rig.doubt(work("e1", state=CRITICAL), inherited=inherited)
    rig.pass_time(3)
    row = rig.ledger.deliveries["e1/0"]
    rig.ledger.deliveries["e1/0"] = msgspec.structs.replace(
        row, state=DeliveryState.ACCEPTED, provider_id="<p>"
    )
    rig.pass_time(2)
    told = rig.next()
    assert (told.kind, told.reason, told.provider_id) == (Kind.ACCEPTED, Reason.FOUND, "<p>")
    rig.stop()


def test_where_nobody_can_say_more_an_alarm_is_not_kept_waiting() -> None:
    """Without a key, or by SMTP. In doubt once more, it waits: else it went again and again."""
    rig = Rig(key=False)
    first = rig.doubt(work("e1", "a", state=CRITICAL))
    told = rig.next()
    assert (told.kind, told.reason) == (Kind.DEFERRED, Reason.NOT_FOUND)
    assert told.message == "Nobody can be asked whether it was accepted; it is sent again"
    assert first.possible_duplicate
    second = work("f1", "b", state=CRITICAL)
    second.prepared = changed_send(second, possible_duplicate=True)
    rig.doubt(second)
    rig.pass_time(59)
    assert rig.landed.empty()
    rig.pass_time(1)
    assert rig.next().reason is Reason.NOT_FOUND
    rig.stop()


def test_what_another_process_left_is_told_first_and_then_looked_up(rig: Rig) -> None:
    left = work("e1")
    doubt = LeftInDoubt(rig.clock.now() - 3600, 17.5, "mailgun", "m@example.com")
    send = msgspec.structs.replace(left.prepared.sends[0], doubt=doubt)
    left.prepared = msgspec.structs.replace(left.prepared, sends=(send,))
    rig.ledger.take(OWNER, left.atom)
    rig.lanes.add([left])
    landed = rig.landed.get(timeout=SOON)
    assert landed.result is not None
    assert (landed.result.kind, landed.result.reason) == (Kind.IN_DOUBT, Reason.INTERRUPTED)
    assert not landed.is_final
    assert rig.lookup.asked == []
    rig.lanes.doubt(landed.sending, 0.0)
    assert rig.next().reason is Reason.NOT_FOUND, "one answer after all this time is enough"
    assert rig.lookup.asked == ["e1/0"]


def test_an_old_doubt_is_not_given_up_after_one_lookup_without_an_answer(rig: Rig) -> None:
    """Even when a newer state waits behind it: somebody has to have been asked."""
    rig.lookup.answer = away
    sending = rig.doubt(work("e1", state=CRITICAL), work("e2", state=OK))
    assert sending.doubt is not None
    sending.doubt.since -= 3600
    rig.pass_time(10)
    assert rig.landed.empty()
    rig.lookup.answer = lambda _: FOUND
    rig.pass_time(2)
    assert rig.next().reason is Reason.FOUND


def test_a_lookup_that_hangs_holds_up_nothing_but_its_thread(rig: Rig) -> None:
    entered, go = threading.Event(), threading.Event()

    def hang(email: Email) -> SendResult | None:
        if email.uid == "e1/0":
            entered.set()
            assert go.wait(SOON)
        return FOUND

    rig.lookup.answer = hang
    rig.doubt(work("e1", "a"))
    assert entered.wait(SOON)
    rig.doubt(work("e2", "b"))
    assert rig.landed.get(timeout=SOON).sending.work.event.id == "e2"
    rig.lanes.add([work("e3", "c")])
    assert rig.lanes.take(SOON), "senders have their own"
    go.set()
    assert rig.next().reason is Reason.FOUND


def test_a_lookup_that_raises_does_not_end_the_thread(rig: Rig) -> None:
    def defect(_: Email) -> None:
        raise ZeroDivisionError

    rig.lookup.answer = defect
    rig.doubt(work("e1"))
    until(lambda: rig.answered, "it was told")
    rig.lookup.answer = lambda _: FOUND
    rig.pass_time(2)
    assert rig.next().reason is Reason.FOUND

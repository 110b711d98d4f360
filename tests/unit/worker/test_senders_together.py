"""Senders, many emails in one call: each marked and settled by itself, refused ones found."""

from collections.abc import Callable, Hashable, Iterator, Sequence

import pytest

from consumer.domain.ledger import DeliveryState
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.telemetry.metrics import Metrics
from consumer.worker.calling import Caller
from consumer.worker.lanes import Lanes
from consumer.worker.lease import Lease
from consumer.worker.marking import Marking
from consumer.worker.senders import Senders
from consumer.worker.settling import Settling
from consumer.worker.ways import Ways
from consumer.worker.work import Landed, Work
from tests.support.clock import ManualClock
from tests.support.worker import CRITICAL, OWNER, result, work
from tests.support.worker_ledger import MemoryLedger, states

LEASE = 30.0
REFUSED = result(Kind.DEFERRED, reason=Reason.BATCH_REFUSED)
BAD = result(Kind.FAILED, reason=Reason.PROVIDER_REJECTED)


class BatchTransport:
    """Takes everything, but for addresses that are bad; lowers its limit when it is told to."""

    name = "mailgun"

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.bad: set[str] = set()
        self.batch_limit = 1000
        self.batch_bytes = 1_000_000
        self.largest = 1000
        self.before: Callable[[Sequence[Email]], None] = lambda _: None
        self.answer = result(provider_id="<p1>")

    def together(self, email: Email, options: SendOptions) -> Hashable | None:
        return email.sender

    def send(self, email: Email, options: SendOptions) -> SendResult:
        self.calls.append([email.uid])
        self.before([email])
        return BAD if email.to in self.bad else self.answer

    def send_batch(self, emails: Sequence[Email], options: SendOptions) -> Sequence[SendResult]:
        self.calls.append([email.uid for email in emails])
        self.before(emails)
        if len(emails) > self.largest:
            self.batch_limit = self.largest
            return [REFUSED] * len(emails)
        refused = any(email.to in self.bad for email in emails)
        return [REFUSED if refused else self.answer] * len(emails)

    def opens_in(self) -> float:
        return 0.0

    def close(self) -> None: ...


class Rig:
    """The senders' work, done by the test's own thread."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.ledger = MemoryLedger()
        self.transport = BatchTransport()
        self.landed: list[Landed] = []
        self.lease = Lease(self.ledger, OWNER, self.clock, LEASE, lambda _ok, _why: None)
        self.lease._beat()
        self.ways = Ways(
            {"mailgun": self.transport}, clock=self.clock, failures=2, probe_seconds=1.0
        )
        self.trust()
        self.lanes = Lanes(self.clock, lambda _: None, self.ways)
        self.senders = Senders(
            count=0,
            lanes=self.lanes,
            ways=self.ways,
            marking=Marking(self.ledger, OWNER, self.lease, self.clock),
            caller=Caller(self.ways, self.lease, self.clock, Metrics(), self.landed.append),
            settling=Settling(self.ledger, OWNER, self.clock),
            clock=self.clock,
            max_age_seconds={CRITICAL: 3600.0},
            to_tracker=self.landed.append,
        )

    def trust(self) -> None:
        """The provider has answered well just now."""
        for _ in range(10):
            self.ways._trust["mailgun"].record(result())

    def add(self, works: Sequence[Work], held_by: str = OWNER) -> None:
        self.ledger.take(held_by, *{w.atom for w in works})
        self.lanes.add(works)

    def storm(self, count: int, age: float = 0.0) -> list[str]:
        """One event of one alarm with as many destinations; their uids."""
        now = int((self.clock.now() - age) * 1000)
        self.add([work(f"s{age:.0f}", f"storm-{age:.0f}", sends=count, timestamp=now)])
        return [f"s{age:.0f}/{number}" for number in range(count)]

    def turn(self) -> None:
        """One turn of one sender."""
        sendings = self.senders._worth_sending(self.lanes.take(0))
        if sendings:
            self.senders._send(sendings)

    def told(self) -> dict[str, Kind | None]:
        return {
            each.sending.send.notification.uid: each.result.kind if each.result else None
            for each in self.landed
        }


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.worker.senders._PATIENCE", 0.0)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    assert made.lanes.in_flight == 0


def test_what_waits_goes_in_one_call_marked_before_and_settled_after(rig: Rig) -> None:
    uids = rig.storm(50)
    seen: list[dict[str, DeliveryState]] = []
    rig.transport.before = lambda _: seen.append(states(rig.ledger))
    rig.turn()
    assert rig.transport.calls == [uids]
    assert seen == [dict.fromkeys(uids, DeliveryState.SENDING)]
    assert states(rig.ledger) == dict.fromkeys(uids, DeliveryState.ACCEPTED)
    assert rig.told() == dict.fromkeys(uids, Kind.ACCEPTED)


def test_one_that_waits_alone_goes_alone(rig: Rig) -> None:
    sent: list[Sequence[Email]] = []
    rig.transport.before = sent.append
    (uid,) = rig.storm(1)
    rig.turn()
    assert rig.transport.calls == [[uid]]
    assert rig.told() == {uid: Kind.ACCEPTED}


def test_one_bad_address_fails_alone_and_all_others_go(rig: Rig) -> None:
    uids = rig.storm(100)
    rig.transport.bad = {"61@example.com"}
    rig.turn()
    assert rig.told() == dict.fromkeys(uids, Kind.ACCEPTED) | {"s0/61": Kind.FAILED}
    assert states(rig.ledger)["s0/61"] is DeliveryState.FAILED
    assert len(rig.landed) == 100, "nothing is told of what was refused together"
    assert len(rig.transport.calls) <= 15


def test_what_may_not_be_so_many_goes_in_as_many_as_may(rig: Rig) -> None:
    uids = rig.storm(35)
    rig.transport.largest = 10
    rig.turn()
    assert list(map(len, rig.transport.calls)) == [35, 10, 10, 10, 5]
    assert rig.told() == dict.fromkeys(uids, Kind.ACCEPTED)
    rig.storm(12, age=1.0)
    rig.turn()
    assert len(rig.transport.calls[-1]) == 10, "the limit is known by now"


def test_a_call_without_an_answer_leaves_each_email_a_doubt_of_its_own(rig: Rig) -> None:
    uids = rig.storm(3)
    rig.transport.answer = result(Kind.IN_DOUBT, reason=Reason.ANSWER_LOST)
    rig.turn()
    assert states(rig.ledger) == dict.fromkeys(uids, DeliveryState.IN_DOUBT)
    doubts = [each.sending.doubt for each in rig.landed]
    assert all(doubts)
    assert len(set(map(id, doubts))) == 3


def test_a_defect_in_the_transport_is_a_doubt_about_all(rig: Rig) -> None:
    def fail(_: Sequence[Email]) -> None:
        raise ZeroDivisionError

    uids = rig.storm(3)
    rig.transport.before = fail
    rig.turn()
    assert rig.told() == dict.fromkeys(uids, Kind.IN_DOUBT)


def test_a_lease_that_ends_between_two_parts_stops_the_rest(rig: Rig) -> None:
    uids = rig.storm(4)
    rig.transport.largest = 2

    def late(emails: Sequence[Email]) -> None:
        if len(emails) == 2:
            rig.clock.advance(LEASE + 1)

    rig.transport.before = late
    rig.turn()
    assert list(map(len, rig.transport.calls)) == [4, 2]
    told = rig.told()
    assert [told[uid] for uid in uids] == [Kind.ACCEPTED] * 2 + [Kind.DEFERRED] * 2


def test_a_transport_that_closes_between_two_parts_is_not_called_again(rig: Rig) -> None:
    rig.storm(4)
    rig.transport.largest = 2

    def throttle(emails: Sequence[Email]) -> None:
        if len(emails) == 2:
            rig.ways.hold("mailgun", 60)

    rig.transport.before = throttle
    rig.turn()
    assert list(map(len, rig.transport.calls)) == [4, 2]
    reasons = [each.result.reason for each in rig.landed if each.result is not None]
    assert reasons == [Reason.QUEUED] * 2 + [Reason.TRANSPORT_CLOSED] * 2


def test_an_alarm_that_is_no_longer_ours_is_left_out(rig: Rig) -> None:
    now = int(rig.clock.now() * 1000)
    rig.add([work("e1", "a", timestamp=now)])
    rig.add([work("e2", "b", timestamp=now, sends=2)], held_by="another")
    rig.turn()
    assert rig.told() == {"e1/0": Kind.ACCEPTED, "e2/1": None}
    assert rig.transport.calls == [["e1/0"]]


def test_what_is_too_old_ends_before_the_call(rig: Rig) -> None:
    old, fresh = rig.storm(1, age=7200.0), rig.storm(3)
    while len(rig.landed) < 4:
        rig.turn()
    assert rig.told() == dict.fromkeys(fresh, Kind.ACCEPTED) | dict.fromkeys(old, Kind.EXPIRED)
    assert old[0] not in [uid for call in rig.transport.calls for uid in call]


def test_while_the_ledger_is_away_all_of_it_waits(rig: Rig) -> None:
    uids = rig.storm(5)
    rig.ledger.away = True
    rig.turn()
    assert rig.transport.calls == []
    assert rig.lanes.in_flight == 0
    rig.ledger.away = False
    rig.turn()
    assert rig.transport.calls == [uids]


def test_at_a_closed_gate_all_of_it_waits_unmarked(rig: Rig) -> None:
    uids = rig.storm(5)
    rig.ways.hold("mailgun", 20)
    for _ in uids:
        rig.turn()
    assert rig.landed == []
    assert states(rig.ledger) == {}
    rig.clock.advance(21)
    rig.trust()
    rig.turn()
    assert rig.transport.calls == [uids]


def test_a_broken_transport_is_probed_with_one(rig: Rig) -> None:
    rig.transport.answer = result(Kind.DEFERRED, reason=Reason.UNREACHABLE)
    rig.storm(1)
    rig.turn()
    rig.storm(1, age=1.0)
    rig.turn()
    rig.transport.answer = result()
    rig.storm(5, age=2.0)
    rig.clock.advance(2)
    rig.turn()
    assert list(map(len, rig.transport.calls)) == [1, 1, 1]
    rig.turn()
    assert len(rig.transport.calls[-1]) == 4


def test_nobody_bets_a_storm_on_a_provider_that_may_be_down(rig: Rig) -> None:
    rig.clock.advance(15)
    rig.storm(100)
    for _ in range(4):
        rig.turn()
    assert list(map(len, rig.transport.calls)) == [1, 2, 4, 8]
    rig.transport.answer = result(Kind.IN_DOUBT, reason=Reason.SERVER_ERROR)
    rig.turn()
    rig.turn()
    assert list(map(len, rig.transport.calls))[4:] == [16, 1]


def test_what_may_have_been_accepted_goes_with_its_like(rig: Rig) -> None:
    """It may not fall back, the others may."""
    rig.storm(4)
    sendings = list(rig.lanes.take(0))
    sendings[1].possible_duplicate = True
    rig.lanes.put_back(sendings)
    rig.turn()
    rig.turn()
    assert sorted(map(len, rig.transport.calls)) == [1, 3]

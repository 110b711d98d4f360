"""What is given up after sending: its dead letter, its reason, and whether it counts."""

from collections.abc import Iterator

import msgspec
import pytest

from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Undelivered
from consumer.worker.dead_letter_limit import DeadLetterLimit
from consumer.worker.giving_up import given_up
from tests.support.worker import ending, event, result, send
from tests.unit.worker.test_tracker import Rig


@pytest.fixture
def giving_up() -> Iterator[Rig]:
    made = Rig()
    made.tracker._limit = DeadLetterLimit(1, made.clock)
    made.tracker.start(made.lanes)
    yield made
    made.tracker.stop(5.0)


@pytest.mark.parametrize(
    ("kind", "reason", "said", "counts"),
    [
        (Kind.FAILED, Reason.PROVIDER_REJECTED, b"provider_rejected", True),
        (Kind.IN_DOUBT, Reason.HELD, b"held", True),
        (Kind.EXPIRED, Reason.TOO_OLD, b"too_old", False),
    ],
)
def test_what_is_given_up_is_a_dead_letter(
    giving_up: Rig, kind: Kind, reason: Reason, said: bytes, counts: bool
) -> None:
    """What a long outage let expire says nothing against the topic: it stops no intake."""
    giving_up.add(*(giving_up.work(f"e{n}", n, alarm=f"a{n}") for n in range(3)))
    for _ in range(3):
        giving_up.land(giving_up.take(), kind, reason=reason)
    giving_up.done()
    assert [headers["messenger-reason"] for _, headers in giving_up.sink.dead] == [said] * 3
    assert (giving_up.tracker._limit.tripped is not None) == counts


@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.SUPERSEDED])
def test_what_went_out_or_was_overtaken_is_none(giving_up: Rig, kind: Kind) -> None:
    giving_up.add(giving_up.work())
    giving_up.land(giving_up.take(), kind)
    giving_up.done()
    assert giving_up.sink.dead == []


def test_a_doubt_that_is_looked_up_ends_nothing(giving_up: Rig) -> None:
    """It goes back into its lane, and keeps its place."""
    giving_up.add(giving_up.work())
    sending = giving_up.take()
    giving_up.land(sending, Kind.IN_DOUBT, reason=Reason.ANSWER_LOST)
    assert giving_up.lanes.take_doubt(5.0) is sending
    assert giving_up.kinds() == [Kind.IN_DOUBT]
    assert (giving_up.sink.dead, giving_up.offsets.open) == ([], 1)
    giving_up.land(sending, Kind.ACCEPTED, reason=Reason.FOUND)
    giving_up.done()


def test_a_dead_letter_has_the_providers_words_and_says_for_whom_it_was(giving_up: Rig) -> None:
    """Of the destinations that were given up, and of no other; the same words once."""
    giving_up.add(giving_up.work(sends=4))
    for kind, said in (
        (Kind.ACCEPTED, "Queued. Thank you."),
        (Kind.FAILED, "550 no such user"),
        (Kind.FAILED, "550 no such user"),
        (Kind.EXPIRED, "older than a day"),
    ):
        giving_up.land(giving_up.take(), kind, message=said)
    giving_up.done()
    ((_, headers),) = giving_up.sink.dead
    assert headers["messenger-reason"] == b"too_old"
    told = b"Not sent within its age limit: 550 no such user; older than a day"
    assert headers["messenger-error"] == told
    assert msgspec.json.decode(headers["messenger-undelivered"]) == [
        {"uid": f"e1/{n}", "destination": f"{n}@example.com"} for n in (1, 2, 3)
    ]


@pytest.mark.parametrize("reason", [Reason.UNKNOWN_NOTIFICATION, Reason.INVALID_ADDRESS])
def test_what_the_plan_could_not_reach_is_one_dead_letter_that_does_not_count(
    giving_up: Rig, reason: Reason
) -> None:
    """Beside a destination that was told. One tenant's catalog must not stop the others."""
    broken = [ending(Kind.FAILED, reason)] * 2
    works = [
        giving_up.work(f"e{n}", n, alarm=f"a{n}", prepared={"endings": broken}) for n in range(3)
    ]
    giving_up.add(*works)
    for _ in works:
        giving_up.land(giving_up.take(), Kind.ACCEPTED)
    giving_up.done()
    assert [headers["messenger-reason"].decode() for _, headers in giving_up.sink.dead] == (
        [reason] * 3
    )
    error = giving_up.sink.dead[0][1]["messenger-error"]
    assert error == b"1 of 3 notifications were sent: as told"
    assert giving_up.tracker._limit.tripped is None
    assert giving_up.ledger.events["e0"].outcome == Kind.ACCEPTED


def test_what_led_to_no_address_is_named_by_the_plans_notification() -> None:
    missing = msgspec.structs.replace(
        ending(Kind.FAILED, Reason.UNKNOWN_NOTIFICATION), target_id="ntMissing"
    )
    end = given_up([(send(event("e1")).notification, result(Kind.ACCEPTED))], [missing], "e1")
    assert end is not None
    assert end.error == "1 of 2 notifications were sent: as told"
    (left,) = end.undelivered
    assert left == Undelivered("", "", "ntMissing", "e1")
    alone = given_up([], [missing])
    assert alone is not None
    assert alone.error == "The plan has no usable address: as told"


def test_what_another_program_serves_is_nobodys_dead_letter() -> None:
    assert given_up([], [ending(Kind.FAILED, Reason.UNSUPPORTED_TYPE)]) is None


def test_what_was_sent_and_failed_gives_the_letter_its_reason() -> None:
    end = given_up(
        [(send(event("e1")).notification, result(Kind.FAILED, message="550 no such user"))],
        [ending(Kind.FAILED, Reason.INVALID_ADDRESS)],
    )
    assert end is not None
    assert (end.reason, end.is_a_fault) == (Reason.PROVIDER_REJECTED, True)
    assert end.error == "Refused for good: 550 no such user; as told"


def test_a_letter_stays_small_whatever_providers_say() -> None:
    ends = [
        (send(event("e1"), n).notification, result(Kind.FAILED, message=f"{n}" * 600))
        for n in range(8)
    ]
    end = given_up(ends)
    assert end is not None
    assert end.error.endswith("; and 3 more")
    assert len(end.error) < 2700
    assert len(end.undelivered) == 8
    assert given_up([]) is None

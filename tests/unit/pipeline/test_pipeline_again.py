"""An alert that fires again with the time it had, from its record to its email."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from consumer.domain.alarm import State
from consumer.domain.ledger import Closing, DeliveryState
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record, Undelivered
from consumer.formats import DEFAULTS
from consumer.ingest.reading import Door, contents
from consumer.ingest.writer import entry_of
from consumer.pipeline.lock import LockRules
from consumer.pipeline.pipeline import Incoming, Prepared
from consumer.wire import redriven_headers
from tests.support.pipeline import OWNER, Bench

RULES = LockRules(repeating_sources=frozenset({"alertmanager"}))
#: 2014-02-11 17:12:13, in milliseconds.
BEGAN = 1_392_138_733_000
LABELS = {
    "alertname": "Latency",
    "severity": "critical",
    "tenant": "487000",
    "instance": "enW3bSrv01",
    "job": "chHttpW3b1",
    "notification_plan": "npOnCall01",
}


def body(status: str, ended: str = "0001-01-01T00:00:00Z") -> bytes:
    alert = {
        "status": status,
        "labels": LABELS,
        "startsAt": "2014-02-11T17:12:13Z",
        "endsAt": ended,
        "fingerprint": "1a30ba71cca2921f",
    }
    return json.dumps({"version": "4", "receiver": "m", "alerts": [alert]}).encode()


FIRING, OVER = body("firing"), body("resolved", "2014-02-11T17:20:00Z")


def record(value: bytes, seconds: int) -> Record:
    """A record that was written so long after the alert began."""
    return Record("alerts", 0, seconds, None, value, (), BEGAN + seconds * 1000)


FIRST, END, AGAIN = record(FIRING, 30), record(OVER, 500), record(FIRING, 900)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench(lock=RULES)
    made.clock.advance(BEGAN / 1000 + 1000 - made.clock.now())
    yield made
    made.ledger.close()


def prepare(bench: Bench, given: Record, undelivered: tuple[Undelivered, ...] = ()) -> Prepared:
    """What comes of a record, which a process reads that knows nothing but the ledger."""
    (received,) = bench.pipeline.receive([given])
    (event,) = received.events
    incoming = Incoming(event, bench.clock.now(), undelivered)
    (answer,) = bench.pipeline.prepare([incoming], {}, {})
    assert isinstance(answer, Prepared)
    return answer


def end(bench: Bench, answer: Prepared, outcome: Kind = Kind.ACCEPTED) -> None:
    """The event ends, as the tracker ends it."""
    locked = answer.locked
    closing = Closing(
        event_id=locked.event.id,
        atom=locked.event.atom,
        outcome=outcome,
        timestamp_ms=locked.timestamp_ms,
        state=locked.event.state,
        advances=locked.advances,
        last_event_id=locked.progress.last_event_id,
    )
    bench.ledger.close_events([closing], bench.clock.now())


def told(bench: Bench, *records: Record) -> list[State | None]:
    """The state that each of them was told as; None: nobody was told."""
    states = []
    for each in records:
        answer = prepare(bench, each)
        states.append(answer.locked.event.state if answer.sends else None)
        end(bench, answer)
    return states


def begin(bench: Bench, answer: Prepared, state: DeliveryState, **result: Any) -> None:
    """Its email was begun, and its process was gone before the event ended."""
    bench.ledger.release_all(OWNER)
    (send,) = answer.sends
    bench.earlier_run(state, notification=send.notification, **result)


def test_each_change_is_told_once_and_in_order(bench: Bench) -> None:
    repeat, over_again, third = record(FIRING, 920), record(OVER, 940), record(FIRING, 960)
    assert told(bench, FIRST, END, AGAIN, repeat, over_again, third) == [
        State.CRITICAL,
        State.OK,
        State.CRITICAL,
        None,
        State.OK,
        State.CRITICAL,
    ]
    assert told(bench, FIRST, END, AGAIN, repeat, over_again, third) == [None] * 6


def test_it_happened_when_it_was_written(bench: Bench) -> None:
    """Its email is of this hour, and not too old to be sent."""
    told(bench, FIRST, END)
    answer = prepare(bench, AGAIN)
    assert answer.locked.event.timestamp == AGAIN.timestamp
    assert answer.locked.previous_state is State.OK
    first = prepare(bench, FIRST).locked.event
    assert answer.locked.event.event_id == first.id


def test_a_process_that_died_has_sent_its_email_all_the_same(bench: Bench) -> None:
    told(bench, FIRST, END)
    begin(bench, prepare(bench, AGAIN), DeliveryState.ACCEPTED)
    answer = prepare(bench, AGAIN)
    assert (answer.locked.ending, list(answer.sends)) == (None, [])
    assert [known.result.kind for known in answer.known] == [Kind.ACCEPTED]


def test_an_email_in_doubt_is_looked_up_also_when_the_alarm_has_moved_on(bench: Bench) -> None:
    """Another partition had the end of it."""
    told(bench, FIRST, END)
    begin(bench, prepare(bench, AGAIN), DeliveryState.SENDING)
    assert [send.doubt is not None for send in prepare(bench, AGAIN).sends] == [True]
    assert told(bench, record(body("resolved", "2014-02-11T17:29:00Z"), 990)) == [None]
    answer = prepare(bench, AGAIN)
    assert [ending.kind for ending in answer.endings] == [Kind.STALE]
    assert [send.obsolete for send in answer.sends] == [Reason.STATE_MOVED_ON]


def redriven(bench: Bench, answer: Prepared, undelivered: tuple[Undelivered, ...] = ()) -> Prepared:
    """The record as a person sends it again, an hour later, its event opened."""
    bench.ledger.reopen([answer.locked.event.id], bench.clock.now())
    headers = redriven_headers(AGAIN, AGAIN.timestamp + 3_600_000)
    again = msgspec.structs.replace(
        AGAIN, offset=1, headers=headers, timestamp=AGAIN.timestamp + 3_600_000
    )
    return prepare(bench, again, undelivered)


def test_a_redriven_one_is_sent_though_it_was_repeated_since(bench: Bench) -> None:
    told(bench, FIRST, END)
    failed = prepare(bench, AGAIN)
    begin(bench, failed, DeliveryState.FAILED)
    end(bench, failed, Kind.FAILED)
    assert told(bench, record(FIRING, 920)) == [None]
    answer = redriven(bench, failed)
    assert answer.locked.event == failed.locked.event
    assert [send.attempt for send in answer.sends] == [2]


def test_a_redriven_one_whose_alarm_has_moved_on_ends(bench: Bench) -> None:
    """Whether it had an address or not: who was not told is told of in tracking."""
    told(bench, FIRST, END)
    failed = prepare(bench, AGAIN)
    end(bench, failed, Kind.FAILED)
    assert told(bench, record(body("resolved", "2014-02-11T17:29:00Z"), 990)) == [State.OK]
    answer = redriven(bench, failed, (Undelivered("", "", "ntGone", failed.locked.event.id),))
    assert answer.locked.event.id == failed.locked.event.id
    assert [ending.kind for ending in answer.endings] == [Kind.STALE, Kind.SUPERSEDED]


def test_a_redriven_one_that_was_no_event_yet_is_told(bench: Bench) -> None:
    """The catalog did not know it, so it had not ended."""
    told(bench, FIRST, END)
    answer = redriven(bench, prepare(bench, AGAIN))
    assert (answer.locked.ending, len(answer.sends)) == (None, 1)


def test_an_old_record_that_is_redriven_is_as_old_as_it_was(bench: Bench) -> None:
    told(bench, FIRST, END)
    again = msgspec.structs.replace(
        FIRST, headers=redriven_headers(FIRST, AGAIN.timestamp), timestamp=AGAIN.timestamp
    )
    assert told(bench, again) == [None]


def test_the_same_through_the_door(bench: Bench) -> None:
    """Its events say themselves when they came, so a copy that is written later is one."""

    def through(value: bytes, seconds: int, written: int | None = None) -> Record:
        (event,) = contents(Door.ALERTMANAGER, value, DEFAULTS).events
        entry = entry_of(event, BEGAN + seconds * 1000)
        return record(entry.value, written or seconds)

    records = [through(FIRING, 30), through(OVER, 500), through(FIRING, 900)]
    copies = [through(FIRING, 30, 910), through(OVER, 500, 920)]
    assert told(bench, *records, *copies) == [State.CRITICAL, State.OK, State.CRITICAL, None, None]

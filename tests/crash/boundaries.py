"""The boundaries between two durable steps, each a moment in a call of a port."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from consumer.domain.ledger import DeliveryState
from tests.crash.events import FIRST, uid
from tests.support.worker import FIRST as PARTITION

_UID: Final = uid(FIRST)


class Call(msgspec.Struct, frozen=True):
    """A call of a port by one process. `answer` is None before the call is made."""

    name: str
    port: Any
    args: tuple[Any, ...]
    made: bool
    answer: Any = None


class Boundary(msgspec.Struct, frozen=True, kw_only=True):
    """Where a thread is stopped for the first time that `call` concerns the first event."""

    name: str
    #: As the document has them: the moment, and what is durable by then.
    title: str
    durable: str
    call: str
    #: Once the call was made, before its caller goes on; else before it is made.
    made: bool
    concerns: Callable[[Call], bool]
    #: The thread that stands still is the one that polls.
    stops_polling: bool = False
    #: The first email's first answer was lost on the way here; whether it was accepted.
    lost_before: bool | None = None
    #: The other records come only now.
    alone: bool = False

    def matches(self, call: Call) -> bool:
        return call.name == self.call and call.made is self.made and self.concerns(call)


def _claims_first(call: Call) -> bool:
    return any(FIRST.id in request.event_ids for request in call.args[1])


def _marks_first(call: Call) -> bool:
    return any(mark.uid == _UID for mark in call.args[1])


def _marks_it_again(call: Call) -> bool:
    return any(mark.uid == _UID and mark.attempt > 1 for mark in call.args[1])


def _settles_first(call: Call) -> bool:
    return any(s.uid == _UID and s.state is DeliveryState.ACCEPTED for s in call.args[1])


def _closes_first(call: Call) -> bool:
    return any(closing.event_id == FIRST.id for closing in call.args[0])


def _about_first(call: Call) -> bool:
    return bool(call.args[0].uid == _UID)


def _flushes_first(call: Call) -> bool:
    return FIRST.id in {record.event.id for record in call.port.unacknowledged}


BOUNDARIES: Final = (
    Boundary(
        name="polled",
        title="after the poll",
        durable="nothing",
        call="source.poll",
        made=True,
        concerns=lambda call: bool(call.answer),
        stops_polling=True,
    ),
    Boundary(
        name="claimed",
        title="after the claim",
        durable="atom: owner, fence",
        call="ledger.claim",
        made=True,
        concerns=_claims_first,
        stops_polling=True,
    ),
    Boundary(
        name="marked",
        title="after the mark, before the request",
        durable="delivery: `sending`",
        call="ledger.mark_sending",
        made=True,
        concerns=_marks_first,
    ),
    Boundary(
        name="calling",
        title="during the call: the request is written, nothing answered",
        durable="delivery: `sending`; perhaps the email at the provider",
        call="transport.send",
        made=False,
        concerns=_about_first,
    ),
    Boundary(
        name="answered",
        title="after the answer, before it is settled",
        durable="delivery: `sending`; the email at the provider",
        call="ledger.settle",
        made=False,
        concerns=_settles_first,
    ),
    Boundary(
        name="settled",
        title="after the result is settled, before its tracking record",
        durable="delivery: `accepted`",
        call="ledger.settle",
        made=True,
        concerns=_settles_first,
    ),
    Boundary(
        name="written",
        title="after the tracking record is written, before its acknowledgement",
        durable="delivery: `accepted`; the record on the topic",
        call="sink.flush",
        made=False,
        concerns=_flushes_first,
    ),
    Boundary(
        name="acknowledged",
        title="after the acknowledgement, before the event is closed",
        durable="delivery: `accepted`; the record on the topic",
        call="ledger.close_events",
        made=False,
        concerns=_closes_first,
    ),
    Boundary(
        name="closed",
        title="after the event is closed, before the commit",
        durable="event: `accepted`; atom: last state",
        call="ledger.close_events",
        made=True,
        concerns=_closes_first,
    ),
    Boundary(
        name="committed",
        title="after the commit",
        durable="the offset",
        call="source.commit",
        made=True,
        concerns=lambda call: call.answer is True and call.args[0].get(PARTITION, 0) > 0,
        stops_polling=True,
        alone=True,
    ),
    Boundary(
        name="in_doubt",
        title="a send in doubt, before it is looked up",
        durable="delivery: `in_doubt`; its tracking record",
        call="lookup.find",
        made=False,
        concerns=_about_first,
        lost_before=True,
    ),
    Boundary(
        name="not_found",
        title="a send in doubt was not found, before it is sent again",
        durable="delivery: `deferred`, `possible_duplicate`; its tracking records",
        call="ledger.mark_sending",
        made=False,
        concerns=_marks_it_again,
        lost_before=False,
    ),
)

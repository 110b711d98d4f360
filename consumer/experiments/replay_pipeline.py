"""The pipeline of a replay: production's own, but for what a replay asks the ledger.

An alarm stands where the last event that anybody was told of has put it. So an old event is sent
if nothing newer of its alarm was told since, however many newer ones ended without an email.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.follow_up import stands_alone
from consumer.domain.identity import message_id, notification_uid
from consumer.domain.ledger import AtomState, Claims, EventRow
from consumer.domain.record import Record
from consumer.domain.resend import resent_of
from consumer.experiments.replay_report import Report
from consumer.experiments.replay_selecting import Memory, Selector
from consumer.pipeline.lock import Progress
from consumer.pipeline.pipeline import Incoming, NotYet, Pipeline, Prepared
from consumer.pipeline.receive import Received
from consumer.pipeline.sends import Send

#: Seconds: no event is believed to be later than this after it ended.
_CLOCKS: Final = 600.0
#: The Message-Id that a resent email repeats.
_RESENT_HEADER: Final = "X-Alarm-Resent"


class ReplayPipeline(Pipeline):
    """Takes the selector's choice; opens what has ended once its alarm is ours."""

    def __init__(
        self,
        *,
        selector: Selector,
        report: Report,
        ledger: Memory,
        mail_domain: str,
        out_of_order: bool,
        **parts: Any,
    ) -> None:
        """`parts` are those of any pipeline."""
        super().__init__(ledger=ledger, **parts)
        self._memory = ledger
        self._selector = selector
        self._report = report
        self._mail_domain = mail_domain
        self._out_of_order = out_of_order

    def receive(self, records: Sequence[Record]) -> list[Received]:
        """The events that were chosen; a record without any is done at once."""
        return [Received(record=each, events=self._selector.take(each)) for each in records]

    def prepare(
        self,
        incoming: Sequence[Incoming],
        progress: Mapping[str, Progress],
        on_their_way: Mapping[str, frozenset[str]],
    ) -> list[Prepared | NotYet]:
        answers = super().prepare(incoming, progress, on_their_way)
        linked = [self._linked(each) if isinstance(each, Prepared) else each for each in answers]
        for each in linked:
            if isinstance(each, Prepared):
                self._report.prepared(each)
        return linked

    def _claim(self, events: Sequence[AlarmEvent]) -> Claims:
        claims = super()._claim(events)
        # Asked before anything is opened: what is in doubt counts as told while it has ended.
        told = self._told(events, claims)
        to_open = self._selector.to_open.intersection(
            event.id for event in events if event.atom in claims.won and event.id in claims.events
        )
        if to_open:
            self._memory.reopen(to_open, self._clock.now())
            self._selector.to_open -= to_open
            claims = super()._claim(events)
        won = {
            atom: _standing(state, told[atom]) if atom in told else state
            for atom, state in claims.won.items()
        }
        return msgspec.structs.replace(claims, won=won)

    def _told(self, events: Sequence[AlarmEvent], claims: Claims) -> dict[str, EventRow | None]:
        """By alarm that had moved on by itself: the newest event of it that was told, if any."""
        overtaken = [
            event
            for event in events
            if event.atom in claims.won
            and not stands_alone(event)
            and event.timestamp <= (claims.won[event.atom].last_timestamp_ms or 0)
        ]
        atoms = sorted({event.atom for event in overtaken})
        if self._out_of_order or not atoms:
            return dict.fromkeys(atoms)
        oldest = min(event.timestamp for event in overtaken) / 1000
        found = self._memory.newest_told(atoms, oldest - _CLOCKS)
        return {atom: found.get(atom) for atom in atoms}

    def _linked(self, prepared: Prepared) -> Prepared:
        """Resent emails say which one they repeat. That their state is no news is no gap."""
        resent = resent_of(prepared.locked.event)
        if resent is None:
            return prepared
        sends = [self._with_link(send, resent.event_id) for send in prepared.sends]
        locked = msgspec.structs.replace(prepared.locked, gap=False)
        return msgspec.structs.replace(prepared, locked=locked, sends=sends)

    def _with_link(self, send: Send, event_id: str) -> Send:
        to = send.notification
        first = notification_uid(event_id, to.target_id, to.type, to.destination)
        link = (_RESENT_HEADER, message_id(first, self._mail_domain))
        email = msgspec.structs.replace(send.email, headers=(*send.email.headers, link))
        return msgspec.structs.replace(send, email=email)


def _standing(state: AtomState, told: EventRow | None) -> AtomState:
    """The alarm as it stood when somebody was told of it the last time."""
    return msgspec.structs.replace(
        state,
        last_event_id=None if told is None else told.id,
        last_state=None if told is None else told.state,
        last_timestamp_ms=None if told is None else told.timestamp_ms,
    )

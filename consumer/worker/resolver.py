"""The resolver: sends whose answer was lost are looked up before anything is sent again.

A doubt keeps its place at the head of its lane, so nothing of the alarm overtakes it, and other
alarms do not wait. It is in the ledger from the moment it is known: whoever takes over the alarm,
after a crash or a rebalance, takes over the doubt.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Final

from consumer.domain.alarm import State
from consumer.domain.errors import LedgerUnavailable, LookupUnavailable
from consumer.domain.ledger import DeliveryState
from consumer.domain.notification import SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import Clock, Ledger, Lookup
from consumer.telemetry.metrics import Metrics
from consumer.worker.doubts import Doubt, budget_seconds, next_lookup
from consumer.worker.lanes import Lanes
from consumer.worker.settling import Settling
from consumer.worker.silence import Silence
from consumer.worker.ways import Ways
from consumer.worker.work import Landed, Sending

#: Seconds a thread waits for a doubt before it looks whether it is to stop.
_PATIENCE = 0.5


#: Seconds for which a send leaves it to others to ask a provider that does not answer.
_OTHERS_ASK: Final = 10.0
#: Seconds until a send looks whether another one, sent ahead of it, has come through.
_NEXT_LOOK: Final = 1.0


class Resolver:
    """A few threads beside the senders: a lookup that hangs makes no send wait."""

    def __init__(
        self,
        *,
        count: int,
        lanes: Lanes,
        ledger: Ledger,
        lookups: Mapping[str, Lookup],
        settling: Settling,
        ways: Ways,
        clock: Clock,
        metrics: Metrics,
        budgets: Mapping[State, float],
        hold: bool,
        reporting: Collection[str],
        to_tracker: Callable[[Landed], None],
        on_lookup: Callable[[str, bool, str], None] = lambda _name, _ok, _why: None,
    ) -> None:
        """`lookups` by transport; `hold`: what is not found waits for a person; `reporting`: the
        transports whose provider reports by itself what it has accepted."""
        self._lanes = lanes
        self._ledger = ledger
        self._lookups = lookups
        self._settling = settling
        self._ways = ways
        self._clock = clock
        self._metrics = metrics
        self._budgets = budgets
        self._hold = hold
        self._reporting = reporting
        self._to_tracker = to_tracker
        #: Told of each lookup whether it was answered.
        self._on_lookup = on_lookup
        self._silence = Silence(clock)
        #: By thread: it has a doubt in its hands.
        self._at_it = [False] * count
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(n,), name=f"resolver-{n}", daemon=True)
            for n in range(count)
        ]

    @property
    def doubts(self) -> int:
        """Sends in doubt that wait to be looked up, or are being."""
        return self._lanes.doubts + sum(self._at_it)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Take nothing more; a lookup under way may be left: it changes nothing."""
        self._stop.set()
        deadline = self._clock.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._clock.monotonic()))

    def _run(self, number: int) -> None:
        while not self._stop.is_set():
            sending = self._lanes.take_doubt(_PATIENCE)
            if sending is not None and sending.doubt is not None:
                self._at_it[number] = True
                self._resolve(sending, sending.doubt)
                self._at_it[number] = False

    def _resolve(self, sending: Sending, doubt: Doubt) -> None:
        if not doubt.told:
            doubt.told = True
            self._land(sending, _left_behind(sending))
            return
        doubt.asked_since = doubt.asked_since or self._clock.now()
        before = doubt.lookups
        found, answered = self._look_up(sending, doubt)
        self._metrics.lookups.labels(
            "found" if found else "not_found" if answered else "unanswered"
        ).inc()
        if found is None:
            wait = self._wait(sending, doubt, answered)
            if wait is not None:
                if not answered and doubt.lookups == before:
                    # Another one finds out, every two seconds, and wakes this one.
                    wait = max(wait, _OTHERS_ASK)
                self._lanes.landed()
                self._lanes.doubt(sending, wait)
                return
            found = self._given_up(sending, doubt, answered)
        sending.doubt = None
        self._land(sending, found)

    def _land(self, sending: Sending, result: SendResult) -> None:
        counts = self._settling.settle(sending, result)
        self._lanes.landed()
        self._to_tracker(Landed(sending, result if counts else None))

    def _look_up(self, sending: Sending, doubt: Doubt) -> tuple[SendResult | None, bool]:
        """What is known, and whether everybody who could know has answered."""
        told = self._told_by_others(sending, doubt)
        if told is not None:
            return told, True
        lookup = self._lookups.get(doubt.transport)
        if lookup is None:
            return None, True
        if not self._silence.may_ask(doubt.transport):
            return None, False
        doubt.lookups += 1
        try:
            found = lookup.find(sending.send.email, doubt.first_sent)
        except LookupUnavailable as error:
            self._heard(doubt.transport, False, str(error))
            return None, False
        except Exception as error:  # noqa: BLE001  # a lookup's defect must not end the thread
            self._heard(doubt.transport, False, f"{type(error).__name__} in the lookup")
            return None, False
        self._heard(doubt.transport, True)
        return found, True

    def _heard(self, transport: str, answered: bool, why: str = "") -> None:
        """After a silence nobody's next lookup is kept for later: many may be in doubt."""
        self._on_lookup(transport, answered, why)
        if self._silence.heard(transport, answered=answered):
            self._lanes.wake_doubts()

    def _told_by_others(self, sending: Sending, doubt: Doubt) -> SendResult | None:
        """A process that woke up with its answer, or the provider's feedback, may have said it."""
        try:
            rows = self._ledger.find_deliveries(uid=sending.send.notification.uid)
        except LedgerUnavailable:
            return None
        accepted = next((row for row in rows if row.state is DeliveryState.ACCEPTED), None)
        if accepted is None:
            return None
        return SendResult(
            kind=Kind.ACCEPTED,
            reason=Reason.FOUND,
            message="It was accepted, the ledger was told meanwhile",
            transport=doubt.transport,
            provider_id=accepted.provider_id,
            calls=0,
        )

    def _wait(self, sending: Sending, doubt: Doubt, answered: bool) -> float | None:
        """Seconds until the next lookup; None: nothing was found in time."""
        if self._is_hopeless(sending, doubt):
            return None
        now = self._clock.now()
        age, asking = max(0.0, now - doubt.since), now - (doubt.asked_since or now)
        behind = self._lanes.newer_states(sending.work)
        budget = budget_seconds(sending.work.event.state, behind, self._budgets)
        wait = next_lookup(age, asking, budget, answered=answered)
        if wait is None and not answered and not behind and not sending.send.obsolete:
            # Nothing could be sent now anyway: ask on, until there is an answer or a way out.
            closed = self._ways.opens_in(sending.options, may_fall_back=False)
            return closed or (None if self._may_end(sending, doubt) else _NEXT_LOOK)
        return wait

    def _may_end(self, sending: Sending, doubt: Doubt) -> bool:
        """Nobody answers for it. It is held; or its provider took others meanwhile; or it is sent
        again ahead of all others."""
        return (
            self._is_held(sending)
            or self._ways.answered_since(doubt.transport, doubt.since)
            or self._silence.may_go_ahead(doubt.transport, sending)
        )

    def _is_held(self, sending: Sending) -> bool:
        """By policy; what a person has redriven is not held again."""
        return self._hold and sending.work.redriven_ms is None

    def _is_hopeless(self, sending: Sending, doubt: Doubt) -> bool:
        """Nobody will ever say more: to wait would only make the alarm late.

        An email that is in doubt for the second time waits all the same, so that a provider which
        takes everything and answers nothing does not get the same email again and again.
        """
        may_be_told = (
            doubt.inherited
            or doubt.transport in self._lookups
            or doubt.transport in self._reporting
        )
        return not may_be_told and not sending.possible_duplicate

    def _given_up(self, sending: Sending, doubt: Doubt, answered: bool) -> SendResult:
        said = self._said(doubt, answered)
        moved_on = bool(self._lanes.newer_states(sending.work))
        obsolete = Reason.STATE_MOVED_ON if moved_on else sending.send.obsolete
        redriven = sending.work.redriven_ms is not None
        if obsolete is Reason.STATE_MOVED_ON or (obsolete is not None and redriven):
            sending.possible_duplicate = True
            why = f"{_WHY[obsolete]}: it may have been sent, and is not sent again"
            return sending.result(Kind.SUPERSEDED, obsolete, f"{said}; {why}")
        if obsolete is not None:
            held = f"{said}; {_WHY[obsolete]}: held for a person, redrive it to end it"
            return sending.result(Kind.IN_DOUBT, Reason.HELD, held)
        if self._is_held(sending):
            return sending.result(
                Kind.IN_DOUBT, Reason.HELD, f"{said}; held for a person, redrive it to send it"
            )
        sending.possible_duplicate = True
        return sending.result(Kind.DEFERRED, Reason.NOT_FOUND, f"{said}; it is sent again")

    def _said(self, doubt: Doubt, answered: bool) -> str:
        if doubt.transport not in self._lookups:
            return "Nobody can be asked whether it was accepted"
        times = "once" if doubt.lookups == 1 else f"{doubt.lookups} times"
        return f"Looked up {times}, {'it is not there' if answered else 'without an answer'}"


_WHY: Final = {
    Reason.STATE_MOVED_ON: "the alarm's state has moved on",
    Reason.NO_LONGER_PLANNED: "the plan no longer names it",
}


def _left_behind(sending: Sending) -> SendResult:
    if sending.work.redriven_ms is None:
        what = "The process that was sending this ended before the answer; it is looked up"
    else:
        what = "A person asked for it again; first it is looked up once more"
    return sending.result(Kind.IN_DOUBT, Reason.INTERRUPTED, what)

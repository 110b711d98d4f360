"""The tracker: tracking records to Kafka, then events are closed.

Results are in the ledger already when they come here. One thread takes all that waits and does
it in this order, each step durable before the next: produce the tracking records and dead
letters and wait until they are acknowledged; close the events; let lanes and offsets go on. A
crash between two steps leaves nothing that the next reader of the record cannot finish.
"""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence

from consumer.domain.errors import BrokerUnavailable, LedgerUnavailable
from consumer.domain.ledger import Closing
from consumer.domain.notification import SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import DeadLetter, Record, Undelivered
from consumer.domain.tracking import TrackingEvent
from consumer.pipeline.track import track_attempt, track_ending, track_invalid
from consumer.ports import Clock, Ledger
from consumer.telemetry.metrics import Metrics
from consumer.worker.dead_letter_limit import DeadLetterLimit
from consumer.worker.giving_up import given_up
from consumer.worker.lanes import Lanes
from consumer.worker.outbox import Outbox
from consumer.worker.retrying import seconds_until_next
from consumer.worker.settling import settlement_of
from consumer.worker.ways import Ways
from consumer.worker.work import Broken, Landed, Sending, Work

#: Seconds between two tries of a step whose dependency is away.
_TRY_AGAIN = 1.0
#: Seconds between two rounds. A lone result finds the thread at rest and is told at once; of many,
#: a round carries some. A round takes 2 ms of processor time, however few it carries.
_REST = 0.03

Item = Landed | Work | Broken


class Tracker:
    """One thread, fed by the senders, the lanes and the poll thread."""

    def __init__(
        self,
        *,
        owner: str,
        worker: str,
        ledger: Ledger,
        outbox: Outbox,
        ways: Ways,
        clock: Clock,
        metrics: Metrics,
        limit: DeadLetterLimit,
        on_result: Callable[[Landed, float], None],
        on_broker: Callable[[bool, str], None] = lambda _ok, _why: None,
    ) -> None:
        self._owner = owner
        self._worker = worker
        self._ledger = ledger
        self._outbox = outbox
        self._ways = ways
        self._clock = clock
        self._metrics = metrics
        self._limit = limit
        self._on_result = on_result
        #: Told after each delivery: the consumer's side of Kafka may well answer meanwhile.
        self._on_broker = on_broker
        #: Records of this round, for the metrics.
        self._tracked: Counter[tuple[Kind, Reason]] = Counter()
        self._inbox: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tracker", daemon=True)

    def start(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._thread.start()

    def put(self, item: Item) -> None:
        self._inbox.put(item)

    def stop(self, timeout_seconds: float) -> bool:
        """Handle what is in the inbox, then end; False when that took too long."""
        self._inbox.put(None)
        self._thread.join(timeout_seconds)
        if not self._thread.is_alive():
            return True
        self._given_up.set()
        return False

    def _run(self) -> None:
        stopping = False
        while not stopping:
            items: list[Item] = []
            head = self._inbox.get()
            while True:
                if head is None:
                    stopping = True
                else:
                    items.append(head)
                if self._inbox.empty():
                    break
                head = self._inbox.get()
            if items and not self._handle(items):
                return
            if not stopping:
                self._given_up.wait(_REST)

    def _handle(self, items: Sequence[Item]) -> bool:
        """One batch through all steps; False when it was given up while stopping."""
        with self._metrics.timed_stage("track"):
            now = self._clock.now()
            landed = [item for item in items if isinstance(item, Landed)]
            ended = [item for item in items if isinstance(item, Work)]
            ended += self._ended_by(landed)
            broken = [item for item in items if isinstance(item, Broken)]
            self._produce(landed, ended, broken, now)
            if not self._insist(self._deliver):
                return False
            closed = [work for work in ended if not (work.refused or work.prepared.dead_letter)]
            if not self._insist(lambda: self._close(closed, now)):
                return False
        self._let_go(landed, ended, broken)
        self._metrics.count_stage("track", passed=len(items))
        return True

    def _insist(self, step: Callable[[], None]) -> bool:
        """Repeat a step until its dependency is back; each step may be repeated."""
        while True:
            try:
                step()
            except (LedgerUnavailable, BrokerUnavailable):
                if self._given_up.wait(_TRY_AGAIN):
                    return False
            else:
                return True

    def _ended_by(self, landed: Sequence[Landed]) -> list[Work]:
        """The events for which a result among these was the last one missing."""
        final = [item for item in landed if item.is_final]
        for item in final:
            if item.result is not None:
                sending = item.sending
                sending.work.ends.append((sending.send.notification, item.result))
        return self._lanes.sends_ended((item.sending.work, item.result is None) for item in final)

    def _produce(
        self,
        landed: Sequence[Landed],
        ended: Sequence[Work],
        broken: Sequence[Broken],
        now: float,
    ) -> None:
        at = int(now * 1000)
        for item in landed:
            if item.result is not None:
                sending = item.sending
                record = track_attempt(
                    sending.work.about,
                    sending.send.notification,
                    item.result,
                    sending.attempt,
                    at,
                    possible_duplicate=sending.possible_duplicate,
                    tags=(*sending.send.email.tags, *sending.options.tags),
                )
                self._track(record, sending.work.atom)
        for work in ended:
            if not work.refused:
                self._produce_ended(work, at)
        for each in broken:
            self._track(
                track_invalid(each.record, each.error, each.salvaged, self._worker, at), None
            )
            self._dead_letter(each.record, each.error.reason, each.error.detail, at)
        self._count_tracked()

    def _produce_ended(self, work: Work, at: int) -> None:
        """The ends of an event that needed no attempt of ours, and its dead letter."""
        for known in work.prepared.known:
            work.ends.append((known.notification, known.result))
            record = track_attempt(
                work.about,
                known.notification,
                known.result,
                known.attempt,
                at,
                possible_duplicate=known.possible_duplicate,
            )
            self._track(record, work.atom)
        for ending in work.prepared.endings:
            self._track(track_ending(work.about, ending, at), work.atom)
        first_seen = work.first_seen_ms or at
        if work.prepared.dead_letter:
            ending = work.prepared.endings[-1]
            self._dead_letter(work.record, ending.reason, ending.message, first_seen)
            return
        end = given_up(work.ends, work.prepared.endings, work.event.id)
        if end is not None:
            if end.is_a_fault:
                self._limit.count(end.reason)
            self._dead_letter(work.record, end.reason, end.error, first_seen, end.undelivered)

    def _track(self, record: TrackingEvent, atom: str | None) -> None:
        self._outbox.track(record, atom)
        self._tracked[record.kind, record.outcome.reason] += 1

    def _count_tracked(self) -> None:
        """Once a round: the metrics' own locks and look-ups cost more than to count."""
        for (kind, reason), times in self._tracked.items():
            self._metrics.tracked.labels(kind).inc(times)
            self._metrics.reasons.labels(reason).inc(times)
        self._tracked.clear()

    def _dead_letter(
        self,
        record: Record,
        reason: str,
        error: str,
        first_seen: int,
        undelivered: Sequence[Undelivered] = (),
    ) -> None:
        letter = DeadLetter(
            record=record,
            reason=reason,
            error=error,
            first_seen=first_seen,
            undelivered=undelivered,
        )
        self._outbox.dead_letter(letter)
        self._metrics.dead_letters.inc()

    def _deliver(self) -> None:
        try:
            self._outbox.deliver()
        except BrokerUnavailable as error:
            self._on_broker(False, str(error))
            raise
        self._on_broker(True, "")

    def _close(self, works: Sequence[Work], now: float) -> None:
        news = [
            settlement_of(work, known)
            for work in works
            for known in work.prepared.known
            if known.is_news
        ]
        if news:
            self._ledger.settle(self._owner, news, now)
        closings = [self._closing(work) for work in works]
        if closings:
            self._ledger.close_events(closings, now)

    def _closing(self, work: Work) -> Closing:
        locked = work.prepared.locked
        told = bool(work.ends)
        return Closing(
            event_id=work.event.id,
            atom=work.atom,
            outcome=work.outcome,
            # A time that was not believed is not handed on either.
            timestamp_ms=locked.timestamp_ms,
            state=work.event.state,
            advances=locked.advances,
            last_event_id=locked.progress.last_event_id,
            thread_event_id=locked.thread_event_id if told and locked.advances else None,
        )

    def _let_go(
        self,
        landed: Sequence[Landed],
        ended: Sequence[Work],
        broken: Sequence[Broken],
    ) -> None:
        now = self._clock.now()
        for item in landed:
            self._on_result(item, now)
            if item.result is not None and not item.is_final:
                self._go_on(item.sending, item.result, now)
        finished = []
        for work in ended:
            if work.refused:
                self._lanes.surrender(work)
            else:
                # Done first: whoever waits for the lanes to be empty commits then.
                work.ticket.done()
                finished.append(work)
        self._lanes.finish(finished)
        for each in broken:
            each.ticket.done()
            each.told.set()

    def _go_on(self, sending: Sending, result: SendResult, now: float) -> None:
        """Not final, and told: it waits for its next attempt, or to be looked up."""
        if result.kind is Kind.IN_DOUBT:
            self._lanes.doubt(sending, 0.0)
        elif result.kind is Kind.DEFERRED:
            sending.attempt += 1
            self._lanes.retry(sending, seconds_until_next(sending, result, self._ways, now))

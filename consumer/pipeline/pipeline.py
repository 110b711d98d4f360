"""The main job's order, written once: receive, lock, lookup, plan, create_email.

`deliver` and `track` follow in the sender threads and the tracker (consumer/worker). Stages
neither log nor count: this file does it for all of them.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.lasting import ids_of
from consumer.domain.ledger import ClaimRequest, Claims, DeliveryRow
from consumer.domain.notification import Context, Email, Ending, SendOptions
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record, Undelivered
from consumer.domain.suppression import FindSuppressed
from consumer.pipeline.create_email import Draft, create_email
from consumer.pipeline.deliver import Route, choose_options, route_kept
from consumer.pipeline.limits import Limits
from consumer.pipeline.lock import HeldBack, Locked, LockRules, Progress, lock
from consumer.pipeline.lookup import Missing, lookup
from consumer.pipeline.mail.renderer import Renderer
from consumer.pipeline.plan import Planned
from consumer.pipeline.receive import Received, ReceiveSettings, receive
from consumer.pipeline.recipients import RecipientRules, Recipients
from consumer.pipeline.resume import Known, Resumed, resume
from consumer.pipeline.sends import Send, send_of
from consumer.ports import Catalog, Clock, Ledger
from consumer.telemetry.metrics import Metrics


class PipelineRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator chose for the stages."""

    receive: ReceiveSettings
    lock: LockRules
    recipients: RecipientRules = RecipientRules()
    routes: Sequence[Route] = ()
    default_options: SendOptions = SendOptions()
    #: Seconds for which an event that the catalog does not know is looked up again.
    lookup_patience_seconds: float = 10.0


class Incoming(msgspec.Struct, frozen=True):
    """An event on its way in. `first_seen` is epoch seconds."""

    event: AlarmEvent
    first_seen: float
    #: Of a redriven event: whom it could not be told for want of a usable address.
    undelivered: Sequence[Undelivered] = ()


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """An event ready for its lane."""

    locked: Locked
    context: Context | None = None
    sends: Sequence[Send] = ()
    known: Sequence[Known] = ()
    endings: Sequence[Ending] = ()
    #: The record belongs into the dead-letter topic as well.
    dead_letter: bool = False
    #: The route of its emails, by name; empty: of none.
    route: str = ""


class NotYet(msgspec.Struct, frozen=True):
    """An event that has to wait outside its lane: for its lock, or for the catalog."""

    why: str


class Pipeline:
    """Batches of events in, prepared events out. Called by the poll thread only."""

    def __init__(
        self,
        *,
        owner: str,
        ledger: Ledger,
        catalog: Catalog,
        renderer: Renderer,
        clock: Clock,
        metrics: Metrics,
        rules: PipelineRules,
        find_suppressed: FindSuppressed | None = None,
        limits: Limits | None = None,
        routes: Callable[[], Sequence[Route]] | None = None,
    ) -> None:
        """`routes`: as they are at this moment; without it they are those of the rules."""
        self._owner = owner
        self._ledger = ledger
        self._catalog = catalog
        self._renderer = renderer
        self._clock = clock
        self._metrics = metrics
        self._rules = rules
        self._routes = routes or (lambda: rules.routes)
        self._recipients = Recipients(ledger, rules.recipients, find_suppressed, limits)

    def receive(self, records: Sequence[Record]) -> list[Received]:
        """Decode records into events; broken ones say why."""
        with self._metrics.timed_stage("receive"):
            received = receive(records, self._rules.receive)
        broken = sum(1 for r in received if r.invalid is not None)
        self._metrics.count_stage("receive", passed=len(received) - broken, failed=broken)
        self._metrics.alarms_left_out.inc(sum(r.left_out for r in received))
        return received

    def prepare(
        self,
        incoming: Sequence[Incoming],
        progress: Mapping[str, Progress],
        on_their_way: Mapping[str, frozenset[str]],
    ) -> list[Prepared | NotYet]:
        """Bring events to the door of their lanes, one answer for each, in order.

        Raises LedgerUnavailable or CatalogUnavailable; nothing has happened then.
        """
        claims = self._claim([i.event for i in incoming])
        locked = self._lock(incoming, claims, progress, on_their_way)
        contexts = self._lookup(locked)
        answers = self._settle_waiting(incoming, locked, contexts)
        return self._plan_and_create(incoming, answers, claims)

    def _claim(self, events: Sequence[AlarmEvent]) -> Claims:
        wanted: dict[str, list[str]] = {}
        for event in events:
            wanted.setdefault(event.atom, []).extend(ids_of(event))
        requests = [ClaimRequest(atom, tuple(dict.fromkeys(ids))) for atom, ids in wanted.items()]
        with self._metrics.timed_stage("lock"):
            return self._ledger.claim(self._owner, requests, self._clock.now())

    def _lock(
        self,
        incoming: Sequence[Incoming],
        claims: Claims,
        progress: Mapping[str, Progress],
        on_their_way: Mapping[str, frozenset[str]],
    ) -> list[Locked | HeldBack]:
        now_ms = int(self._clock.now() * 1000)
        left = frozenset(each.event_id for i in incoming for each in i.undelivered)
        events = [i.event for i in incoming]
        locked = lock(events, claims, progress, on_their_way, self._rules.lock, now_ms, left)
        held = sum(1 for decision in locked if isinstance(decision, HeldBack))
        ended = sum(1 for d in locked if isinstance(d, Locked) and d.ending is not None)
        self._metrics.count_stage("lock", passed=len(locked) - held - ended, ended=ended, held=held)
        return locked

    def _lookup(self, locked: Sequence[Locked | HeldBack]) -> dict[int, Context | Missing]:
        """Contexts by place in the batch, for the events that go on."""
        places = [i for i, d in enumerate(locked) if isinstance(d, Locked) and d.ending is None]
        with self._metrics.timed_stage("lookup"):
            found = lookup(
                [locked[i].event for i in places],
                self._catalog,
                int(self._clock.now() * 1000),
                self._rules.lock.unknown_as,
            )
        missing = sum(1 for context in found if isinstance(context, Missing))
        self._metrics.count_stage("lookup", passed=len(found) - missing, held=missing)
        return dict(zip(places, found, strict=True))

    def _settle_waiting(
        self,
        incoming: Sequence[Incoming],
        locked: Sequence[Locked | HeldBack],
        contexts: Mapping[int, Context | Missing],
    ) -> list[Prepared | NotYet]:
        """Who has to wait makes all later events of the same atom wait: order before speed."""
        answers: list[Prepared | NotYet] = []
        waiting: set[str] = set()
        for place, (arrival, decision) in enumerate(zip(incoming, locked, strict=True)):
            answer = self._answer(arrival, decision, contexts.get(place), waiting)
            if isinstance(answer, NotYet) or answer.dead_letter:
                # What comes after a dead letter was decided as if that one had counted.
                waiting.add(arrival.event.atom)
            answers.append(answer)
        return answers

    def _answer(
        self,
        arrival: Incoming,
        decision: Locked | HeldBack,
        context: Context | Missing | None,
        waiting: set[str],
    ) -> Prepared | NotYet:
        if isinstance(decision, HeldBack):
            return NotYet(f"{decision.owner} works on this alarm")
        if arrival.event.atom in waiting:
            return NotYet("an earlier event of this alarm waits")
        if decision.ending is not None:
            return Prepared(locked=decision, endings=(decision.ending,))
        if isinstance(context, Missing):
            waited = self._clock.now() - arrival.first_seen
            # While the source is away, what is missing may well be there.
            if context.degraded or waited < self._rules.lookup_patience_seconds:
                return NotYet(context.what)
            ending = Ending(
                kind=Kind.LOOKUP_FAILED, reason=Reason.NOT_IN_CATALOG, message=context.what
            )
            return Prepared(locked=decision, endings=(ending,), dead_letter=True)
        return Prepared(locked=decision, context=context)

    def _plan_and_create(
        self,
        incoming: Sequence[Incoming],
        answers: Sequence[Prepared | NotYet],
        claims: Claims,
    ) -> list[Prepared | NotYet]:
        rows: dict[str, list[DeliveryRow]] = {}
        for row in claims.deliveries.values():
            rows.setdefault(row.event_id, []).append(row)
        going = {
            place: (answer.locked.event, answer.context)
            for place, answer in enumerate(answers)
            if isinstance(answer, Prepared) and answer.context is not None
        }
        with self._metrics.timed_stage("plan"):
            plans = self._recipients.plan(going, rows)
            resumed = {
                place: _resumed(answer, plans.get(place), rows, arrival.undelivered)
                for place, (arrival, answer) in enumerate(zip(incoming, answers, strict=True))
                if isinstance(answer, Prepared)
            }
        sending = sum(
            any(each.obsolete is None for each in event.to_send) for event in resumed.values()
        )
        self._metrics.count_stage("plan", passed=sending, ended=len(going) - sending)
        emails = self._create_emails(answers, resumed)
        return [
            self._with_sends(answer, resumed[place], emails, rows)
            if isinstance(answer, Prepared)
            else answer
            for place, answer in enumerate(answers)
        ]

    def _create_emails(
        self, answers: Sequence[Prepared | NotYet], resumed: Mapping[int, Resumed]
    ) -> dict[str, Email]:
        """Emails by notification uid, for what is still to be sent."""
        drafts = [
            Draft(
                notification=each.notification,
                context=answer.context,
                previous_state=answer.locked.previous_state,
                thread_event_id=answer.locked.thread_event_id,
            )
            for place, event in resumed.items()
            if isinstance(answer := answers[place], Prepared) and answer.context is not None
            for each in event.to_send
            if each.obsolete is None
        ]
        with self._metrics.timed_stage("create_email"):
            emails = create_email(drafts, self._renderer, int(self._clock.now() * 1000))
        fallen_back = sum(1 for email in emails if email.template_error is not None)
        self._metrics.count_stage("create_email", passed=len(emails))
        if fallen_back:
            self._metrics.template_errors.inc(fallen_back)
        return {email.uid: email for email in emails}

    def _with_sends(
        self,
        answer: Prepared,
        resumed: Resumed,
        emails: Mapping[str, Email],
        rows: Mapping[str, Sequence[DeliveryRow]],
    ) -> Prepared:
        event = answer.locked.event
        options = choose_options(
            event,
            self._routes(),
            self._rules.default_options,
            kept=route_kept(rows.get(event.id, ())),
        )
        return msgspec.structs.replace(
            answer,
            sends=[send_of(each, emails, options) for each in resumed.to_send],
            known=resumed.known,
            endings=resumed.endings,
            route=options.route,
        )


def _resumed(
    answer: Prepared,
    planned: Planned | None,
    rows: Mapping[str, Sequence[DeliveryRow]],
    undelivered: Sequence[Undelivered],
) -> Resumed:
    event, ending = answer.locked.event, answer.locked.ending
    planned = planned or Planned(endings=answer.endings)
    if ending is not None and ending.kind is Kind.DUPLICATE:
        # Its twin may be under way here at this moment: those rows are no earlier run's.
        return resume(event, planned, ())
    return resume(event, planned, rows.get(event.id, ()), undelivered)

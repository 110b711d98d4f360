"""All that the fake has received, in bounded memory. Safe for use from several threads."""

import random
import secrets
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from consumer.sandbox.mailgun.event_log import EventLog
from consumer.sandbox.mailgun.events import AT_ONCE, Event, EventKey, Step
from consumer.sandbox.mailgun.mail import Mail, Stored
from consumer.sandbox.mailgun.options import Options
from consumer.sandbox.mailgun.saved_store import SavedEvent, SavedStore, Totals

_MOST_PLANNED = 32  # entries of the agenda for each mail kept; a plan has a dozen at most


class _Planned(NamedTuple):
    """An entry of the agenda, first by its time, then in the order of planning."""

    due: float
    """Unix seconds."""
    order: tuple[int, int]
    stored: Stored
    step: Step


class Store:
    """The mailbox, the event log and the totals behind one lock."""

    def __init__(
        self,
        options: Options,
        plan: Callable[[Mail], Sequence[Step]] = lambda _: AT_ONCE,
        spread_seconds: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`plan` says what will become of a mail. Up to `spread_seconds` are added to the
        invisibility of each event, so that they appear out of order."""
        self._options = options
        self._plan = plan
        self._spread_seconds = spread_seconds
        self._lock = threading.RLock()
        self.listeners: list[Callable[[Event], None]] = []
        """Each is told of every event when it happens, in the order of happening; it must not
        wait, and it may make another event happen."""
        self._empty()

    def _invisible_seconds(self) -> float:
        spread = self._spread_seconds()
        more = random.uniform(0, spread) if spread else 0.0  # noqa: S311 - dice, not secrets
        return self._options.event_delay_seconds + more

    def _empty(self) -> None:
        self._totals = Totals()
        self._sequence = 0
        self._bytes = 0
        self._mails: deque[Stored] = deque()
        self._by_key: dict[str, Stored] = {}
        self._received: Counter[tuple[str, str]] = Counter()
        self._recipients: Counter[str] = Counter()
        self._log = EventLog(self._invisible_seconds)
        self._agenda: list[_Planned] = []

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._empty()

    def count(self, **more: int) -> None:
        """Add to the totals, by their names."""
        with self._lock:
            for name, number in more.items():
                setattr(self._totals, name, getattr(self._totals, name) + number)

    def stats(self) -> dict[str, int]:
        """The totals, and what is kept now."""
        with self._lock:
            return asdict(self._totals) | {
                "distinct_recipients": len(self._recipients),
                "kept_messages": len(self._mails),
                "kept_events": len(self._log),
                "last_sequence": self._sequence,
            }

    def accept(self, mails: Sequence[Mail]) -> list[Stored]:
        """Store the mails of one call; what the plan says will happen to them."""
        now = self._options.now()
        plans = [self._plan(mail) for mail in mails]
        with self._lock:
            self._settle(now)
            self._totals.accepted_calls += 1
            self._totals.accepted_messages += len(mails)
            stored = [
                self._accept(mail, plan, now) for mail, plan in zip(mails, plans, strict=True)
            ]
            self._drop_oldest()
        return stored

    def _accept(self, mail: Mail, plan: Sequence[Step], now: float) -> Stored:
        self._sequence += 1
        stored = Stored(self._sequence, now, secrets.token_urlsafe(24), mail)
        self._totals.duplicate_messages += _identity(mail) in self._received
        self._keep(stored)
        # The attempts of a scheduled mail begin at its time.
        begin = max(now, mail.scheduled_for or now)
        for number, step in enumerate(plan):
            due = (begin if number else now) + step.after
            if due <= now:
                self._happen(stored, step, now)
            else:
                heappush(self._agenda, _Planned(due, (self._sequence, number), stored, step))
        return stored

    def _keep(self, stored: Stored) -> None:
        self._mails.append(stored)
        self._by_key[stored.key] = stored
        self._bytes += stored.mail.size
        identity = _identity(stored.mail)
        self._received[identity] += 1
        self._recipients[identity[1]] += 1

    def _happen(self, stored: Stored, step: Step, now: float, at: float | None = None) -> Event:
        event = self._log.add(step.kind, stored, now, at, step.details)
        for listener in self.listeners:
            listener(event)
        return event

    def _settle(self, now: float) -> None:
        while self._agenda and self._agenda[0].due <= now:
            planned = heappop(self._agenda)
            if planned.stored.key in self._by_key:
                self._happen(planned.stored, planned.step, now, planned.due)

    def settle(self) -> None:
        """Let happen what is due. Reading the events does it too."""
        with self._lock:
            self._settle(self._options.now())

    def happen(self, stored: Stored, step: Step) -> Event:
        """Something unplanned, now."""
        with self._lock:
            return self._happen(stored, step, self._options.now())

    def cancel(self, domain: str) -> int:
        """Drop what is still to be delivered for the domain; how many mails that were."""
        with self._lock:
            mine = [one for one in self._agenda if one.stored.mail.domain == domain]
            self._agenda = [one for one in self._agenda if one.stored.mail.domain != domain]
            heapify(self._agenda)
            return len({one.stored.sequence for one in mine})

    def _drop_oldest(self) -> None:
        limits = self._options
        while len(self._mails) > limits.max_messages or self._bytes > limits.max_bytes:
            stored = self._mails.popleft()
            del self._by_key[stored.key]
            self._bytes -= stored.mail.size
            identity = _identity(stored.mail)
            _discount(self._received, identity)
            _discount(self._recipients, identity[1])
            self._log.forget(stored.sequence)
        if len(self._agenda) > _MOST_PLANNED * len(self._mails):
            # Most of it is about mails that were dropped.
            self._agenda = [one for one in self._agenda if one.stored.key in self._by_key]
            heapify(self._agenda)

    def dump(self) -> SavedStore:
        """All, for `load`."""
        with self._lock:
            return SavedStore(
                totals=replace(self._totals),
                sequence=self._sequence,
                mails=list(self._mails),
                events=[
                    SavedEvent(
                        event.stored.key,
                        event.serial,
                        event.timestamp,
                        event.visible_at,
                        event.kind,
                        dict(event.details),
                    )
                    for event in self._log.dump()
                    if event.stored.key in self._by_key
                ],
                agenda=[(one.due, *one.order, one.stored.key, one.step) for one in self._agenda],
            )

    def load(self, saved: SavedStore) -> dict[int, Event]:
        """What `dump` gave, instead of what is here; the events by their serial."""
        with self._lock:
            self._empty()
            self._totals, self._sequence = saved.totals, saved.sequence
            for stored in saved.mails:
                self._keep(stored)
            events = [
                Event(
                    one.serial,
                    one.timestamp,
                    one.visible_at,
                    one.kind,
                    self._by_key[one.key],
                    one.details,
                )
                for one in saved.events
            ]
            self._log.load(events)
            self._agenda = [
                _Planned(due, (sequence, number), self._by_key[key], step)
                for due, sequence, number, key, step in saved.agenda
                if key in self._by_key
            ]
            heapify(self._agenda)
        return {event.serial: event for event in events}

    def message(self, key: str) -> Stored | None:
        """By its storage key."""
        with self._lock:
            return self._by_key.get(key)

    def messages(self, keep: Callable[[Stored], bool], limit: int) -> list[Stored]:
        """The newest `limit` mails that pass, newest first."""
        found: list[Stored] = []
        with self._lock:
            for stored in reversed(self._mails):
                if len(found) >= limit:
                    break
                if keep(stored):
                    found.append(stored)
        return found

    def histories(self, mails: Iterable[Stored]) -> list[list[Event]]:
        """What happened to each of them, oldest first; events that are still invisible too."""
        with self._lock:
            return [self._log.history(stored) for stored in mails]

    def events(
        self,
        keep: Callable[[Event], bool],
        *,
        after: EventKey | None = None,
        before: EventKey | None = None,
        newest_first: bool = False,
        limit: int,
        message_id: str | None = None,
        invisible: bool = False,
    ) -> list[Event]:
        """Those of `EventLog.select`; invisible ones only if they are asked for."""
        now = self._options.now()
        with self._lock:
            self._settle(now)
            return self._log.select(
                lambda event: (invisible or event.visible_at <= now) and keep(event),
                after=after,
                before=before,
                newest_first=newest_first,
                limit=limit,
                message_id=message_id,
            )


def _identity(mail: Mail) -> tuple[str, str]:
    return (mail.message_id, mail.recipient.lower())


def _discount(counter: Counter[Any], key: object) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]

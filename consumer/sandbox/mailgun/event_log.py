"""The events in the order of their time stamps. Not locked: the store that owns it is."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, islice
from operator import attrgetter
from typing import Any

from consumer.sandbox.mailgun.events import Event, EventKey
from consumer.sandbox.mailgun.mail import Stored

_TICK = 1e-6  # two events never share a time stamp; Mailgun gives microseconds
_TRIM_AT = 1024  # forgotten mails whose events may linger: cutting a list's head costs its length

_key = attrgetter("key")


class EventLog:
    """Sorted by (time stamp, serial), with an index by message id and one by mail."""

    def __init__(self, invisible_seconds: Callable[[], float]) -> None:
        self._invisible_seconds = invisible_seconds
        self._serials = count(1)
        self._events: list[Event] = []
        self._by_message_id: dict[str, list[Event]] = {}
        self._by_mail: dict[int, list[Event]] = {}
        self._newest = 0.0
        self._forgotten = 0

    def add(
        self,
        kind: str,
        stored: Stored,
        now: float,
        at: float | None,
        details: Mapping[str, Any],
    ) -> Event:
        """`at` is the time of an event that was planned for it; others happen now."""
        timestamp = at
        if timestamp is None:
            timestamp = self._newest = max(round(now, 6), round(self._newest + _TICK, 6))
        event = Event(
            serial=next(self._serials),
            timestamp=timestamp,
            visible_at=(now if at is None else at) + self._invisible_seconds(),
            kind=kind,
            stored=stored,
            details=details,
        )
        if not self._events or self._events[-1].key < event.key:
            self._events.append(event)
        else:
            insort(self._events, event, key=_key)
        self._index(event)
        return event

    def __len__(self) -> int:
        return len(self._events)

    def history(self, stored: Stored) -> list[Event]:
        """All of one mail, in their order."""
        return sorted(self._by_mail.get(stored.sequence, ()), key=_key)

    def dump(self) -> list[Event]:
        """All, in their order."""
        return list(self._events)

    def load(self, events: Sequence[Event]) -> None:
        """What `dump` gave, instead of what is here."""
        self._events = list(events)
        self._by_message_id = {}
        self._by_mail = {}
        for event in events:
            self._index(event)
        self._serials = count(max((event.serial for event in events), default=0) + 1)
        self._newest = max((event.timestamp for event in events), default=0.0)

    def select(
        self,
        keep: Callable[[Event], bool],
        *,
        after: EventKey | None,
        before: EventKey | None,
        newest_first: bool,
        limit: int,
        message_id: str | None = None,
    ) -> list[Event]:
        """At most `limit` events strictly between the two places, either of which may be open.
        `message_id`, in lower case, saves looking at all events."""
        if message_id is not None:
            events = sorted(self._by_message_id.get(message_id, ()), key=_key)
        else:
            events = self._events
        start = 0 if after is None else bisect_left(events, after, key=_key)
        stop = len(events) if before is None else bisect_left(events, before, key=_key)
        places: Iterator[int] = iter(
            range(stop - 1, start - 1, -1) if newest_first else range(start, stop)
        )
        return list(islice((events[i] for i in places if keep(events[i])), limit))

    def forget(self, sequence: int) -> None:
        """The mails up to this number were dropped: drop their events, in portions."""
        self._forgotten += 1
        if self._forgotten < _TRIM_AT:
            return
        self._forgotten = 0
        head = 0
        while head < len(self._events) and self._events[head].stored.sequence <= sequence:
            self._unindex(self._events[head])
            head += 1
        del self._events[:head]

    def _index(self, event: Event) -> None:
        self._by_message_id.setdefault(event.stored.mail.message_id.lower(), []).append(event)
        self._by_mail.setdefault(event.stored.sequence, []).append(event)

    def _unindex(self, event: Event) -> None:
        self._by_mail.pop(event.stored.sequence, None)
        key = event.stored.mail.message_id.lower()
        events = self._by_message_id[key]
        events.remove(event)
        if not events:
            del self._by_message_id[key]

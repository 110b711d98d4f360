"""All that the fake has received, in bounded memory. Safe for use from several threads."""

import secrets
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from consumer.sandbox.mailgun.event_log import EventLog
from consumer.sandbox.mailgun.events import Event, EventKey
from consumer.sandbox.mailgun.mail import Mail, Stored
from consumer.sandbox.mailgun.options import Options


@dataclass(slots=True)
class Totals:
    """Since the start or the last reset, whatever was dropped meanwhile."""

    calls: int = 0
    """Sends that arrived, whatever their answer."""
    lookups: int = 0
    """Other API calls."""
    accepted_calls: int = 0
    rejected_calls: int = 0
    """Sends refused by the rules; scripted faults are not among them."""
    accepted_messages: int = 0
    duplicate_messages: int = 0
    """Mails whose message id this recipient had got before."""
    faults_served: int = 0


class Store:
    """The mailbox, the event log and the totals behind one lock."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._empty()

    def _empty(self) -> None:
        self._totals = Totals()
        self._sequence = 0
        self._bytes = 0
        self._mails: deque[Stored] = deque()
        self._by_key: dict[str, Stored] = {}
        self._received: Counter[tuple[str, str]] = Counter()
        self._recipients: Counter[str] = Counter()
        self._log = EventLog(self._options.event_delay_seconds)

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
                "last_sequence": self._sequence,
            }

    def accept(self, mails: Sequence[Mail]) -> None:
        """Store the mails of one call and log that they were accepted and delivered."""
        now = self._options.now()
        with self._lock:
            self._totals.accepted_calls += 1
            self._totals.accepted_messages += len(mails)
            for mail in mails:
                self._accept(mail, now)
            self._drop_oldest()

    def _accept(self, mail: Mail, now: float) -> None:
        self._sequence += 1
        stored = Stored(self._sequence, now, secrets.token_urlsafe(24), mail)
        self._mails.append(stored)
        self._by_key[stored.key] = stored
        self._bytes += mail.size
        identity = _identity(mail)
        self._totals.duplicate_messages += identity in self._received
        self._received[identity] += 1
        self._recipients[identity[1]] += 1
        self._log.add("accepted", stored, now)
        late = mail.scheduled_for is not None and mail.scheduled_for > now
        self._log.add("delivered", stored, now, at=mail.scheduled_for if late else None)

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

    def events(
        self,
        keep: Callable[[Event], bool],
        *,
        after: EventKey | None = None,
        before: EventKey | None = None,
        newest_first: bool = False,
        limit: int,
        message_id: str | None = None,
    ) -> list[Event]:
        """The visible events among those of `EventLog.select`."""
        now = self._options.now()
        with self._lock:
            return self._log.select(
                lambda event: event.visible_at <= now and keep(event),
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

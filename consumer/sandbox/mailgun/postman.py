"""The webhooks go out: signed, retried as Mailgun does it, and spoilt as a test wishes.

Nothing happens in here by itself: the server's pump calls `dispatch` many times a second, and
the threads of a small pool do the waiting for receivers.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

import msgspec
import urllib3

from consumer.sandbox.mailgun.event_json import body
from consumer.sandbox.mailgun.events import Event
from consumer.sandbox.mailgun.mischief import Mischief
from consumer.sandbox.mailgun.rules import RuleBook
from consumer.sandbox.mailgun.signing import signed
from consumer.sandbox.mailgun.subaccounts import MAIN, Subaccounts
from consumer.sandbox.mailgun.switches import SwitchBoard
from consumer.sandbox.mailgun.webhooks import Webhooks

SCHEDULES = {
    "current": (300, 600, 900, 3600, 7200, 14_400),
    "older": (600, 600, 900, 1800, 3600, 7200, 14_400),
    "routes": (600, 900, 1800, 3600, 7200, 14_400),
}
"""Seconds before each retry, by the switch `webhook_schedule`."""

MAX_WAITING = 100_000
"""Deliveries that wait or are under way; more are dropped, so that memory stays bounded."""
KEPT_ATTEMPTS = 50_000
_THREADS = 8


@dataclass(frozen=True, slots=True)
class Letter:
    """One event for one URL."""

    url: str
    event: Event
    attempt: int = 1
    signature: dict[str, Any] = field(default_factory=dict)
    """Of the attempt before, for the switch that keeps it."""


@dataclass(frozen=True, slots=True)
class SavedLetter:
    """A letter that waits, with the serial of its event."""

    due: float
    """Unix seconds."""
    url: str
    serial: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of one POST."""

    number: int
    """Counts all attempts from 1."""
    url: str
    type: str
    event_id: str
    serial: int
    recipient: str
    attempt: int
    at: float
    """Unix seconds."""
    outcome: str
    """done, rejected (406), retry, given up, lost (by a rule)."""
    status: int | None = None
    """None: no answer."""
    token: str = ""


class Postman:
    """`told` is a listener of the store."""

    def __init__(
        self,
        webhooks: Webhooks,
        rules: RuleBook[Mischief],
        switches: SwitchBoard,
        subaccounts: Subaccounts,
        now: Callable[[], float],
    ) -> None:
        self.base_url = ""
        """Where the storage URLs of the events lead."""
        self._webhooks = webhooks
        self._rules = rules
        self._switches = switches
        self._subaccounts = subaccounts
        self._now = now
        self._random = Random()  # noqa: S311 - dice, not secrets
        self._lock = threading.RLock()
        self._pool = ThreadPoolExecutor(_THREADS, "webhook")
        self._http = urllib3.PoolManager(num_pools=32, maxsize=_THREADS, retries=False)
        self._order = count()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._waiting: list[tuple[float, int, Letter]] = []
            self._under_way = 0
            self._epoch = object()
            self._attempts: deque[Attempt] = deque(maxlen=KEPT_ATTEMPTS)
            self._numbers = count(1)
            self.dropped = 0

    def told(self, event: Event) -> None:
        """An event has happened: write its letters."""
        kind, mail = event.hook, event.stored.mail
        if not kind:
            return
        for url in self._webhooks.urls(mail.domain, mail.subaccount, kind):
            rule = self._rules.first(
                lambda rule, url=url: rule.hits(url, kind, mail.domain, mail.recipient)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            )
            letter = Letter(url, event)
            if rule is None:
                self._put(letter, self._now())
            elif rule.kind == "lose":
                self._record(letter, "lost")
            else:
                for wait in rule.waits(self._random):
                    self._put(letter, self._now() + wait)

    def _put(self, letter: Letter, due: float) -> None:
        with self._lock:
            if len(self._waiting) + self._under_way >= MAX_WAITING:
                self.dropped += 1
            else:
                heappush(self._waiting, (due, next(self._order), letter))

    def dispatch(self) -> None:
        """Post what is due."""
        now = self._now()
        due = []
        with self._lock:
            while self._waiting and self._waiting[0][0] <= now:
                due.append(heappop(self._waiting)[2])
            self._under_way += len(due)
            epoch = self._epoch
        for letter in due:
            self._pool.submit(self._post, letter, epoch)

    def rest(self) -> None:
        """The server stops: close the connections that are kept."""
        self._http.clear()

    def state(self) -> dict[str, Any]:
        """How many wait, how many are under way, and every attempt kept."""
        with self._lock:
            return {
                "waiting": len(self._waiting),
                "under_way": self._under_way,
                "dropped": self.dropped,
                "items": [asdict(attempt) for attempt in self._attempts],
            }

    def dump(self) -> list[SavedLetter]:
        """What waits, for `load`; what is under way is lost with the server."""
        with self._lock:
            return [
                SavedLetter(due, letter.url, letter.event.serial, letter.attempt)
                for due, _, letter in self._waiting
            ]

    def load(self, letters: Iterable[SavedLetter], events: Mapping[int, Event]) -> None:
        """`events` by their serial."""
        for one in letters:
            if event := events.get(one.serial):
                self._put(Letter(one.url, event, one.attempt), one.due)

    def _post(self, letter: Letter, epoch: object) -> None:
        switches = self._switches.now
        signature = letter.signature or self._sign(letter)
        status = self._answer_to(letter, signature, switches.webhook_timeout_seconds)
        outcome = self._outcome(letter, status)
        with self._lock:
            if epoch is not self._epoch:
                return  # a reset forgot it
            self._under_way -= 1
            self._record(letter, outcome, status, signature["token"])
            if outcome == "retry":
                wait = SCHEDULES[switches.webhook_schedule][letter.attempt - 1]
                again = replace(
                    letter,
                    attempt=letter.attempt + 1,
                    signature={} if switches.webhook_retries_sign_again else signature,
                )
                self._put(again, self._now() + wait / switches.time_scale)

    def _answer_to(self, letter: Letter, signature: dict[str, Any], timeout: float) -> int | None:
        content = {"signature": signature, "event-data": body(letter.event, self.base_url)}
        try:
            answer = self._http.request(
                "POST",
                letter.url,
                body=msgspec.json.encode(content),
                headers={"content-type": "application/json", "user-agent": "fake-mailgun"},
                timeout=timeout,
                redirect=False,
            )
        except (urllib3.exceptions.HTTPError, UnicodeError):
            return None
        return answer.status

    def _outcome(self, letter: Letter, status: int | None) -> str:
        switches = self._switches.now
        if status == 200 or (
            switches.webhook_success == "2xx" and status is not None and 200 <= status < 300
        ):
            return "done"
        if status == 406:
            return "rejected"
        one_shot = letter.event.hook == "delivered" and not switches.webhook_retries_delivered
        if one_shot or letter.attempt > len(SCHEDULES[switches.webhook_schedule]):
            return "given up"
        return "retry"

    def _sign(self, letter: Letter) -> dict[str, Any]:
        keys, account = self._subaccounts.signing_keys, letter.event.stored.mail.subaccount
        return signed(
            keys.get(account, keys[MAIN]),
            self._now(),
            keys[MAIN] if account != MAIN else "",
            as_number=self._switches.now.webhook_timestamp == "number",
        )

    def _record(
        self, letter: Letter, outcome: str, status: int | None = None, token: str = ""
    ) -> None:
        event = letter.event
        with self._lock:
            self._attempts.append(
                Attempt(
                    number=next(self._numbers),
                    url=letter.url,
                    type=event.hook,
                    event_id=event.id,
                    serial=event.serial,
                    recipient=event.stored.mail.recipient,
                    attempt=letter.attempt,
                    at=self._now(),
                    outcome=outcome,
                    status=status,
                    token=token,
                )
            )

"""Silence: providers that do not answer lookups at the moment.

A call without an answer may leave a thousand sends in doubt, and a lookup that hangs takes as long
as its time limit. So while a provider is silent one lookup at a time finds out whether it still is;
the others are as good as asked. And when their time is over without an answer, they are not sent
again all together, to a provider that may take everything and say nothing: one goes first.
"""

import threading
from collections import Counter
from typing import Final

from consumer.ports import Clock
from consumer.worker.work import Sending

#: Seconds after which the next one goes, whatever became of the one before. As long as Mailgun's
#: answer is waited for by default.
_PATIENCE: Final = 30.0


class Silence:
    """Of each provider. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        #: By provider: who was sent again without an answer, and when (monotonic seconds).
        self._ahead: dict[str, tuple[Sending, float]] = {}
        self._silent: set[str] = set()
        #: Lookups under way.
        self._asked: Counter[str] = Counter()

    def may_ask(self, provider: str) -> bool:
        """Whether a lookup is worth its time; then `heard` has to be told what came of it."""
        with self._lock:
            if provider in self._silent and self._asked[provider]:
                return False
            self._asked[provider] += 1
            return True

    def heard(self, provider: str, *, answered: bool) -> bool:
        """A lookup is over. True: it was the first to be answered again."""
        with self._lock:
            self._asked[provider] -= 1
            was_silent = provider in self._silent
            if answered:
                self._silent.discard(provider)
            else:
                self._silent.add(provider)
            return answered and was_silent

    def may_go_ahead(self, provider: str, sending: Sending) -> bool:
        """Whether this one is sent again, to see what becomes of it before all others are.

        The next one may when the one before is in doubt again, or nothing is heard of it.
        """
        now = self._clock.monotonic()
        with self._lock:
            before = self._ahead.get(provider)
            if before is not None:
                other, since = before
                if other is not sending and other.doubt is None and now < since + _PATIENCE:
                    return False
            self._ahead[provider] = (sending, now)
            return True

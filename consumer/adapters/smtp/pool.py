"""Connections to one mail server: few, shared, and none kept for long."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from consumer.adapters.smtp.session import Session

#: A connection unused for longer is not used again: servers end idle ones, RFC 5321 4.5.3.2.7
#: asks for five minutes of patience, many have less.
MAX_IDLE_SECONDS: Final = 20.0


class Pool:
    """Sessions between two emails. Safe to share between threads."""

    def __init__(self, size: int, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._places = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        #: With the moment of their last email; the one used last is used next.
        self._idle: list[tuple[float, Session]] = []
        self._closed = False

    @property
    def is_closed(self) -> bool:
        return self._closed

    @contextmanager
    def place(self) -> Iterator[None]:
        """Who has one may have one connection; waits while all are taken."""
        with self._places:
            yield

    def take(self) -> Session | None:
        """A session that waits for an email, if there is one. The too old ones are closed."""
        oldest = self._monotonic() - MAX_IDLE_SECONDS
        with self._lock:
            stale = [session for used_at, session in self._idle if used_at < oldest]
            self._idle = [each for each in self._idle if each[0] >= oldest]
            found = self._idle.pop()[1] if self._idle else None
        for session in stale:
            session.close()
        return found

    def give_back(self, session: Session) -> None:
        """For the next email, if the session can carry one."""
        if session.is_ready():
            with self._lock:
                if not self._closed:
                    self._idle.append((self._monotonic(), session))
                    return
        session.close()

    def close(self) -> None:
        """Close what waits now, and what is in use when it is given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for _, session in idle:
            session.close()

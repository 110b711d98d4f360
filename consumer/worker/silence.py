"""Silence: providers that do not answer lookups at the moment.

A call without an answer may leave a thousand sends in doubt, and a lookup that hangs takes as long
as its time limit. So while a provider is silent one lookup at a time finds out whether it still is;
the others are as good as asked.
"""

import threading


class Silence:
    """Of each provider. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._silent: set[str] = set()
        self._asked: set[str] = set()

    def may_ask(self, provider: str) -> bool:
        """Whether a lookup is worth its time; then `heard` has to be told what came of it."""
        with self._lock:
            if provider in self._silent and provider in self._asked:
                return False
            self._asked.add(provider)
            return True

    def heard(self, provider: str, *, answered: bool) -> bool:
        """A lookup is over. True: it was the first to be answered again."""
        with self._lock:
            self._asked.discard(provider)
            was_silent = provider in self._silent
            if answered:
                self._silent.discard(provider)
            else:
                self._silent.add(provider)
            return answered and was_silent

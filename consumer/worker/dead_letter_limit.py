"""A limit on dead letters: a broken topic is not emptied into the dead-letter topic.

When it is passed, something is wrong with the topic, the catalog or this program, and a person
has to look. The process stays in the group: if it left, the next one would be handed the same
records and do the same. It only takes no more of them until it is started again.

Whoever decides that a record is a dead letter counts it, so that no thread is ahead of another.
What was read already goes on: records of one poll that cannot be read, and sends in their lanes.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from consumer.ports import Clock

#: Seconds over which dead letters are counted.
_WINDOW: Final = 60.0


class DeadLetterLimit:
    """Counts over a sliding minute. Thread-safe; remembers as many letters as are allowed."""

    def __init__(
        self,
        per_minute: int,
        clock: Clock,
        on_tripped: Callable[[str], None] = lambda _why: None,
    ) -> None:
        """`on_tripped` is told once, in the thread of whoever counted."""
        self._per_minute = per_minute
        self._clock = clock
        self._on_tripped = on_tripped
        self._lock = threading.Lock()
        #: When each of the last allowed ones was, and why.
        self._last: deque[tuple[float, str]] = deque(maxlen=per_minute)
        #: Why nothing more is taken, in one line for a person; None: all is well.
        self.tripped: str | None = None

    def count(self, reason: str) -> None:
        """One more dead letter."""
        now = self._clock.monotonic()
        with self._lock:
            if self.tripped is not None:
                return
            full = len(self._last) == self._per_minute and self._last[0][0] > now - _WINDOW
            self._last.append((now, reason))
            if not full:
                return
            self.tripped = _message(self._per_minute, Counter(why for _, why in self._last))
        self._on_tripped(self.tripped)


def _message(allowed: int, reasons: Counter[str]) -> str:
    ((most, times),) = reasons.most_common(1)
    return (
        f"more than {allowed} dead letters within a minute, {times} of the last {allowed} with "
        f"the reason {most}: no more records are taken. Look at `messenger dead-letters list "
        f"--reason {most}`, mend the cause, and restart this process to go on; the limit is "
        "kafka.dead_letters_per_minute"
    )

"""For a sink that may be slow: what it does not take in time is dropped, and counted."""

import threading
from collections import deque
from typing import Final

from consumer.experiments.seen import Seen
from consumer.experiments.sinks import Sink

#: Events and bytes that wait for the sink, at most.
_MOST: Final = 1_000
_MOST_BYTES: Final = 8 * 1024 * 1024
#: Seconds after which the sink is asked to write what it gathered.
_FLUSH_SECONDS: Final = 0.5
#: Seconds for what waits at the end.
_LAST_SECONDS: Final = 5.0


class Dropping:
    """A sink before another one, which has a thread of its own."""

    def __init__(self, sink: Sink, *, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        self._sink = sink
        self._most = most
        self._most_bytes = most_bytes
        self._waiting: deque[Seen] = deque()
        self._bytes = 0
        self._overflown = 0
        #: Events that found room.
        self._given = 0
        self._changed = threading.Condition()
        self._ending = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._write, name="tap sink", daemon=True)
        self._thread.start()

    @property
    def written(self) -> int:
        return self._sink.written

    @property
    def dropped(self) -> int:
        """At the end with those that the sink did not come to."""
        return self._sink.dropped + self._overflown

    def put(self, seen: Seen) -> None:
        """Take the event if there is room. Raises what the sink raised."""
        size = seen.record.size
        with self._changed:
            self._raise()
            if len(self._waiting) >= self._most or self._bytes + size > self._most_bytes:
                self._overflown += 1
                return
            self._waiting.append(seen)
            self._bytes += size
            self._given += 1
            self._changed.notify()

    def flush(self) -> None:
        """Nothing to do here, but to say what the sink raised."""
        with self._changed:
            self._raise()

    def close(self) -> None:
        """Let the sink have what waits, for a few seconds. Raises what it raised."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join(_LAST_SECONDS)
        with self._changed:
            # What still waits, and what the sink has had in its hands for too long.
            self._overflown += max(0, self._given - self._sink.written - self._sink.dropped)
            self._waiting.clear()
            self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _write(self) -> None:
        try:
            while (taken := self._take()) is not None:
                for seen in taken:
                    self._sink.put(seen)
                self._sink.flush()
            self._sink.close()
        except Exception as error:  # noqa: BLE001  # told to whoever puts the next one
            with self._changed:
                self._error = error

    def _take(self) -> list[Seen] | None:
        """What waits, perhaps nothing after a while; None: this is the end."""
        with self._changed:
            if not self._waiting and not self._ending:
                self._changed.wait(_FLUSH_SECONDS)
            if not self._waiting and self._ending:
                return None
            # One by one where the sink is slow: what is in its hands does not count as room.
            taken = [self._waiting.popleft() for _ in range(min(50, len(self._waiting)))]
            self._bytes -= sum(seen.record.size for seen in taken)
            return taken

"""Whether Kafka answers, looked at all the time.

A door that is not ready gets no requests from whoever asks `/readyz`, so no request would ever tell
that Kafka is back.
"""

import threading
from collections.abc import Callable
from typing import Final

from consumer.domain.errors import BrokerUnavailable
from consumer.ingest.writer import Writer

#: Seconds between two looks, while it answers and while it does not.
_WHILE_THERE: Final = 5.0
_WHILE_AWAY: Final = 1.0


class KafkaWatch:
    """Looks from a thread of its own. Both looks raise BrokerUnavailable."""

    def __init__(
        self, writer: Writer, *, glance: Callable[[], None], look: Callable[[], None]
    ) -> None:
        """`glance`: whether a broker is there, which costs little; `look`: whether the topic is,
        asked while it is not known."""
        self._writer = writer
        self._glance = glance
        self._look = look
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kafka-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float = 1.0) -> None:
        """A look under way is left behind after a while: it changes nothing."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def step(self) -> float:
        """Look once; the seconds until the next time."""
        was_away = self._writer.is_away
        try:
            (self._look if was_away else self._glance)()
        except BrokerUnavailable as error:
            self._writer.away(str(error))
            return _WHILE_AWAY
        if was_away:
            self._writer.back()
        return _WHILE_THERE

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            pause = self.step()

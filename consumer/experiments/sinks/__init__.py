"""Where tapped events go. Each sink holds a bounded amount, whatever its other side does."""

from collections.abc import Callable
from typing import Protocol

from consumer.domain.errors import MessengerError
from consumer.experiments.seen import Seen

#: Told one line for a person.
Say = Callable[[str], None]


class SinkFailed(MessengerError):
    """Nothing more can be written, and waiting does not help. The text says what to do."""


class SinkClosed(Exception):
    """Whoever read from us has seen enough."""


class Sink(Protocol):
    """Takes events. Its calls may take as long as the other side does: that slows the tap."""

    @property
    def written(self) -> int:
        """Events that the other side has."""

    @property
    def dropped(self) -> int:
        """Events that it will never have."""

    def put(self, seen: Seen) -> None:
        """Take one event. Raises SinkFailed and SinkClosed, now or at a later call."""

    def flush(self) -> None:
        """Have written what was put, as far as that is due; called at least each second or so."""

    def close(self) -> None:
        """Write what is left, if that is quick; what is not written then is dropped."""

"""Notifications given up: what the dead letter of their event says. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from consumer.domain.notification import Notification, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Undelivered

#: Ends of a notification after which a person may want its event again, the worst first.
_GIVEN_UP: Final = {
    Kind.IN_DOUBT: (Reason.HELD, "It is not known whether it was sent; held for a person"),
    Kind.EXPIRED: (Reason.TOO_OLD, "Not sent within its age limit"),
    Kind.FAILED: (Reason.PROVIDER_REJECTED, "Refused for good"),
}
#: Characters of one provider's words, and different words that are told.
_MOST: Final = 500
_MOST_WORDS: Final = 5

#: A notification, and what became of it.
End = tuple[Notification, SendResult]


class GivenUp(msgspec.Struct, frozen=True, kw_only=True):
    """Why an event becomes a dead letter after all was tried."""

    reason: Reason
    error: str
    undelivered: Sequence[Undelivered]

    @property
    def is_a_fault(self) -> bool:
        """Of the topic, or ours; what a long outage let expire is neither's."""
        return self.reason is not Reason.TOO_OLD


def given_up(ends: Iterable[End]) -> GivenUp | None:
    """What the ends of an event's notifications come to; None: nobody has to look at it."""
    left = [end for end in ends if end[1].kind in _GIVEN_UP]
    if not left:
        return None
    kind = min((result.kind for _, result in left), key=list(_GIVEN_UP).index)
    reason, said = _GIVEN_UP[kind]
    return GivenUp(
        reason=reason,
        error=": ".join((said, *_words(left))),
        undelivered=[Undelivered(to.uid, to.destination) for to, _ in left],
    )


def _words(ends: Sequence[End]) -> list[str]:
    """The providers' own, each once."""
    words = dict.fromkeys(result.message[:_MOST] for _, result in ends if result.message)
    told = list(words)[:_MOST_WORDS]
    if len(words) > len(told):
        told.append(f"and {len(words) - len(told)} more")
    return ["; ".join(told)] if told else []

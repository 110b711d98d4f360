"""Destinations given up: what the dead letter of their event says. Pure.

One event makes one dead letter at the most, whatever became of how many destinations: redriven, it
is sent to those only that were not told.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from consumer.domain.notification import Ending, Notification, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Undelivered

#: Ends of a notification after which a person may want its event again, the worst first.
_GIVEN_UP: Final = {
    Kind.IN_DOUBT: (Reason.HELD, "It is not known whether it was sent; held for a person"),
    Kind.EXPIRED: (Reason.TOO_OLD, "Not sent within its age limit"),
    Kind.FAILED: (Reason.PROVIDER_REJECTED, "Refused for good"),
}
#: Reasons that say nothing against the topic, nor against us: what a long outage let expire, and
#: what one tenant's catalog says must not stop the others.
_NOBODYS_FAULT: Final = frozenset(
    {
        Reason.TOO_OLD,
        Reason.UNKNOWN_NOTIFICATION,
        Reason.INVALID_ADDRESS,
    }
)
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
        """Of the topic, or ours: too many of them stop the intake."""
        return self.reason not in _NOBODYS_FAULT


def given_up(
    ends: Iterable[End], endings: Iterable[Ending] = (), event_id: str = ""
) -> GivenUp | None:
    """What the ends of an event's destinations come to; None: nobody has to look at it.

    `ends` are those that something was sent to, or was to be; `endings` those for which the plan
    had no usable address: the catalog can be mended, and the event redriven. That the plan also
    names webhooks or pagers is no mistake: they are another program's.
    """
    ends = list(ends)
    left = [end for end in ends if end[1].kind in _GIVEN_UP]
    unusable = [
        each
        for each in endings
        if each.kind is Kind.FAILED and each.reason is not Reason.UNSUPPORTED_TYPE
    ]
    if not (left or unusable):
        return None
    words = _words([result.message for _, result in left] + [each.message for each in unusable])
    if left:
        kind = min((result.kind for _, result in left), key=list(_GIVEN_UP).index)
        reason, said = _GIVEN_UP[kind]
    else:
        reason, said = unusable[0].reason, _how_many_were_sent(ends, len(unusable))
    return GivenUp(
        reason=reason,
        error=": ".join((said, *words)),
        undelivered=[
            *(Undelivered(to.uid, to.destination) for to, _ in left),
            *(
                Undelivered("", each.destination or "", each.target_id or "", event_id)
                for each in unusable
            ),
        ],
    )


def _how_many_were_sent(ends: Sequence[End], unusable: int) -> str:
    """A person must not take an event for unsent that one destination was told of."""
    if not ends:
        return "The plan has no usable address"
    sent = sum(result.kind is Kind.ACCEPTED for _, result in ends)
    return f"{sent} of {len(ends) + unusable} notifications were sent"


def _words(messages: Iterable[str]) -> list[str]:
    """The providers' own and the plan's, each once."""
    words = dict.fromkeys(message[:_MOST] for message in messages if message)
    told = list(words)[:_MOST_WORDS]
    if len(words) > len(told):
        told.append(f"and {len(words) - len(told)} more")
    return ["; ".join(told)] if told else []

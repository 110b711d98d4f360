"""Which part of a provider's events is read next. Pure; all times are epoch seconds.

Events come to light late, and not in the order of their times: Mailgun's own advice is to trust
nothing younger than half an hour. So all events are read twice. At once, as far as they are to be
seen: that brings most within one interval. And again when they have settled: that brings the rest,
and only then the place in the ledger moves on. What is read twice is told once.
"""

from collections.abc import Sequence

import msgspec


class PollRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator chose, in seconds."""

    interval: float
    overlap: float
    settle: float
    #: How far to look back when nothing was ever read: Mailgun keeps a day at the least.
    first_look_back: float = 86_400.0


class Window(msgspec.Struct, frozen=True):
    """From when to when; of a settled window the end is final."""

    begin: float
    end: float
    settled: bool


def windows(
    rules: PollRules, place: float | None, read_until: float | None, now: float
) -> Sequence[Window]:
    """What is to be read now, in this order.

    `place`: up to when all has settled and was read; `read_until`: up to when this process has
    read at all.
    """
    settled = now - rules.settle
    start = settled - rules.first_look_back if place is None else place
    found = []
    # In steps: each costs a request.
    if place is None or settled - start >= max(rules.interval, rules.settle / 6):
        found.append(Window(start - rules.overlap, settled, settled=True))
        start = settled
    begin = start if read_until is None else max(start, read_until)
    found.append(Window(min(begin, now) - rules.overlap, now, settled=False))
    return found

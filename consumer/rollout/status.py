"""How emails fared by route and transport, from tracking records. Pure.

An email counts once for each thing that befell it by one way, whatever number of records tell it.
One that went by two ways, its own and the fallback, counts for both.
"""

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Final

import msgspec

from consumer.domain.reasons import Kind, Reason
from consumer.domain.tracking import TrackingEvent

#: Route and transport. The route is empty where a record names none.
Way = tuple[str, str]

_BEFELL: Final[Mapping[Kind, str]] = {
    Kind.ACCEPTED: "accepted",
    Kind.FAILED: "failed",
    Kind.DEFERRED: "tried_in_vain",
    Kind.IN_DOUBT: "tried_in_vain",
    Kind.DELIVERED: "delivered",
    Kind.BOUNCED_PERMANENT: "bounced",
    Kind.BOUNCED_TEMPORARY: "bounced",
    Kind.REJECTED: "bounced",
}
_TROUBLE: Final = frozenset({Kind.FAILED, Kind.DEFERRED, Kind.IN_DOUBT})
#: Told of an attempt; the others are what the provider reported later.
_ATTEMPTS: Final = frozenset({Kind.ACCEPTED, Kind.FAILED, Kind.DEFERRED, Kind.IN_DOUBT})


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Emails of one way, by what befell them. Latencies in seconds; None: of none."""

    #: Tried at least once.
    emails: int = 0
    accepted: int = 0
    failed: int = 0
    #: Put off or in doubt at least once, whatever came of it then.
    tried_in_vain: int = 0
    #: Why emails failed or were tried in vain: reasons and emails, the most frequent first.
    reasons: Mapping[str, int] = {}
    possible_duplicate: int = 0
    delivered: int = 0
    bounced: int = 0
    #: From the event, or from when it was redriven, to the acceptance.
    p50: float | None = None
    p95: float | None = None

    @property
    def rates(self) -> Mapping[str, float | None]:
        """Accepted, failed and tried in vain of those tried; delivered and bounced of those
        accepted. Reports come later, so of a short time these two may be above one."""
        return {
            "accepted": _share(self.accepted, self.emails),
            "failed": _share(self.failed, self.emails),
            "tried_in_vain": _share(self.tried_in_vain, self.emails),
            "delivered": _share(self.delivered, self.accepted),
            "bounced": _share(self.bounced, self.accepted),
        }


class _Counted:
    """What is gathered of one way: the emails by what befell them."""

    def __init__(self) -> None:
        self.emails: dict[str, set[str]] = {}
        self.reasons: dict[str, set[str]] = {}
        #: Seconds by email: of one that is told twice the first word counts.
        self.latencies: dict[str, float] = {}

    def add(self, uid: str, what: str) -> None:
        self.emails.setdefault(what, set()).add(uid)

    def figures(self) -> Figures:
        seconds = sorted(self.latencies.values())
        return Figures(
            **{what: len(uids) for what, uids in self.emails.items()},
            reasons=_most_first({why: len(uids) for why, uids in self.reasons.items()}),
            p50=_percentile(seconds, 0.50),
            p95=_percentile(seconds, 0.95),
        )


def count(records: Iterable[TrackingEvent], from_ms: int, to_ms: int) -> dict[Way, Figures]:
    """What happened from one moment on, until the other (epoch milliseconds), in order of ways.

    Old records name no route, and neither do those of emails whose rule has no name of its own.
    """
    ways: dict[Way, _Counted] = {}
    for record in records:
        to, provider, what = record.notification, record.provider, _befell(record)
        if what is None or to is None or to.uid is None or provider is None:
            continue
        if from_ms <= record.at < to_ms:
            counted = ways.setdefault((record.route or "", provider.name), _Counted())
            _add(counted, to.uid, what, record)
    return {way: ways[way].figures() for way in sorted(ways)}


def _befell(record: TrackingEvent) -> str | None:
    """None: it says nothing of how the email fared."""
    is_delay = record.kind is Kind.DEFERRED and record.outcome.reason is Reason.REPORTED
    return None if is_delay else _BEFELL.get(record.kind)


def _add(counted: _Counted, uid: str, what: str, record: TrackingEvent) -> None:
    counted.add(uid, what)
    if record.kind in _ATTEMPTS:
        counted.add(uid, "emails")
        if record.kind in _TROUBLE:
            counted.reasons.setdefault(str(record.outcome.reason), set()).add(uid)
        if record.possible_duplicate:
            counted.add(uid, "possible_duplicate")
    if record.kind is Kind.ACCEPTED and record.event.timestamp is not None:
        since = max(record.event.timestamp, record.redriven_at or 0)
        counted.latencies.setdefault(uid, max(0.0, (record.at - since) / 1000))


def _most_first(counted: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _percentile(ordered: list[float], share: float) -> float | None:
    """The nearest rank: a value that was there."""
    return ordered[ceil(share * len(ordered)) - 1] if ordered else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None

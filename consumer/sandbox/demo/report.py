"""What the demo counts at its end: pure, from the tracking records."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from consumer.domain.reasons import Kind, Reason
from consumer.domain.tracking import TrackingEvent

#: Where a record was read: partition and offset of the events topic.
Place = tuple[int, int]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The demo in numbers."""

    events_in: int
    emails_accepted: int
    #: Why an event, or one of its destinations, got no email: counts by kind and reason.
    not_sent: Mapping[tuple[str, str], int]
    dead_letters: int
    duplicates_refused: int
    #: Milliseconds from the event's record to the provider's acceptance.
    latency_ms: Sequence[int]
    #: One accepted notification and its event, to look at.
    example: TrackingEvent | None

    def percentile(self, share: float) -> int | None:
        """The latency that `share` (0 to 1) of the emails did not exceed; None without any."""
        if not self.latency_ms:
            return None
        ordered = sorted(self.latency_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def make_report(
    produced_at_ms: Mapping[Place, int], tracking: Iterable[TrackingEvent], dead_letters: int
) -> Report:
    """Fold tracking records; the same id told twice counts once."""
    told = {record.id: record for record in tracking}
    accepted = [r for r in told.values() if r.kind is Kind.ACCEPTED]
    not_sent = Counter(
        (str(r.kind), str(r.outcome.reason))
        for r in told.values()
        if r.kind not in (Kind.ACCEPTED, Kind.DEFERRED)
    )
    latencies = [
        max(0, r.at - produced_at_ms[place])
        for r in accepted
        if r.source is not None and (place := r.source[1:]) in produced_at_ms
    ]
    return Report(
        events_in=len(produced_at_ms),
        emails_accepted=len(accepted),
        not_sent=not_sent,
        dead_letters=dead_letters,
        duplicates_refused=not_sent[(Kind.DUPLICATE, Reason.SEEN_BEFORE)],
        latency_ms=latencies,
        example=next((r for r in accepted if r.event.state == "CRITICAL"), None),
    )

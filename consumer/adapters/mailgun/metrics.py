"""Mailgun's own figures of one sending domain: the Metrics API."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from consumer.adapters.mailgun.address import checked_domain
from consumer.adapters.mailgun.asking import Asking, said
from consumer.adapters.mailgun.lookup_questions import Question, equals, rfc2822

#: Groups of one answer: what Mailgun gives at the most.
_LIMIT: Final = 1000
#: More answers than this are not asked for: no domain has so many tags.
_MOST_PAGES: Final = 20
#: Our words, and Mailgun's names for them.
COUNTS: Final[Mapping[str, str]] = {
    "accepted": "accepted_outgoing_count",
    "delivered": "delivered_count",
    "bounced": "permanent_failed_count",
    "complained": "complained_count",
}

#: Our words and how many emails, of one group.
Counted = Mapping[str, int]


class MailgunMetrics:
    """Asks for counts between two moments."""

    def __init__(self, asking: Asking, domain: str) -> None:
        """Raises SettingsError for a domain that is none."""
        self._asking = asking
        self._domain = checked_domain(domain)

    def total(self, begin: float, end: float) -> Counted:
        """All of the domain's emails; times in epoch seconds. Raises LookupUnavailable."""
        return self._page(begin, end, "domain", 0).get(self._domain, dict.fromkeys(COUNTS, 0))

    def by_tag(self, begin: float, end: float) -> Mapping[str, Counted]:
        """The same by tag. Raises LookupUnavailable."""
        found: dict[str, Counted] = {}
        for number in range(_MOST_PAGES):
            page = self._page(begin, end, "tag", number * _LIMIT)
            found.update(page)
            if len(page) < _LIMIT:
                break
        return found

    def close(self) -> None:
        self._asking.close()

    def _page(self, begin: float, end: float, dimension: str, skip: int) -> Mapping[str, Counted]:
        reply = self._asking.ask(_question(self._domain, begin, end, dimension, skip))
        found = groups(reply.document) if reply.status == 200 else None
        if found is None:
            raise self._asking.unavailable(said(reply))
        return found


def groups(document: Any) -> Mapping[str, Counted] | None:
    """The counts by the one dimension that was asked for; None: it is no answer of Mailgun's."""
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        return None
    found: dict[str, Counted] = {}
    for item in document["items"]:
        match item:
            case {"dimensions": [{"value": str(value)}, *_], "metrics": dict(metrics)}:
                found[value] = {ours: _number(metrics.get(name)) for ours, name in COUNTS.items()}
    return found


def _number(value: Any) -> int:
    """Counts may come as text; one that is missing is none."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _question(domain: str, begin: float, end: float, dimension: str, skip: int) -> Question:
    search = {
        "start": rfc2822(begin),
        "end": rfc2822(end),
        "resolution": "hour",
        "dimensions": [dimension],
        "metrics": list(COUNTS.values()),
        "filter": {"AND": [equals("domain", domain)]},
        "include_subaccounts": False,
        "include_aggregates": False,
        "pagination": {"sort": f"{dimension}:asc", "skip": skip, "limit": _LIMIT},
    }
    return Question(
        method="POST",
        path="/v1/analytics/metrics",
        body=msgspec.json.encode(search),
        content_type="application/json",
    )

"""What became of emails, counted: in total, by tag and by account. Pure.

An email counts once for each thing that befell it between two moments, as in the provider's own
figures, whatever number of records tell it. So of a short time the rates may be above one: what is
delivered in it may have been accepted before.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from consumer.domain.reasons import Kind
from consumer.domain.tracking import TrackingEvent

_COUNTED: Final[Mapping[Kind, str]] = {
    Kind.ACCEPTED: "accepted",
    Kind.DELIVERED: "delivered",
    Kind.BOUNCED_PERMANENT: "bounced",
    Kind.BOUNCED_TEMPORARY: "bounced",
    Kind.REJECTED: "bounced",
    Kind.COMPLAINED: "complained",
}


class Figures(msgspec.Struct, kw_only=True):
    """Emails, by what befell them. `bounced`: for whatever reason, and for good."""

    accepted: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0

    @property
    def rates(self) -> Mapping[str, float | None]:
        """Delivered and bounced of those accepted, complaints of those delivered; None: of none."""
        return {
            "delivered": _share(self.delivered, self.accepted),
            "bounced": _share(self.bounced, self.accepted),
            "complained": _share(self.complained, self.delivered),
        }


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Groups are in the order of their names."""

    total: Figures
    tags: Mapping[str, Figures]
    #: By tenant id.
    accounts: Mapping[str, Figures]


class _Email(msgspec.Struct):
    tenant: str = ""
    tags: tuple[str, ...] = ()
    befell: frozenset[str] = frozenset()


def count(records: Iterable[TrackingEvent], from_ms: int, to_ms: int) -> Stats:
    """What happened from one moment on, until the other (epoch milliseconds).

    An email's tags are told where it was accepted, which may have been earlier: give all records.
    """
    emails: dict[str, _Email] = {}
    for record in records:
        name = _COUNTED.get(record.kind)
        to = record.notification
        if name is None or to is None or to.uid is None:
            continue
        email = emails.setdefault(to.uid, _Email())
        email.tenant = record.event.tenant_id or email.tenant
        email.tags = record.tags or email.tags
        if from_ms <= record.at < to_ms:
            email.befell |= {name}
    return _summed(emails.values())


def _summed(emails: Iterable[_Email]) -> Stats:
    total = Figures()
    tags: dict[str, Figures] = {}
    accounts: dict[str, Figures] = {}
    for email in emails:
        if not email.befell:
            continue
        groups = [total, accounts.setdefault(email.tenant, Figures())]
        groups += [tags.setdefault(tag, Figures()) for tag in email.tags]
        for group in groups:
            for name in email.befell:
                setattr(group, name, getattr(group, name) + 1)
    return Stats(
        total=total, tags=dict(sorted(tags.items())), accounts=dict(sorted(accounts.items()))
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None

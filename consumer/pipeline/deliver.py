"""Stage `deliver`: in come emails of one call; out comes what their transport says of each.

The routes choose the transport and its options: the first rule that matches wins. Their shares of
tenants may change while emails are under way: an event of which something may have been sent keeps
its route, so its lookups, its second try and its tracking are all of one way.
"""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.ledger import DeliveryRow, DeliveryState
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.ports import BatchTransport, Transport

#: Tenants are spread over this many buckets, so a share can be set to 0.01 percent.
_BUCKETS = 10_000


#: Begins what a rule without a name is called. No name begins so.
_NUMBER = "#"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. Conditions that are not given always hold."""

    options: SendOptions
    tenants: frozenset[str] = frozenset()
    states: frozenset[State] = frozenset()
    #: Share of tenants, 0 to 100, by a stable hash: raising it never moves a tenant back.
    percent: float = 100.0

    def matches(self, event: AlarmEvent) -> bool:
        return (not self.states or event.state in self.states) and self.takes(event.tenant_id)

    def takes(self, tenant_id: str) -> bool:
        """Whether the tenant is on its side, whatever the state."""
        return (not self.tenants or tenant_id in self.tenants) and tenant_bucket(
            tenant_id
        ) < self.percent * _BUCKETS / 100


def tenant_bucket(tenant_id: str) -> int:
    """0 to 9999, evenly spread, the same for a tenant on every machine and in every version."""
    digest = hashlib.blake2b(tenant_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _BUCKETS


def choose_options(
    event: AlarmEvent, routes: Sequence[Route], default: SendOptions, *, kept: str | None = None
) -> SendOptions:
    """The first matching route's options. Test events are always sent in the test mode.

    `kept`: the route that the event went by before; it wins as long as there is one of the name.
    """
    chosen = _named(kept, routes, default)
    if chosen is None:
        chosen = next((r.options for r in routes if r.matches(event)), default)
    if event.test:
        return msgspec.structs.replace(chosen, test_mode=True, tags=(*chosen.tags, "test"))
    return chosen


def numbered(number: int) -> str:
    """What a rule without a name is called: by its place in the file, from 1."""
    return f"{_NUMBER}{number}"


def route_kept(rows: Sequence[DeliveryRow]) -> str | None:
    """The route by which emails of an event were sent, or may have been; None: it is free.

    `rows` are the event's. What waits for its next attempt and was surely not accepted binds
    nothing: read again by another process, it goes by where its tenant belongs by then. A number
    binds nothing either, it may be another rule's by now.
    """
    for row in rows:
        is_free = row.state is DeliveryState.DEFERRED and not row.possible_duplicate
        if row.route and not is_free and not row.route.startswith(_NUMBER):
            return row.route
    return None


def _named(name: str | None, routes: Sequence[Route], default: SendOptions) -> SendOptions | None:
    if not name:
        return None
    options = (*(route.options for route in routes), default)
    return next((each for each in options if each.route == name), None)


def deliver(
    emails: Sequence[Email], options: SendOptions, transports: Mapping[str, Transport]
) -> Sequence[SendResult]:
    """One call of the transport that the options name, for emails that belong together."""
    transport = transports[options.transport]
    if len(emails) == 1:
        return [transport.send(emails[0], options)]
    assert isinstance(transport, BatchTransport), "only one that can has company"
    return transport.send_batch(emails, options)

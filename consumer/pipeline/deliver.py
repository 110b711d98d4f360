"""Stage `deliver`: in come emails of one call; out comes what their transport says of each.

The routes choose the transport and its options: the first rule that matches wins.
"""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.ports import BatchTransport, Transport

#: Tenants are spread over this many buckets, so a share can be set to 0.01 percent.
_BUCKETS = 10_000


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. Conditions that are not given always hold."""

    options: SendOptions
    tenants: frozenset[str] = frozenset()
    states: frozenset[State] = frozenset()
    #: Share of tenants, 0 to 100, by a stable hash: raising it never moves a tenant back.
    percent: float = 100.0

    def matches(self, event: AlarmEvent) -> bool:
        return (
            (not self.tenants or event.tenant_id in self.tenants)
            and (not self.states or event.state in self.states)
            and tenant_bucket(event.tenant_id) < self.percent * _BUCKETS / 100
        )


def tenant_bucket(tenant_id: str) -> int:
    """0 to 9999, evenly spread, the same for a tenant on every machine and in every version."""
    digest = hashlib.blake2b(tenant_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _BUCKETS


def choose_options(event: AlarmEvent, routes: Sequence[Route], default: SendOptions) -> SendOptions:
    """The first matching route's options. Test events are always sent in the test mode."""
    chosen = next((r.options for r in routes if r.matches(event)), default)
    if event.test:
        return msgspec.structs.replace(chosen, test_mode=True, tags=(*chosen.tags, "test"))
    return chosen


def deliver(
    emails: Sequence[Email], options: SendOptions, transports: Mapping[str, Transport]
) -> Sequence[SendResult]:
    """One call of the transport that the options name, for emails that belong together."""
    transport = transports[options.transport]
    if len(emails) == 1:
        return [transport.send(emails[0], options)]
    assert isinstance(transport, BatchTransport), "only one that can has company"
    return transport.send_batch(emails, options)

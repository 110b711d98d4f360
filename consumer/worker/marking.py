"""Marks: `sending` is durable before the request is written, in group commits of all senders."""

from collections.abc import Collection, Sequence

from consumer.adapters.group_commit import Gather
from consumer.domain.errors import LedgerUnavailable
from consumer.domain.ledger import SendingMark
from consumer.ports import Clock, Ledger
from consumer.worker.lease import Lease
from consumer.worker.work import Sending


class Marking:
    """Shared by all senders, so that they share their transactions."""

    def __init__(self, ledger: Ledger, owner: str, lease: Lease, clock: Clock) -> None:
        self._ledger = ledger
        self._owner = owner
        self._lease = lease
        self._clock = clock
        self._gather: Gather[SendingMark, bool] = Gather(self._mark_all)

    def mark(self, sendings: Sequence[Sending], transport: str) -> Sequence[bool] | None:
        """Write `sending` down. False: refused, the alarm is not ours. None: there is no lease,
        or no ledger, at the moment; nothing may be sent."""
        if not self._lease.is_valid():
            return None
        try:
            return self._gather.ask_all([_mark(sending, transport) for sending in sendings])
        except LedgerUnavailable:
            return None

    def _mark_all(self, marks: Sequence[SendingMark]) -> Sequence[bool]:
        refused: Collection[str] = self._ledger.mark_sending(self._owner, marks, self._clock.now())
        return [mark.uid not in refused for mark in marks]


def _mark(sending: Sending, transport: str) -> SendingMark:
    send = sending.send
    return SendingMark(
        uid=send.notification.uid,
        event_id=send.notification.event.id,
        atom=sending.work.atom,
        fence=sending.work.prepared.locked.fence,
        target_id=send.notification.target_id,
        type=send.notification.type,
        destination=send.notification.destination,
        message_id=send.email.message_id,
        transport=transport,
        attempt=sending.attempt,
        route=sending.options.route,
    )

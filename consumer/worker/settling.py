"""Writing results into the ledger: at once, by whoever has one, in group commits."""

import threading
from collections.abc import Sequence

from consumer.adapters.group_commit import Gather
from consumer.domain.errors import LedgerUnavailable
from consumer.domain.ledger import DeliveryState, Settlement
from consumer.domain.notification import SendResult
from consumer.domain.reasons import Kind
from consumer.pipeline.resume import Known
from consumer.ports import Clock, Ledger
from consumer.worker.work import Sending, Work

#: Seconds between two tries while the ledger is away.
_TRY_AGAIN = 0.5

_STATES = {
    Kind.ACCEPTED: DeliveryState.ACCEPTED,
    Kind.FAILED: DeliveryState.FAILED,
    Kind.DEFERRED: DeliveryState.DEFERRED,
    Kind.IN_DOUBT: DeliveryState.IN_DOUBT,
    Kind.SUPERSEDED: DeliveryState.SUPERSEDED,
    Kind.EXPIRED: DeliveryState.EXPIRED,
}


class Settling:
    """One for senders and resolver together, so that they share their transactions."""

    def __init__(self, ledger: Ledger, owner: str, clock: Clock) -> None:
        self._ledger = ledger
        self._owner = owner
        self._clock = clock
        self._gather: Gather[Settlement, bool] = Gather(self._settle_all)
        self._stop = threading.Event()

    def stop(self) -> None:
        """Wait no longer for a ledger that is away."""
        self._stop.set()

    def settle(self, sending: Sending, result: SendResult) -> bool:
        """Write the result down before anything else is begun: a crash from here on leaves no
        doubt. Waits for a ledger that is away; gives up only when the process is to end.

        False: it does not count. The alarm is somebody else's by now, or it was not written.
        That the provider accepted an email counts whoever says it.
        """
        return self.settle_all([(sending, result)])[0]

    def settle_all(self, ends: Sequence[tuple[Sending, SendResult]]) -> Sequence[bool]:
        """The same for what ended together, in one transaction."""
        settlements = [_settlement(sending, result) for sending, result in ends]
        while True:
            try:
                ours = self._gather.ask_all(settlements)
            except LedgerUnavailable:
                if self._stop.wait(_TRY_AGAIN):
                    return [False] * len(ends)
            else:
                return [
                    counts or result.kind is Kind.ACCEPTED
                    for counts, (_, result) in zip(ours, ends, strict=True)
                ]

    def _settle_all(self, settlements: Sequence[Settlement]) -> Sequence[bool]:
        lost = self._ledger.settle(self._owner, settlements, self._clock.now())
        return [settlement.uid not in lost for settlement in settlements]


def _settlement(sending: Sending, result: SendResult) -> Settlement:
    return Settlement(
        uid=sending.send.notification.uid,
        atom=sending.work.atom,
        fence=sending.work.prepared.locked.fence,
        state=_STATES[result.kind],
        transport=result.transport,
        provider_id=result.provider_id,
        reason=result.reason,
        message=result.message,
        code=result.code,
        possible_duplicate=sending.possible_duplicate,
    )


def settlement_of(work: Work, known: Known) -> Settlement:
    """What became of a notification without a sender: nothing was sent."""
    result = known.result
    return Settlement(
        uid=known.notification.uid,
        atom=work.atom,
        fence=work.prepared.locked.fence,
        state=_STATES[result.kind],
        transport=result.transport,
        reason=result.reason,
        message=result.message,
        possible_duplicate=known.possible_duplicate,
    )

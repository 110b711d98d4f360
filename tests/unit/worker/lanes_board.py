"""Lanes with a clock of ours, and what a test does with them."""

from collections.abc import Sequence

from consumer.worker.lanes import Lanes
from consumer.worker.work import Sending, Work
from tests.support.clock import ManualClock


class Board:
    """Lanes with a clock of ours, and what they handed to the tracker."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.tracked: list[Work] = []
        self.lanes = Lanes(self.clock, self.tracked.append)

    def add(self, *works: Work) -> None:
        self.lanes.add(works)

    def take(self) -> Sending:
        (sending,) = self.lanes.take(0)
        return sending

    def taken(self) -> list[str]:
        """Uids of all that a sender could take now."""
        uids = []
        while sendings := self.lanes.take(0):
            uids += [sending.send.notification.uid for sending in sendings]
        return uids

    def end(self, sending: Sending) -> None:
        """A send with its final result; the event is finished with its last one."""
        self.lanes.landed()
        if self.lanes.sends_ended([(sending.work, False)]):
            self.lanes.finish([sending.work])

    def defer(self, sending: Sending, seconds: float) -> None:
        sending.attempt += 1
        self.lanes.landed()
        self.lanes.retry(sending, seconds)

    def refuse(self, sending: Sending) -> None:
        self.lanes.landed()
        assert self.lanes.sends_ended([(sending.work, True)])
        self.lanes.surrender(sending.work)

    @property
    def counts(self) -> tuple[int, int, int]:
        return (self.lanes.events, self.lanes.bytes, self.lanes.in_flight)


def ids(works: Sequence[Work]) -> list[str]:
    return [each.event.id for each in works]

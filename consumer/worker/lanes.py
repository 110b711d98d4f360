"""Lanes: one per atom. Events of an atom go one after the other; atoms go side by side.

Free senders take what waits, one tenant after the other, so that a storm of one tenant does
not make another's single alarm wait. All events go through their lane, also those without a
send, so that what the ledger says of an atom moves in event order.
"""

import heapq
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Sequence

from consumer.ports import Clock
from consumer.worker.offsets import TopicPartition
from consumer.worker.work import Sending, Work


class Lanes:
    """All lanes of one process. Thread-safe."""

    def __init__(self, clock: Clock, to_tracker: Callable[[Work], None]) -> None:
        self._clock = clock
        #: Called with each event that has nothing to send, when its turn has come.
        self._to_tracker = to_tracker
        self._changed = threading.Condition()
        self._lanes: dict[str, deque[Work]] = {}
        #: Sends that wait for a sender, by tenant, the tenant to serve next first.
        self._ready: OrderedDict[str, deque[Sending]] = OrderedDict()
        #: Sends that wait for their next attempt: (monotonic seconds, sequence, send).
        self._delayed: list[tuple[float, int, Sending]] = []
        self._sequence = 0
        self._returned: list[Work] = []
        self._closed = False
        self.events = 0
        self.bytes = 0
        self.in_flight = 0

    def add(self, works: Sequence[Work]) -> None:
        """Put events at the end of their lanes."""
        with self._changed:
            given_back = {work.atom for work in self._returned}
            heads: list[Work] = []
            for work in works:
                if work.atom in given_back:
                    # Its lane was given back in between: it follows, and stays behind.
                    self._returned.append(work)
                    continue
                lane = self._lanes.setdefault(work.atom, deque())
                lane.append(work)
                self.events += 1
                self.bytes += work.size
                if len(lane) == 1:
                    self._activate(work)
                else:
                    heads.append(lane[0])
            if self._delayed:
                self._hurry(heads)
            self._changed.notify_all()

    def take(self, timeout_seconds: float) -> Sending | None:
        """The next send; None when nothing came in time or the lanes are closed."""
        deadline = self._clock.monotonic() + timeout_seconds
        with self._changed:
            while not self._closed:
                now = self._clock.monotonic()
                self._wake_delayed(now)
                if self._ready:
                    return self._pop_ready()
                if now >= deadline:
                    return None
                due = min(deadline, self._delayed[0][0] if self._delayed else deadline)
                self._changed.wait(max(0.001, due - now))
            return None

    def landed(self) -> None:
        """A sender is through with one attempt; the tracker has it now."""
        with self._changed:
            self.in_flight -= 1
            self._changed.notify_all()

    def retry(self, sending: Sending, delay_seconds: float) -> None:
        """Another attempt after a while, or at once when a newer event waits behind it."""
        with self._changed:
            sending.work.busy -= 1
            if sending.attempt > 1 and self._overtaken(sending.work):
                delay_seconds = 0
            self._sequence += 1
            due = self._clock.monotonic() + delay_seconds
            heapq.heappush(self._delayed, (due, self._sequence, sending))
            self._changed.notify_all()

    def put_back(self, sending: Sending) -> None:
        """A sender took it and did not touch it (no lock at the moment, or stopping)."""
        with self._changed:
            self.in_flight -= 1
            sending.work.busy -= 1
            self._push_ready(sending, first=True)
            self._changed.notify_all()

    def overtaken(self, work: Work) -> bool:
        """Whether the alarm's state has moved on since: a newer event of another state waits."""
        with self._changed:
            return self._overtaken(work)

    def send_ended(self, work: Work, *, refused: bool = False) -> bool:
        """One of the event's sends is final (or refused); True when it was the last."""
        with self._changed:
            work.open_sends -= 1
            work.refused = work.refused or refused
            if work.open_sends:
                work.busy -= 1
            # With the last one the tracker stays at it until it calls `finish` or `surrender`.
            return work.open_sends == 0

    def finish(self, work: Work) -> None:
        """The event has ended: the next one of its lane may go."""
        with self._changed:
            self._remove_head(work)
            self._changed.notify_all()

    def surrender(self, work: Work) -> None:
        """The atom is no longer ours: its lane's events go back to be locked anew."""
        with self._changed:
            # In front: what was given back before had been behind it.
            self._returned[:0] = self._cut(work.atom, 0)
            work.busy -= 1
            self._changed.notify_all()

    def returned(self) -> list[Work]:
        """The events given back since the last call, in order: to be locked anew."""
        with self._changed:
            works, self._returned = self._returned, []
            return works

    def drop_waiting(self, partitions: Collection[TopicPartition] | None = None) -> list[Work]:
        """Take out what nobody works on right now (of some partitions, or all); returns it.

        Results that such an event already has are in the ledger: whoever reads it again
        sends only what is missing. Events behind it were decided as if it had been sent (one may
        be its duplicate): those of other partitions are given back.
        """

        def goes(work: Work) -> bool:
            return not work.busy and (partitions is None or work.partition in partitions)

        with self._changed:
            cut: list[Work] = []
            for atom, lane in list(self._lanes.items()):
                place = next((n for n, work in enumerate(lane) if goes(work)), None)
                if place is not None:
                    cut.extend(self._cut(atom, place))
            out = [*cut, *self._returned]
            self._returned = [work for work in out if not goes(work)]
            if cut:
                self._forget_sends(cut)
                self._changed.notify_all()
            return [work for work in out if goes(work)]

    def last(self, atom: str) -> Work | None:
        """The newest event in the atom's lane."""
        with self._changed:
            lane = self._lanes.get(atom)
            return lane[-1] if lane else None

    def wait_quiet(
        self, timeout_seconds: float, partitions: Collection[TopicPartition] | None = None
    ) -> bool:
        """Wait until nothing (of these partitions) is left; False when time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._any_left(partitions), timeout_seconds)

    def close(self) -> None:
        """Send nothing more: senders that wait come back with None."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def idle(self, atom: str) -> bool:
        """Nothing of the atom is left here."""
        with self._changed:
            return atom not in self._lanes

    # -- below: the lock is held ------------------------------------------------------------

    def _activate(self, work: Work) -> None:
        if not work.prepared.sends:
            work.busy += 1
            self._to_tracker(work)
            return
        for send in work.prepared.sends:
            self._push_ready(Sending(work, send))

    def _push_ready(self, sending: Sending, *, first: bool = False) -> None:
        queue = self._ready.setdefault(sending.work.event.tenant_id, deque())
        if first:
            queue.appendleft(sending)
        else:
            queue.append(sending)

    def _pop_ready(self) -> Sending:
        tenant, queue = self._ready.popitem(last=False)
        sending = queue.popleft()
        if queue:
            self._ready[tenant] = queue
        sending.work.busy += 1
        self.in_flight += 1
        return sending

    def _wake_delayed(self, now: float) -> None:
        while self._delayed and self._delayed[0][0] <= now:
            self._push_ready(heapq.heappop(self._delayed)[2])

    def _hurry(self, heads: Collection[Work]) -> None:
        """Newer events came behind these: what waits to be tried again need not wait to learn it.

        A first attempt is not superseded, so it keeps its time (it waits at a closed gate).
        """
        late = {id(head) for head in heads if self._overtaken(head)}
        if not late:
            return
        now = self._clock.monotonic()
        self._delayed = [
            (min(due, now) if sending.attempt > 1 and id(sending.work) in late else due, n, sending)
            for due, n, sending in self._delayed
        ]
        heapq.heapify(self._delayed)

    def _overtaken(self, work: Work) -> bool:
        lane = self._lanes.get(work.atom, ())
        return any(
            other.prepared.locked.advances and other.event.state is not work.event.state
            for other in lane
            if other is not work
        )

    def _remove_head(self, work: Work) -> None:
        lane = self._lanes[work.atom]
        assert lane[0] is work
        lane.popleft()
        self._count_out(work)
        if lane:
            self._activate(lane[0])
        else:
            del self._lanes[work.atom]

    def _cut(self, atom: str, place: int) -> list[Work]:
        """Take out all events of a lane from a place on. Only the first of a lane is ever busy."""
        lane = self._lanes.pop(atom)
        stay, out = list(lane)[:place], list(lane)[place:]
        if stay:
            self._lanes[atom] = deque(stay)
        for work in out:
            self._count_out(work)
        return out

    def _forget_sends(self, gone: list[Work]) -> None:
        works = set(map(id, gone))
        for tenant, queue in list(self._ready.items()):
            left = deque(s for s in queue if id(s.work) not in works)
            if left:
                self._ready[tenant] = left
            else:
                del self._ready[tenant]
        self._delayed = [entry for entry in self._delayed if id(entry[2].work) not in works]
        heapq.heapify(self._delayed)

    def _count_out(self, work: Work) -> None:
        self.events -= 1
        self.bytes -= work.size

    def _any_left(self, partitions: Collection[TopicPartition] | None) -> bool:
        if partitions is None:
            return bool(self._lanes)
        return any(w.partition in partitions for lane in self._lanes.values() for w in lane)

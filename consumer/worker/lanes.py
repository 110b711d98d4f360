"""Lanes: one per atom. Events of an atom go one after the other; atoms go side by side.

Free senders take what waits, one tenant after the other, so that a storm of one tenant does
not make another's single alarm wait. All events go through their lane, also those without a
send, so that what the ledger says of an atom moves in event order.
"""

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from consumer.domain.alarm import State
from consumer.ports import Clock
from consumer.worker.offsets import TopicPartition
from consumer.worker.turns import Company, Solitude
from consumer.worker.waiting import Waiting
from consumer.worker.work import Sending, Work


class Lanes:
    """All lanes of one process. Thread-safe."""

    def __init__(
        self, clock: Clock, to_tracker: Callable[[Work], None], company: Company | None = None
    ) -> None:
        """`company` says which sends may go in one call; without, none."""
        self._clock = clock
        #: Called with each event that has nothing to send, when its turn has come.
        self._to_tracker = to_tracker
        self._lock = threading.Lock()
        self._lanes: dict[str, deque[Work]] = {}
        self._to_send = Waiting(self._lock, company or Solitude())
        #: In doubt: nothing more is sent, nor anything behind it, until they are looked up.
        self._to_look_up = Waiting(self._lock, Solitude())
        self._calmer = threading.Condition(self._lock)
        self._returned: list[Work] = []
        self._closed = False
        self.events = 0
        self.bytes = 0
        self.in_flight = 0

    def add(self, works: Sequence[Work]) -> None:
        """Put events at the end of their lanes."""
        with self._lock:
            given_back = {work.atom for work in self._returned}
            heads: dict[int, Work] = {}
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
                    heads[id(lane[0])] = lane[0]
            self._hurry(heads.values())

    def take(self, timeout_seconds: float) -> Sequence[Sending]:
        """The next send, and what may go in one call with it; nothing when none came in time or
        the lanes are closed."""
        return self._take(self._to_send, timeout_seconds)

    def take_doubt(self, timeout_seconds: float) -> Sending | None:
        """The next send whose outcome is to be looked up."""
        taken = self._take(self._to_look_up, timeout_seconds)
        return taken[0] if taken else None

    def landed(self, sends: int = 1) -> None:
        """A thread is through with some sends; the tracker has them now, or they wait again."""
        with self._lock:
            self.in_flight -= sends

    def retry(self, sending: Sending, delay_seconds: float) -> None:
        """Another attempt after a while, or at once when a newer event waits behind it."""
        with self._lock:
            if sending.attempt > 1 and self._newer(sending.work):
                delay_seconds = 0
            self._wait(self._to_send, sending, delay_seconds)

    def doubt(self, sending: Sending, delay_seconds: float) -> None:
        """Look up after a while what became of it."""
        with self._lock:
            self._wait(self._to_look_up, sending, delay_seconds)

    def put_back(self, sendings: Sequence[Sending]) -> None:
        """A sender took them and did not touch them (no lock at the moment, or stopping)."""
        with self._lock:
            self.in_flight -= len(sendings)
            for sending in reversed(sendings):
                sending.work.busy -= 1
                self._to_send.push(sending, first=True)
            self._calmer.notify_all()

    def wake(self) -> None:
        """A way is open again: what waits for its next attempt need wait no longer."""
        with self._lock:
            self._to_send.hurry(lambda _: True, self._clock.monotonic())

    def wake_doubts(self) -> None:
        """A provider answers again: what waits to be looked up need wait no longer."""
        with self._lock:
            self._to_look_up.hurry(lambda _: True, self._clock.monotonic())

    def newer_states(self, work: Work) -> Collection[State]:
        """The states of newer events that wait behind it and differ from its own: the alarm has
        moved on."""
        with self._lock:
            return self._newer(work)

    @property
    def waiting(self) -> int:
        """Sends that wait for a sender, or for their time."""
        with self._lock:
            return len(self._to_send)

    @property
    def doubts(self) -> int:
        """Sends in doubt that wait to be looked up."""
        with self._lock:
            return len(self._to_look_up)

    def sends_ended(self, ends: Iterable[tuple[Work, bool]]) -> list[Work]:
        """Of these events a send each is final, or refused (True); returns those of which it was
        the last one missing."""
        with self._lock:
            return [work for work, refused in ends if work.send_ended(refused=refused)]

    def finish(self, works: Sequence[Work]) -> None:
        """These events have ended: the next ones of their lanes may go."""
        with self._lock:
            for work in works:
                self._remove_head(work)
            self._calmer.notify_all()

    def surrender(self, work: Work) -> None:
        """The atom is no longer ours: its lane's events go back to be locked anew."""
        with self._lock:
            # In front: what was given back before had been behind it.
            self._returned[:0] = self._cut(work.atom, 0)
            work.busy -= 1
            self._calmer.notify_all()

    def returned(self) -> list[Work]:
        """The events given back since the last call, in order: to be locked anew."""
        with self._lock:
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

        with self._lock:
            cut: list[Work] = []
            for atom, lane in list(self._lanes.items()):
                place = next((n for n, work in enumerate(lane) if goes(work)), None)
                if place is not None:
                    cut.extend(self._cut(atom, place))
            out = [*cut, *self._returned]
            self._returned = [work for work in out if not goes(work)]
            if cut:
                self._to_send.forget(cut)
                self._to_look_up.forget(cut)
                self._calmer.notify_all()
            return [work for work in out if goes(work)]

    def on_their_way(self, atoms: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Ids of the events in these lanes, which the ledger does not know to have ended.

        Dead letters are not among them: nobody is told, and what is redriven is as good as new.
        """
        with self._lock:
            return {
                atom: frozenset(work.event.id for work in lane if not work.prepared.dead_letter)
                for atom in atoms
                if (lane := self._lanes.get(atom))
            }

    def last(self, atom: str) -> Work | None:
        """The newest event in the atom's lane."""
        with self._lock:
            lane = self._lanes.get(atom)
            return lane[-1] if lane else None

    def wait_quiet(
        self, timeout_seconds: float, partitions: Collection[TopicPartition] | None = None
    ) -> bool:
        """Wait until nothing (of these partitions) is left; False when time ran out."""
        with self._lock:
            return self._calmer.wait_for(lambda: not self._any_left(partitions), timeout_seconds)

    def close(self) -> None:
        """Send nothing more: threads that wait come back with nothing."""
        with self._lock:
            self._closed = True
            self._to_send.wake_all()
            self._to_look_up.wake_all()

    def atoms(self) -> frozenset[str]:
        """Those of which something is left here."""
        with self._lock:
            return frozenset(self._lanes)

    # -- below: the lock is held ------------------------------------------------------------

    def _take(self, waiting: Waiting, timeout_seconds: float) -> Sequence[Sending]:
        deadline = self._clock.monotonic() + timeout_seconds
        with self._lock:
            while not self._closed:
                now = self._clock.monotonic()
                sendings = waiting.pop(now)
                if sendings:
                    for sending in sendings:
                        sending.work.busy += 1
                    self.in_flight += len(sendings)
                    return sendings
                if now >= deadline:
                    return []
                waiting.wait(max(0.001, min(deadline, waiting.due()) - now))
            return []

    def _wait(self, waiting: Waiting, sending: Sending, delay_seconds: float) -> None:
        sending.work.busy -= 1
        waiting.delay(sending, self._clock.monotonic() + delay_seconds)
        self._calmer.notify_all()

    def _activate(self, work: Work) -> None:
        if not work.prepared.sends:
            work.busy += 1
            self._to_tracker(work)
            return
        for send in work.prepared.sends:
            sending = Sending(work, send)
            (self._to_send if sending.doubt is None else self._to_look_up).push(sending)

    def _hurry(self, heads: Collection[Work]) -> None:
        """Newer events came behind these: what waits to be tried again, or looked up, need not
        wait to learn it.

        A first attempt is not superseded, so it keeps its time (it waits at a closed gate).
        """
        if not (len(self._to_send) or len(self._to_look_up)):
            return
        late = {id(head) for head in heads if self._newer(head)}
        if late:
            now = self._clock.monotonic()
            self._to_send.hurry(lambda s: s.attempt > 1 and id(s.work) in late, now)
            self._to_look_up.hurry(lambda s: id(s.work) in late, now)

    def _newer(self, work: Work) -> Collection[State]:
        return {
            other.event.state
            for other in self._lanes.get(work.atom, ())
            if other is not work
            and other.prepared.locked.advances
            and not other.prepared.dead_letter
            and other.event.state is not work.event.state
        }

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

    def _count_out(self, work: Work) -> None:
        self.events -= 1
        self.bytes -= work.size

    def _any_left(self, partitions: Collection[TopicPartition] | None) -> bool:
        works = (work for lane in self._lanes.values() for work in lane)
        return any(partitions is None or work.partition in partitions for work in works)

"""Lanes under whatever order of events: one event of an atom at work, in order, none lost."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consumer.worker.doubts import Doubt
from consumer.worker.lanes import Lanes
from consumer.worker.turns import Room
from consumer.worker.work import Sending, Work
from tests.support.clock import ManualClock
from tests.support.worker import FIRST, SECOND, work

ALARMS = st.sampled_from("abc")
PARTITIONS = st.sampled_from([FIRST, SECOND])


class Together:
    """What goes first of an event goes in one call, three at the most."""

    def company(self, sending: Sending) -> bool | None:
        return sending.attempt == 1 or None

    def room(self, _sending: Sending) -> Room:
        return Room(3, 1_000_000)


class LanesMachine(RuleBasedStateMachine):
    """Each event in `alive` is in the lanes or given back; each send is somewhere exactly once."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.tracked: list[Work] = []
        self.lanes = Lanes(self.clock, self.tracked.append, Together())
        self.taken: list[Sending] = []
        self.alive: defaultdict[str, list[Work]] = defaultdict(list)
        self.given_back: list[Work] = []
        self.ended: Counter[str] = Counter()
        self.number = 0

    @rule(alarm=ALARMS, sends=st.integers(0, 2), partition=PARTITIONS)
    def add(self, alarm: str, sends: int, partition: tuple[str, int]) -> None:
        self.number += 1
        new = work(
            f"e{self.number}",
            alarm,
            sends=sends,
            at=(partition, self.number),
            tenant_id=f"t-{alarm}",
            advances=self.number % 3 > 0,
        )
        self.alive[new.atom].append(new)
        self.lanes.add([new])
        if any(w.atom == new.atom for w in self.given_back):
            # It follows its lane.
            self.given_back.append(new)

    @rule()
    def take(self) -> None:
        sendings = self.lanes.take(0)
        assert len({sending.send.email.to for sending in sendings}) == len(sendings) <= 3
        for sending in sendings:
            assert sending not in self.taken
            assert sending.work is self.first_in_lane(sending.work.atom)
            self.taken.append(sending)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        sending = self.some(data)
        sending.doubt = None
        self.lanes.put_back([sending])

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), seconds=st.integers(0, 60))
    def defer(self, data: st.DataObject, seconds: int) -> None:
        sending = self.some(data)
        sending.attempt += 1
        sending.doubt = None
        self.lanes.landed()
        self.lanes.retry(sending, seconds)

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), seconds=st.integers(0, 60))
    def doubt(self, data: st.DataObject, seconds: int) -> None:
        sending = self.some(data)
        sending.doubt = sending.doubt or Doubt(
            since=self.clock.now(), first_sent=self.clock.now(), transport="mailgun"
        )
        self.lanes.landed()
        self.lanes.doubt(sending, seconds)

    @rule()
    def take_doubt(self) -> None:
        sending = self.lanes.take_doubt(0)
        if sending is not None:
            assert sending.doubt is not None
            assert sending not in self.taken
            assert sending.work is self.first_in_lane(sending.work.atom)
            self.taken.append(sending)

    @rule()
    def wake(self) -> None:
        self.lanes.wake()

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), refused=st.booleans())
    def end(self, data: st.DataObject, refused: bool) -> None:
        sending = self.some(data)
        self.lanes.landed()
        self.ended[sending.send.notification.uid] += not refused
        if self.lanes.sends_ended([(sending.work, refused)]):
            if sending.work.refused:
                self.surrender(sending.work)
            else:
                self.finish(sending.work)

    @precondition(lambda self: self.tracked)
    @rule()
    def end_without_a_send(self) -> None:
        self.finish(self.tracked.pop(0))

    @rule(seconds=st.integers(1, 60))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(partitions=st.one_of(st.none(), PARTITIONS.map(lambda p: [p])))
    def drop(self, partitions: list[tuple[str, int]] | None) -> None:
        for gone in self.lanes.drop_waiting(partitions):
            assert not gone.busy
            self.alive[gone.atom].remove(gone)
        back = [w for works in self.alive.values() for w in works if self.out_of_lane(w)]
        self.given_back = sorted(back, key=lambda w: w.record.offset)

    @rule()
    def lock_anew(self) -> None:
        """The poll thread takes what was given back, and prepares it as new events."""
        works = self.lanes.returned()
        assert sorted(works, key=id) == sorted(self.given_back, key=id)
        self.given_back = []
        for atom in {w.atom for w in works}:
            offsets = [w.record.offset for w in works if w.atom == atom]
            assert offsets == sorted(offsets), "given back out of order"
        for old in works:
            new = Work(old.prepared, old.record, old.ticket, "worker-1")
            place = self.alive[old.atom].index(old)
            self.alive[old.atom][place] = new
            for one in old.prepared.sends:
                self.ended.pop(one.notification.uid, None)
            self.lanes.add([new])

    def first_in_lane(self, atom: str) -> Work:
        return next(w for w in self.alive[atom] if w not in self.given_back)

    def out_of_lane(self, each: Work) -> bool:
        """Looked up where it matters: in the lanes themselves."""
        return each not in self.lanes._lanes.get(each.atom, ())

    def some(self, data: st.DataObject) -> Sending:
        return self.taken.pop(data.draw(st.integers(0, len(self.taken) - 1)))

    def finish(self, done: Work) -> None:
        assert all(self.ended[s.notification.uid] == 1 for s in done.prepared.sends)
        assert done is self.alive[done.atom].pop(0), "finished out of order"
        self.lanes.finish([done])

    def surrender(self, lost: Work) -> None:
        self.lanes.surrender(lost)
        self.given_back = list(self.lanes._returned)

    @invariant()
    def one_event_of_an_atom_is_at_work(self) -> None:
        at_work = {(s.work.atom, s.work.event.id) for s in self.taken}
        at_work |= {(w.atom, w.event.id) for w in self.tracked}
        assert len(at_work) == len({atom for atom, _ in at_work})

    @invariant()
    def counts_are_what_is_there(self) -> None:
        inside = [w for works in self.alive.values() for w in works if w not in self.given_back]
        assert self.lanes.events == len(inside)
        assert self.lanes.bytes == sum(w.size for w in inside)
        assert self.lanes.in_flight == len(self.taken)
        assert self.lanes.wait_quiet(0) == (not inside)

    @invariant()
    def every_open_send_of_a_first_event_is_somewhere_once(self) -> None:
        waiting = [s for queue in self.desks() for s in queue]
        places = Counter(s.send.notification.uid for s in (*waiting, *self.taken))
        assert not [uid for uid, times in places.items() if times > 1]
        heads = [lane[0] for lane in self.lanes._lanes.values()]
        open_sends = Counter({h.event.id: h.open_sends for h in heads if h.prepared.sends})
        assert Counter(uid.split("/")[0] for uid in places) == +open_sends

    def desks(self) -> Iterator[Iterable[Sending]]:
        for desk in (self.lanes._to_send, self.lanes._to_look_up):
            yield desk._ready
            yield (sending for _, _, sending in desk._delayed)
            assert len(desk._ready) == len(list(desk._ready))

    def teardown(self) -> None:
        """Whatever happened: all that is left can be brought to its end."""
        while self.alive_count():
            self.clock.advance(60)
            self.lock_anew()
            while sendings := self.lanes.take(0):
                self.taken += sendings
            while (sending := self.lanes.take_doubt(0)) is not None:
                self.taken.append(sending)
            while self.taken:
                sending = self.taken.pop()
                self.lanes.landed()
                self.ended[sending.send.notification.uid] += 1
                if self.lanes.sends_ended([(sending.work, False)]):
                    (self.surrender if sending.work.refused else self.finish)(sending.work)
            while self.tracked:
                self.finish(self.tracked.pop(0))
        assert (self.lanes.events, self.lanes.bytes, self.lanes.in_flight) == (0, 0, 0)

    def alive_count(self) -> int:
        return sum(map(len, self.alive.values()))


TestLanesMachine = LanesMachine.TestCase

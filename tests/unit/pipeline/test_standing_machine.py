"""One alarm of a source that repeats, through crashes and re-reading: each change is told once.

The sender writes a message now and then: the alarm fires or is over, since any time in the past, so
that ids and times come back. The messages are on two topics, one a mirror of the other. A process
reads on, reads again what it had, and dies between any two steps.
"""

from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consumer.adapters.ledger.closing import moved_on
from consumer.adapters.ledger.locks import AtomRow
from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.lasting import again_id, lasting
from consumer.domain.ledger import AtomState, Claims, Closing, DeliveryRow, DeliveryState, EventRow
from consumer.domain.reasons import Kind
from consumer.pipeline.lock import Locked, LockRules, Progress, lock
from tests.support.factories import make_event

RULES = LockRules(repeating_sources=frozenset({"alertmanager"}))
BEGIN = 1_392_138_733_810
ATOM = make_event().atom
Told = tuple[State, int]


def message(state: State, since: int, at: int) -> AlarmEvent:
    return make_event(
        id=f"{state} since {since}",
        source="alertmanager",
        state=state,
        previous_state=None,
        timestamp=BEGIN + since,
        produced_at=BEGIN + at,
        attributes=lasting(),
    )


def said(event: AlarmEvent) -> Told:
    return event.state, event.produced_at or 0


def changes(messages: list[AlarmEvent]) -> list[Told]:
    """What is to be told of the messages: each that says something else than the one before."""
    told: list[Told] = []
    before = State.OK
    for each in messages:
        if each.state is not before:
            told.append(said(each))
        before = each.state
    return told


class Consumer:
    """The lock, a lane and a ledger; an email is sent when its event comes to the lane's end."""

    def __init__(self) -> None:
        self.mails: list[Told] = []
        self._ended: dict[str, EventRow] = {}
        self._begun: dict[str, DeliveryRow] = {}
        self._row = AtomRow(atom=ATOM, fence=1)
        #: What is on its way, with where it was read; and how far the process knows the alarm.
        self.lane: list[tuple[Locked, Told, tuple[int, int]]] = []
        self._progress: Progress | None = None

    def read(self, event: AlarmEvent, place: tuple[int, int]) -> None:
        asked = {event.id, again_id(event)}
        claims = Claims(
            won={ATOM: self._standing()},
            held={},
            events={id_: row for id_, row in self._ended.items() if id_ in asked},
            deliveries={
                id_: row
                for id_, row in self._begun.items()
                if id_ in asked and id_ not in self._ended
            },
        )
        mine = {} if self._progress is None else {ATOM: self._progress}
        ids = frozenset(locked.event.id for locked, _, _ in self.lane)
        (locked,) = lock([event], claims, mine, {ATOM: ids}, RULES, BEGIN + 10**6)
        assert isinstance(locked, Locked)
        self._progress = locked.progress
        self.lane.append((locked, said(event), place))

    def _standing(self) -> AtomState:
        row = self._row
        return AtomState(
            atom=ATOM,
            fence=1,
            last_event_id=row.last_event_id,
            last_state=row.last_state,
            last_timestamp_ms=row.last_timestamp_ms,
        )

    def send(self, locked: Locked, told: Told) -> None:
        """What may have been sent before is looked up, and found."""
        id_ = locked.event.id
        if locked.ending is None and id_ not in self._begun:
            self.mails.append(told)
            self._begun[id_] = delivery(id_)

    def work_off(self) -> None:
        """The first event of the lane is sent and ends."""
        locked, told, _ = self.lane.pop(0)
        self.send(locked, told)
        outcome = Kind.ACCEPTED if locked.ending is None else locked.ending.kind
        closing = Closing(
            event_id=locked.event.id,
            atom=ATOM,
            outcome=outcome,
            timestamp_ms=locked.timestamp_ms,
            state=locked.event.state,
            advances=locked.advances,
            last_event_id=locked.progress.last_event_id,
        )
        new = {closing.event_id} - self._ended.keys()
        self._row = moved_on(self._row, [closing], new)
        if new:
            self._ended[closing.event_id] = EventRow(
                id=closing.event_id,
                atom=ATOM,
                outcome=outcome,
                timestamp_ms=closing.timestamp_ms,
                state=closing.state,
                closed_at=0.0,
            )

    def die(self) -> None:
        self.lane, self._progress = [], None


def delivery(event_id: str) -> DeliveryRow:
    return DeliveryRow(
        uid=event_id,
        event_id=event_id,
        atom=ATOM,
        target_id="nt",
        type="email",
        destination="a@example.com",
        message_id="m",
        transport="mailgun",
        state=DeliveryState.SENDING,
        attempt=1,
        owner="o",
        fence=1,
    )


class Repeated(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.consumer = Consumer()
        self.messages: list[AlarmEvent] = []
        self.positions = [0, 0]
        self.now = 0

    @rule(
        state=st.sampled_from([State.OK, State.CRITICAL]),
        ago=st.integers(0, 12),
        pause=st.integers(1, 4),
    )
    def say(self, state: State, ago: int, pause: int) -> None:
        self.now += pause
        self.messages.append(message(state, self.now - ago, self.now))

    @precondition(lambda self: self.messages)
    @rule(back=st.integers(1, 6), pause=st.integers(1, 4))
    def say_as_before(self, back: int, pause: int) -> None:
        """A repeat, a refire, or an end like the one before."""
        old = self.messages[-min(back, len(self.messages))]
        self.now += pause
        self.messages.append(message(old.state, old.timestamp - BEGIN, self.now))

    @rule(topic=st.integers(0, 1), most=st.integers(1, 5))
    def read(self, topic: int, most: int) -> None:
        begin = self.positions[topic]
        for offset, event in list(enumerate(self.messages))[begin : begin + most]:
            self.consumer.read(event, (topic, offset))
            self.positions[topic] = offset + 1

    @rule(topic=st.integers(0, 1), back=st.integers(1, 12))
    def read_again(self, topic: int, back: int) -> None:
        self.positions[topic] = max(0, self.positions[topic] - back)

    @precondition(lambda self: self.consumer.lane)
    @rule()
    def work_off(self) -> None:
        self.consumer.work_off()

    @rule(is_sending=st.booleans())
    def die(self, is_sending: bool) -> None:
        """Perhaps after an email was sent and before its event ended. The next process reads from
        what had not ended."""
        lane = self.consumer.lane
        if is_sending and lane:
            self.consumer.send(lane[0][0], lane[0][1])
        for _, _, (topic, offset) in lane:
            self.positions[topic] = min(self.positions[topic], offset)
        self.consumer.die()

    @invariant()
    def nothing_is_told_twice_or_out_of_order(self) -> None:
        mails = self.consumer.mails
        assert mails == changes(self.messages)[: len(mails)]

    def teardown(self) -> None:
        for topic in (0, 1):
            self.read(topic, len(self.messages))
        while self.consumer.lane:
            self.consumer.work_off()
        assert self.consumer.mails == changes(self.messages)


TestRepeated = Repeated.TestCase
TestRepeated.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(
    st.lists(
        st.tuples(st.sampled_from([State.OK, State.CRITICAL]), st.integers(0, 12), st.booleans()),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_one_alarm_in_two_partitions_ends_as_it_was_said_last(
    told: list[tuple[State, int, bool]], chance: Random
) -> None:
    """Read in any order of the two, some changes may be missed; never the last one."""
    messages = [message(state, at - ago, at) for at, (state, ago, _) in enumerate(told)]
    waiting = [
        [each for each, (_, _, first) in zip(messages, told, strict=True) if first is part]
        for part in (True, False)
    ]
    consumer = Consumer()
    while any(waiting):
        part = chance.choice([part for part in waiting if part])
        consumer.read(part.pop(0), (0, 0))
        if chance.random() < 0.5:
            consumer.work_off()
    while consumer.lane:
        consumer.work_off()
    states = [State.OK, *(state for state, _ in consumer.mails)]
    times = [at for _, at in consumer.mails]
    assert states[-1] is messages[-1].state
    assert all(one is not other for one, other in pairwise(states))
    assert times == sorted(set(times))

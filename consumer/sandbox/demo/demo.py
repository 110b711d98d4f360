"""The demo's course: start, feed, wait until all is done, count, show."""

import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from consumer import wire
from consumer.adapters.kafka.sink import KafkaSink
from consumer.adapters.kafka.topics import TopicAdmin, read_topic
from consumer.domain.errors import BrokerUnavailable, InvalidMessage
from consumer.ports import Clock
from consumer.sandbox.demo.parts import DEAD_LETTERS, EVENTS, PARTITIONS, TRACKING, Parts
from consumer.sandbox.demo.report import Report, make_report
from consumer.sandbox.traffic import generate
from consumer.tracing import Trace

#: Seconds to wait for the group to form, and for the last event to be done.
_GROUP_LIMIT, _DONE_LIMIT = 60.0, 120.0
#: Told as things move on: a step's name, how far it is, how far it goes.
Tell = Callable[[str, int, int], None]


class DemoPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo does."""

    events: int = 400
    seed: int = 1
    consumers: int = 2
    #: Events fed in a second.
    rate: float = 60.0
    inbox_port: int = 8025


class DemoResult(msgspec.Struct, frozen=True, kw_only=True):
    report: Report
    inbox: str
    #: What became of one email's event, for `messenger trace` to show.
    traces: Sequence[Trace]


def run_demo(
    plan: DemoPlan,
    clock: Clock,
    tell: Tell,
    show: Callable[[DemoResult], None],
    linger: Callable[[Parts], None] | None = None,
) -> None:
    """Run it and `show` the result; `linger` is called before everything is stopped again.

    Raises BrokerUnavailable or SettingsError when a part does not start.
    """
    with (
        tempfile.TemporaryDirectory(prefix="messenger-demo-") as folder,
        Parts(Path(folder), plan.inbox_port) as parts,
    ):
        tell("starting the embedded broker", 0, 1)
        parts.start_broker()
        tell("starting the fake Mailgun", 0, 1)
        parts.start_mailgun()
        parts.write_files()
        for number in range(1, plan.consumers + 1):
            parts.start_consumer(f"consumer-{number}")
        _wait_for_group(parts, clock, tell)
        produced = _feed(parts, plan, clock, tell)
        _wait_until_done(parts, produced, clock, tell)
        show(_result(parts))
        if linger is not None:
            linger(parts)


def _wait_for_group(parts: Parts, clock: Clock, tell: Tell) -> None:
    """All partitions have a consumer. Feeding before would only measure the group's forming."""
    deadline = clock.monotonic() + _GROUP_LIMIT
    while (assigned := parts.partitions_assigned()) < PARTITIONS:
        tell("two consumers share the partitions", assigned, PARTITIONS)
        if clock.monotonic() > deadline:
            raise BrokerUnavailable(f"the consumers did not start; see {parts.folder}/*.log")
        clock.wait(0.1)


def _feed(parts: Parts, plan: DemoPlan, clock: Clock, tell: Tell) -> int:
    """Events at a steady rate, as they happen."""
    sink = KafkaSink(parts.kafka)
    taken = threading.Semaphore(0)
    produced = 0
    try:
        started = clock.monotonic()
        step_ms = int(1000 / plan.rate)
        for record in generate(plan.events, plan.seed, int(clock.now() * 1000), step_ms):
            ahead = produced / plan.rate - (clock.monotonic() - started)
            if ahead > 0:
                clock.wait(ahead)
            sink.send(EVENTS, record.key, record.value, (), lambda _: taken.release())
            produced += 1
            tell("feeding alarm-state events", produced, plan.events)
        sink.flush(30.0)
        for _ in range(produced):
            taken.acquire(timeout=30.0)
    finally:
        sink.close(5.0)
    return produced


def _wait_until_done(parts: Parts, produced: int, clock: Clock, tell: Tell) -> None:
    """The group has committed all that was fed."""
    deadline = clock.monotonic() + _DONE_LIMIT
    with TopicAdmin(parts.kafka) as admin:
        while True:
            # Not the lag: Tansu's end offsets are now and then one behind its own records.
            done = sum(state.done for state in admin.describe([EVENTS]))
            tell("sending emails", done, produced)
            if done >= produced:
                return
            if clock.monotonic() > deadline:
                raise BrokerUnavailable(
                    f"{produced - done} events are still not done; see {parts.folder}/*.log"
                )
            clock.wait(0.25)


def _result(parts: Parts) -> DemoResult:
    # A client's first fetch from the embedded broker is slow: so all at the same time.
    with ThreadPoolExecutor(max_workers=3) as readers:
        events, told, dead_letters = readers.map(
            lambda topic: list(read_topic(parts.kafka, topic)), (EVENTS, TRACKING, DEAD_LETTERS)
        )
    produced_at = {(record.partition, record.offset): record.timestamp for record in events}
    tracking = []
    for record in told:
        try:
            tracking.append(wire.decode_tracking(record.value))
        except InvalidMessage:
            continue
    report = make_report(produced_at, tracking, len(dead_letters))
    shown = None if report.example is None else report.example.event.id
    return DemoResult(
        report=report,
        inbox=parts.mailgun.url,
        traces=() if shown is None else parts.traces(shown, told),
    )

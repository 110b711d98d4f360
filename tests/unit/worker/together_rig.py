"""Senders whose work a test does itself, turn by turn, and a transport that takes many at once."""

from collections.abc import Callable, Hashable, Sequence

from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.telemetry.metrics import Metrics
from consumer.worker.calling import Caller
from consumer.worker.lanes import Lanes
from consumer.worker.lease import Lease
from consumer.worker.marking import Marking
from consumer.worker.senders import Senders
from consumer.worker.settling import Settling
from consumer.worker.ways import Ways
from consumer.worker.work import Landed, Work
from tests.support.clock import ManualClock
from tests.support.worker import CRITICAL, OWNER, result, work
from tests.support.worker_ledger import MemoryLedger

LEASE = 30.0
REFUSED = result(Kind.DEFERRED, reason=Reason.BATCH_REFUSED)
BAD = result(Kind.FAILED, reason=Reason.PROVIDER_REJECTED)


class BatchTransport:
    """Takes everything, but for addresses that are bad; lowers its limit when it is told to."""

    name = "mailgun"

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.bad: set[str] = set()
        self.batch_limit = 1000
        self.batch_bytes = 1_000_000
        self.largest = 1000
        self.before: Callable[[Sequence[Email]], None] = lambda _: None
        self.answer = result(provider_id="<p1>")

    def together(self, email: Email, options: SendOptions) -> Hashable | None:
        return email.sender

    def send(self, email: Email, options: SendOptions) -> SendResult:
        self.calls.append([email.uid])
        self.before([email])
        return BAD if email.to in self.bad else self.answer

    def send_batch(self, emails: Sequence[Email], options: SendOptions) -> Sequence[SendResult]:
        self.calls.append([email.uid for email in emails])
        self.before(emails)
        if len(emails) > self.largest:
            self.batch_limit = self.largest
            return [REFUSED] * len(emails)
        refused = any(email.to in self.bad for email in emails)
        return [REFUSED if refused else self.answer] * len(emails)

    def opens_in(self) -> float:
        return 0.0

    def close(self) -> None: ...


class Rig:
    """The senders' work, done by the test's own thread."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.ledger = MemoryLedger()
        self.transport = BatchTransport()
        self.landed: list[Landed] = []
        self.lease = Lease(self.ledger, OWNER, self.clock, LEASE, lambda _ok, _why: None)
        self.lease._beat()
        self.ways = Ways(
            {"mailgun": self.transport}, clock=self.clock, failures=2, probe_seconds=1.0
        )
        self.trust()
        self.lanes = Lanes(self.clock, lambda _: None, self.ways)
        self.senders = Senders(
            count=0,
            lanes=self.lanes,
            ways=self.ways,
            marking=Marking(self.ledger, OWNER, self.lease, self.clock),
            caller=Caller(self.ways, self.lease, self.clock, Metrics(), self.landed.append),
            settling=Settling(self.ledger, OWNER, self.clock),
            clock=self.clock,
            max_age_seconds={CRITICAL: 3600.0},
            to_tracker=self.landed.append,
        )

    def trust(self) -> None:
        """The provider has answered well just now."""
        trust = self.ways._trust["mailgun"]
        trust.end(trust.begin(), 500, result())

    def add(self, works: Sequence[Work], held_by: str = OWNER) -> None:
        self.ledger.take(held_by, *{w.atom for w in works})
        self.lanes.add(works)

    def storm(self, count: int, age: float = 0.0) -> list[str]:
        """One event of one alarm with as many destinations; their uids."""
        now = int((self.clock.now() - age) * 1000)
        self.add([work(f"s{age:.0f}", f"storm-{age:.0f}", sends=count, timestamp=now)])
        return [f"s{age:.0f}/{number}" for number in range(count)]

    def turn(self) -> None:
        """One turn of one sender."""
        sendings = self.senders._worth_sending(self.lanes.take(0))
        if sendings:
            self.senders._send(sendings)

    def turns(self) -> None:
        """Until nothing waits."""
        while self.lanes.waiting:
            self.turn()

    def told(self) -> dict[str, Kind | None]:
        return {
            each.sending.send.notification.uid: each.result.kind if each.result else None
            for each in self.landed
        }

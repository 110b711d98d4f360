"""A process whose dependencies go away one after the other, while events flow."""

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from consumer.domain.reasons import Kind
from consumer.sandbox.traffic import TrafficRecord
from tests.support.fleet import Fleet
from tests.support.kafka import until
from tests.support.load import assert_in_order, by_event, decoded, load
from tests.support.proxy import TcpProxy

NAME = "one"
#: Alarms, each of which has one event in each round.
ALARMS = 60
SENDERS = 8

#: How a dependency can be away, in the order in which a test goes through it.
OUTAGES: dict[str, Callable[[TcpProxy], None]] = {
    "stopped": lambda proxy: proxy.refuse(),
    "slow": lambda proxy: proxy.slow(2.0),
    "half-open": lambda proxy: proxy.half_open(),
}
#: The time limits of all calls, short, so that the tests are.
QUICK: dict[str, object] = {
    "delivery.senders": SENDERS,
    "mailgun.connect_timeout_seconds": 1,
    "mailgun.read_timeout_seconds": 1,
    "delivery.breaker_probe_seconds": 0.5,
}


def assert_once(counted: Counter[str], wanted: Iterable[str]) -> None:
    """Each is there, once."""
    others = {name: counted[name] for name in {*counted, *wanted} if counted[name] != 1}
    assert not others, f"there so many times: {others}"


class Outage(Fleet):
    """One process; rounds of events are fed, and what it says of itself is looked at."""

    def override(self, name: str, value: object) -> None:
        """A setting that is known only now, such as a proxy's address."""
        self._overrides[f"MESSENGER_{name.upper().replace('.', '__')}"] = str(value)

    def begin(self, rounds: int) -> None:
        """Start, and send the first of so many rounds as all is well."""
        self._all = load(rounds * ALARMS, atoms=ALARMS)
        self._fed = self._outages = 0
        self.start(NAME)
        self._pid = self.pid(NAME)
        self.until_logged(NAME, "partitions.assigned")
        self.next_events()
        self.until_all_accepted()
        until(lambda: self.readiness()["ready"], "a process that is ready")

    def next_events(self, number: int = ALARMS) -> None:
        """By default one more event of each alarm."""
        self.feed(self._all[self._fed : self._fed + number])
        self._fed += number

    @property
    def records(self) -> list[TrafficRecord]:
        """All that was fed so far."""
        return self._all[: self._fed]

    def until_all_accepted(self, timeout_seconds: float = 30.0) -> None:
        """Everything fed so far has been accepted."""
        self.until_accepted(self._fed, timeout_seconds)

    def readiness(self) -> dict[str, Any]:
        """What /readyz says."""
        heard = [line for line in self.log(NAME) if line["event"] == "telemetry.listening"]
        try:
            with urllib.request.urlopen(f"{heard[-1]['address']}/readyz", timeout=5) as answer:
                said = answer.read()
        except urllib.error.HTTPError as not_ready:
            with not_ready:
                said = not_ready.read()
        told: dict[str, Any] = json.loads(said)
        return told

    def until_waits_for(self, *dependencies: str, timeout_seconds: float = 20.0) -> None:
        """It says of itself that it is not ready, and for which of these it waits."""
        until(
            lambda: self._alive() and any(map(self.is_missed, dependencies)),
            f"one of {dependencies} is away, says /readyz",
            timeout_seconds,
        )

    def is_missed(self, dependency: str) -> bool:
        """Whether /readyz says that it is away."""
        heard = self.readiness()
        return not heard["ready"] and heard["dependencies"].get(dependency, "ok") != "ok"

    def told_of(self, *dependencies: str) -> list[str]:
        """Why one of them was away, each time, says the log."""
        return [
            line["error"]
            for line in self.log(NAME)
            if line["event"] == "dependency.down" and line["dependency"] in dependencies
        ]

    def live_through(self, outage: str, proxy: TcpProxy, *waits_for: str) -> None:
        """Events come while it is away; the process says so, and goes on when it is back.

        At least one of `waits_for` is in the log, and in /readyz.
        """
        told = len(self.told_of(*waits_for))
        self._outages += 1
        OUTAGES[outage](proxy)
        self.next_events()
        until(lambda: len(self.told_of(*waits_for)) > told, f"{outage} is in the log")
        self.until_waits_for(*waits_for)
        proxy.through()
        self.until_all_accepted()
        until(lambda: self.readiness()["ready"], f"ready again, after {outage}")

    def assert_went_on(self) -> None:
        """The same process has sent each event once, in order, and told of it."""
        self.until_done(self._fed)
        assert self.pid(NAME) == self._pid
        assert self._alive()
        events = decoded(self.records)
        mails = self.fake.messages(limit=10_000)
        assert_once(by_event(mails), events)
        assert_in_order(mails, events)
        accepted = Counter(f"{record.event.id}" for record in self.tracked([Kind.ACCEPTED]))
        assert_once(accepted, events)
        lost = sum(call["outcome"] == Kind.IN_DOUBT for call in self._sends(self.log(NAME)))
        assert lost <= self._outages * SENDERS + self._probes(), "under way, or a probe"

    def _probes(self) -> int:
        """Calls that began while the breaker was open: one at a time, to see whether it is back."""
        log, is_away, calls = self.log(NAME), False, 0
        for line in log:
            if line.get("dependency") == "mailgun":
                is_away = line["event"] == "dependency.down"
            calls += is_away and bool(self._sends([line]))
        return calls

    def _sends(self, log: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Calls that were to send something; each may carry many emails."""
        calls = [line for line in log if line["event"] == "transport.call"]
        return [call for call in calls if call["call"] == "send"]

"""Carries out the schedule: one thread for each target, so that a slow outage delays no kill."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from consumer.sandbox.mailgun import FakeMailgun
from tests.chaos.crew import Crew
from tests.chaos.plan import Action, Disturbance
from tests.support.kafka import KafkaBroker
from tests.support.postgres import PostgresServer

#: Seconds before a process that ended by itself is started again, as a supervisor would.
_RESTART = 1.0


class Director:
    """Disturbs, and starts again what ended by itself. `run` blocks until all is done."""

    def __init__(
        self,
        schedule: Sequence[Disturbance],
        crews: Mapping[str, Sequence[Crew]],
        providers: Sequence[FakeMailgun],
        kafka: KafkaBroker,
        postgres: PostgresServer | None,
    ) -> None:
        """`crews`: by the name of a process, those that have one of this name."""
        self._schedule = schedule
        self._crews = crews
        self._providers = providers
        self._kafka = kafka
        self._postgres = postgres
        self._over = threading.Event()
        self._errors: list[BaseException] = []
        #: What was done, how often.
        self.done: Counter[str] = Counter()
        #: Whose processes ended on which occasion with which exit code.
        self.ended: Counter[tuple[str, str, int]] = Counter()
        self._handlers: Mapping[Action, Callable[[Disturbance], None]] = {
            Action.KILL: self._kill,
            Action.RESTART: self._restart,
            Action.FREEZE: self._freeze,
            Action.STOP: self._outage,
            Action.CRASH: self._outage,
            Action.JOIN: self._join,
            Action.FAULTS: self._misbehave,
        }

    def run(self) -> None:
        began = time.monotonic()
        targets = sorted({each.target for each in self._schedule})
        threads = [
            threading.Thread(target=self._follow, args=(target, began), name=f"disturb-{target}")
            for target in targets
        ]
        watch = threading.Thread(target=self._watch, name="watch", daemon=True)
        for thread in (*threads, watch):
            thread.start()
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def stop_watching(self) -> None:
        """Whoever ends from now on was told to."""
        self._over.set()

    def _follow(self, target: str, began: float) -> None:
        try:
            for each in self._schedule:
                if each.target == target:
                    self._over.wait(max(0.0, began + each.at - time.monotonic()))
                    self._handlers[each.action](each)
                    self.done[_what(each)] += 1
        except BaseException as error:  # noqa: BLE001 - told by `run`
            self._errors.append(error)

    def _kill(self, each: Disturbance) -> None:
        crews = self._crews[each.target]
        for crew in crews:
            crew.kill(each.target)
        time.sleep(each.seconds)  # as long as the plan says
        for crew in crews:
            crew.start(each.target)

    def _restart(self, each: Disturbance) -> None:
        for crew in self._crews[each.target]:
            self._terminate(crew, each.target)
            crew.start(each.target)

    def _freeze(self, each: Disturbance) -> None:
        crews = self._crews[each.target]
        for crew in crews:
            crew.freeze(each.target)
        time.sleep(each.seconds)  # as long as the plan says
        for crew in crews:
            crew.thaw(each.target)

    def _join(self, each: Disturbance) -> None:
        for crew in self._crews[each.target]:
            crew.start(each.target)
        time.sleep(each.seconds)  # as long as the plan says
        for crew in self._crews[each.target]:
            self._terminate(crew, each.target)

    def _terminate(self, crew: Crew, name: str) -> None:
        self.ended[crew.who, "on SIGTERM", crew.terminate(name)] += 1

    def _outage(self, each: Disturbance) -> None:
        crash = each.action is Action.CRASH
        if each.target == "kafka":
            self._kafka.stop(kill=crash)
            time.sleep(each.seconds)  # as long as the plan says
            self._kafka.start()
            return
        assert self._postgres is not None
        self._postgres.halt(crash=crash)
        time.sleep(each.seconds)  # as long as the plan says
        self._postgres.relaunch()

    def _misbehave(self, each: Disturbance) -> None:
        for provider in self._providers:
            provider.script(*map(dict, each.faults))

    def _watch(self) -> None:
        crews = {id(crew): crew for named in self._crews.values() for crew in named}.values()
        while not self._over.wait(_RESTART):
            for crew in crews:
                for name, code in crew.ended().items():
                    self.ended[crew.who, "by itself", code] += 1
                    crew.start(name)


def _what(each: Disturbance) -> str:
    if each.target in ("kafka", "postgresql"):
        return f"{each.target} {each.action}"
    return each.action.value

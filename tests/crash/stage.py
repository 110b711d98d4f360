"""One scenario: a process comes to its boundary, something happens, all is brought to an end."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from consumer.pipeline.deliver import Route
from tests.crash.boundaries import Boundary
from tests.crash.events import FIRST, LOG, OTHER, SECOND, uid
from tests.crash.process import Process
from tests.crash.promise import Promise, Reread
from tests.crash.world import LEASE_SECONDS, World
from tests.support.worker import SOON

#: Seconds of the scenario's clock between two looks, and of our own.
_STEP, _LOOK = 1.0, 0.002


class Stage:
    """The world, the process at the boundary, and its successor."""

    def __init__(
        self,
        boundary: Boundary,
        ledger: Path,
        routes: Sequence[Route] = (),
        successors_routes: Sequence[Route] = (),
    ) -> None:
        self.boundary = boundary
        self.world = World(ledger)
        self.process = Process("messenger-1", self.world, boundary, routes)
        self._successors_routes = successors_routes
        self.successor: Process | None = None
        self._beat_at = 0.0

    def begin(self, *, first_answer_lost: bool | None) -> None:
        """Run until a thread stands at the boundary. A lost answer: whether it was accepted."""
        if first_answer_lost is not None:
            self.world.provider.lose(uid(FIRST), accepted=first_answer_lost)
        self.process.start(LOG[:1] if self.boundary.alone else LOG)
        self.until(self.process.reached.is_set, "a thread reaches the boundary")
        if self.boundary.alone:
            self.process.source.batches.append(list(LOG[1:]))

    def succeed(self) -> Process:
        """Another process gets the partition, and reads what is not committed."""
        self.successor = Process("messenger-2", self.world, routes=self._successors_routes)
        self.successor.start(self.world.left())
        return self.successor

    def pass_time(self, seconds: float) -> None:
        self.world.clock.advance(seconds)

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Let time pass, for the processes that live, until it is so."""
        deadline = time.monotonic() + 2 * SOON
        while not condition():
            assert time.monotonic() < deadline, f"did not happen: {what}\n{self._where()}"
            self.pass_time(_STEP)
            if self.world.clock.now() >= self._beat_at:
                self._beat_at = self.world.clock.now() + LEASE_SECONDS / 6
                for process in self._processes():
                    process.beat()
            threading.Event().wait(_LOOK)

    def finish(self) -> None:
        """Everything is done and committed; who lives ends in order."""
        self.until(lambda: self.world.next_offset == len(LOG), "all records are committed")
        for process in self._processes():
            if process.lives:
                process.end()
                assert process.finished, f"{process.owner} left something behind"

    def check(self, promise: Promise) -> None:
        world, provider = self.world, self.world.provider
        assert sorted(provider.accepted) == sorted(map(uid, (FIRST, SECOND, OTHER)))
        of_the_alarm = [id_ for id_ in provider.accepted if id_ != uid(OTHER)]
        assert of_the_alarm == [uid(FIRST), uid(SECOND)], "the alarm's order"
        assert world.sends(FIRST) == promise.calls
        assert _without_duplicates(world.story(FIRST)) == promise.first
        assert _without_duplicates(world.story(SECOND)) == promise.second
        again = [each.id for each in (FIRST, SECOND) if "duplicate" in world.story(each)]
        if promise.reread is Reread.NEVER:
            assert again == []
        elif promise.reread is Reread.ALWAYS:
            assert FIRST.id in again
        assert world.story(OTHER), "the other alarm's event has no tracking record"
        assert world.wrong_commits == []
        counts = world.ledger.counts()
        assert counts["deliveries.accepted"] == counts["deliveries"] == len(LOG)

    def close(self) -> None:
        # The threads of a killed process wait for its last limits.
        self.pass_time(1e9)
        for process in self._processes():
            process.bury()
        self.world.close()

    def _processes(self) -> list[Process]:
        return [self.process, *([self.successor] if self.successor else [])]

    def _where(self) -> str:
        world = self.world
        stories = {event.id: world.story(event) for event in (FIRST, SECOND, OTHER)}
        return f"committed {world.committed}, tracked {stories}, calls {world.provider.calls}"


def _without_duplicates(story: list[str]) -> tuple[str, ...]:
    return tuple(word for word in story if word != "duplicate")

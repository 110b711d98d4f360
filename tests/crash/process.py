"""One consumer process: a real worker and pipeline, which can stand still, go on, or be killed."""

import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from consumer.domain.alarm import State
from consumer.pipeline.deliver import Route
from consumer.pipeline.lock import LockRules
from consumer.pipeline.mail.renderer import Renderer
from consumer.pipeline.pipeline import Pipeline, PipelineRules
from consumer.pipeline.receive import ReceiveSettings
from consumer.telemetry.metrics import Metrics
from consumer.worker.backpressure import Limits
from consumer.worker.worker import Worker, WorkerRules
from tests.crash.boundaries import Boundary, Call
from tests.crash.events import catalog
from tests.crash.ports import Passing, Sink, Source, Watching
from tests.crash.world import LEASE_SECONDS, World
from tests.support.worker import FIRST as PARTITION
from tests.support.worker import SOON

_RULES = WorkerRules(
    tracking_topic="tracked",
    dead_letter_topic="dead",
    dead_letters_per_minute=1000,
    senders=2,
    limits=Limits(),
    max_age=dict.fromkeys(State, 86_400.0),
    doubt_budgets=dict.fromkeys(State, 60.0),
    hold_doubts=False,
    breaker_failures=1000,
    breaker_probe=1.0,
    fallback=None,
    fallback_after=30.0,
    lease=LEASE_SECONDS,
    retention=86_400.0,
    # The test's clock runs much faster than the threads do.
    shutdown=100_000.0,
)


@cache
def _renderer() -> Renderer:
    """Compiling the templates takes longer than a scenario."""
    return Renderer("alerts.example.com", "Alarms <alarms@alerts.example.com>", None)


class Killed(BaseException):
    """The process is no more: its threads end where they touch the world."""


class Process:
    """A worker with its threads. At most one of these stands still, at the boundary."""

    def __init__(
        self,
        owner: str,
        world: World,
        boundary: Boundary | None = None,
        routes: Sequence[Route] = (),
    ) -> None:
        self.owner = owner
        #: As they are now; a test may move a share while the process runs.
        self.routes = routes
        self._world = world
        self._boundary = boundary
        #: Held while the world is touched: nothing of a killed process is half done.
        self._touching = threading.Lock()
        self._killed = False
        #: A thread stands at the boundary, in this call; it may go on.
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.call: Call | None = None
        self.watching = Watching()
        self.source, self.sink = Source(world.committed), Sink(world.tracked)
        self.worker = self._worker(self._port(world.ledger, "ledger"))
        self.stop = threading.Event()
        self.finished: bool | None = None
        self._thread = threading.Thread(target=self._serve, name=owner, daemon=True)

    def _worker(self, ledger: Any) -> Worker:
        world, metrics = self._world, Metrics()
        pipeline = Pipeline(
            owner=self.owner,
            ledger=ledger,
            catalog=catalog(),
            renderer=_renderer(),
            clock=world.clock,
            metrics=metrics,
            rules=PipelineRules(receive=ReceiveSettings(), lock=LockRules()),
            routes=lambda: self.routes,
        )
        return Worker(
            owner=self.owner,
            name=self.owner,
            rules=_RULES,
            pipeline=pipeline,
            ledger=ledger,
            transports={"mailgun": self._port(world.provider, "transport")},
            lookups={"mailgun": self._port(world.provider, "lookup")},
            accounts={},
            sink=self._port(self.sink, "sink"),
            clock=world.clock,
            metrics=metrics,
            observer=self.watching,
        )

    def start(self, records: Sequence[Any]) -> None:
        """The partition is ours, from these records on."""
        self.source.batches.append(list(records))
        self.worker.loop.assigned([PARTITION])
        self._thread.start()

    def _serve(self) -> None:
        source = self._port(self.source, "source")
        self.finished = self.worker.serve(source, self.stop, lambda: None)

    @property
    def lives(self) -> bool:
        return self._thread.is_alive() and not self._killed

    def beat(self) -> None:
        """What the lease's own thread does in real time."""
        if self.lives and not self.stop.is_set():
            self.worker._lease._beat()

    def kill(self) -> None:
        """From now on nothing that this process does has any effect."""
        with self._touching:
            self._killed = True

    def end(self) -> None:
        """SIGTERM, and wait."""
        self.stop.set()
        self.go_on.set()
        self._thread.join(SOON)

    def bury(self) -> None:
        """Let the threads that are left find out that they were killed."""
        self.kill()
        self.stop.set()
        self.go_on.set()
        self.worker.lanes.close()
        for part in (self.worker._senders, self.worker._resolver, self.worker._tracker):
            part.stop(0.0)
        self.worker._gates.stop()
        self.worker._housekeeping.stop()
        self.worker._lease.stop()
        self._thread.join(SOON)

    # -- every call of a port comes through here ---------------------------------------------

    def _port(self, port: Any, name: str) -> Any:
        return Passing(port, name, self._through)

    def _through(self, port: Any, name: str, make: Callable[[], Any], args: tuple[Any, ...]) -> Any:
        self._stand(Call(name, port, args, made=False))
        if name == "source.poll":
            # It takes its time, and the listener's calls come from inside it.
            answer = make()
        else:
            with self._touching:
                self._live()
                answer = make()
        if name == "source.commit" and answer:
            self._world.check_commit()
        self._stand(Call(name, port, args, made=True, answer=answer))
        return answer

    def _stand(self, call: Call) -> None:
        self._live()
        if self._boundary is None or not self._boundary.matches(call):
            return
        with self._touching:
            first, self.call = self.call is None, self.call or call
        if first:
            self.reached.set()
            self.go_on.wait()
            self._live()

    def _live(self) -> None:
        if self._killed:
            raise Killed

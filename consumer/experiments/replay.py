"""A replay: production's own machinery, fed with the past, as another owner, in a group of its own.

Ledger, transports, gates and topics are production's: whoever holds an alarm sends its emails, and
who was told is told once. What differs is said here: no age limit, for a replay of old events is
deliberate; and what was tried in vain is sent although a newer state waits behind it, for that one
was not told either, and follows.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import Final

import msgspec

from consumer.adapters.catalog import open_catalog
from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.sink import KafkaSink
from consumer.adapters.ledger import SqlLedger
from consumer.domain.alarm import State
from consumer.domain.errors import MessengerError
from consumer.domain.record import DeadLetter
from consumer.experiments.filters import Filter
from consumer.experiments.replay_pipeline import ReplayPipeline
from consumer.experiments.replay_rate import paced, senders_for
from consumer.experiments.replay_report import Report
from consumer.experiments.replay_selecting import Memory, Selector, Wish
from consumer.experiments.replay_source import Partition, Reader, ReplaySource
from consumer.pipeline.deliver import Route
from consumer.pipeline.limits import Limits as RecipientLimits
from consumer.ports import Catalog, Clock, not_logged
from consumer.settings import Settings
from consumer.telemetry.metrics import Metrics
from consumer.wiring import (
    accounts,
    kafka_settings,
    limit_rules,
    make_lookups,
    make_renderer,
    make_transports,
    pipeline_rules,
    suppressed_by,
    worker_rules,
)
from consumer.worker.backpressure import Limits
from consumer.worker.threads import watch_threads
from consumer.worker.work import Landed
from consumer.worker.worker import Worker, WorkerRules

_DAY_SECONDS: Final = 86_400
_NO_AGE_LIMIT: Final = dict.fromkeys(State, float("inf"))
#: Events that go and are handed out for one poll, however quick the pace.
_AT_ONCE: Final = 500


class Told:
    """Who is told what happens; by itself it says nothing. Every method is quick and
    thread-safe."""

    def dependency(self, name: str, ok: bool, why: str = "") -> None:
        """A dependency answers, or does not."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What is replayed, and how."""

    wish: Wish
    wanted: Filter
    reader: Reader
    #: Where each partition ends.
    ends: Mapping[Partition, int]
    commit: Callable[[Mapping[Partition, int]], None]
    #: Emails a second.
    per_second: int
    #: Routes as they are set at the moment; None: as the settings have them.
    routes: Callable[[], Sequence[Route]] | None = None


class Replay:
    """One run of a replay. `run` blocks until all is done, or `stop` is set."""

    def __init__(self, settings: Settings, told: Told) -> None:
        self.stop = Event()
        self.report = Report()
        self._settings = settings
        self._told = told
        self._clock = SystemClock(self.stop)

    def run(self, given: Given, ledger: SqlLedger) -> bool:
        """True: all was done; False: it was stopped before.

        Raises SettingsError, and MessengerError when it cannot go on.
        """
        catalog = make_catalog(self._settings, self._clock)
        observer = _Observer(self.report, self._told, self.stop)
        selector = make_selector(
            self._settings, given, ledger, clock=self._clock, report=self.report, stores=ledger
        )
        # Another owner each time: what an earlier run left behind is in doubt.
        owner = f"{worker_name(given.wish.name)}-{secrets.token_hex(4)}"
        watch_threads(observer.thread_died)
        try:
            worker = self._worker(owner, given, selector, ledger, catalog, observer)
            source = ReplaySource(
                given.reader,
                selector,
                ends=given.ends,
                commit=given.commit,
                stop=self.stop,
                clock=self._clock,
                at_once=min(_AT_ONCE, given.per_second),
                on_ledger=lambda ok, why: self._told.dependency("ledger", ok, why),
            )
            drained = worker.serve(source, self.stop, lambda: None)
        finally:
            catalog.close()
        if observer.broken is not None:
            raise MessengerError(observer.broken)
        return drained and source.finished

    def _worker(
        self,
        owner: str,
        given: Given,
        selector: Selector,
        ledger: SqlLedger,
        catalog: Catalog,
        observer: "_Observer",
    ) -> Worker:
        settings, metrics = self._settings, Metrics()
        name = worker_name(given.wish.name)
        transports = make_transports(settings, self._clock, not_logged)
        return Worker(
            owner=owner,
            name=name,
            rules=replay_rules(settings, given.per_second),
            pipeline=make_pipeline(
                settings,
                given,
                selector,
                ledger,
                owner=owner,
                catalog=catalog,
                clock=self._clock,
                report=self.report,
                metrics=metrics,
                stores=ledger,
                limits=RecipientLimits(ledger.limits, limit_rules(settings), self._clock),
            ),
            ledger=ledger,
            transports=paced(transports, given.per_second, self._clock),
            lookups=make_lookups(settings, self._clock, not_logged),
            accounts=accounts(settings),
            sink=KafkaSink(kafka_settings(settings.kafka, name)),
            clock=self._clock,
            metrics=metrics,
            observer=observer,
        )


def worker_name(name: str) -> str:
    """As tracking records have it."""
    return f"replay-{name}"


def replay_rules(settings: Settings, per_second: int) -> WorkerRules:
    """Production's, but for the age limit, the order, and how much waits."""
    rules = worker_rules(settings)
    # What waits holds its alarm back from production: a few seconds' worth, and no more.
    events = min(rules.limits.max_events, max(20, 4 * per_second))
    return msgspec.structs.replace(
        rules,
        max_age=_NO_AGE_LIMIT,
        supersedes=False,
        senders=senders_for(per_second, rules.senders),
        limits=Limits(max_events=events, max_bytes=rules.limits.max_bytes),
    )


def make_catalog(settings: Settings, clock: Clock) -> Catalog:
    """Where names and addresses are looked up, as production does."""
    return open_catalog(
        settings.catalog.url.get_secret_value(),
        clock=clock,
        max_age_seconds=settings.catalog.max_age_seconds,
        stale_seconds=settings.catalog.stale_seconds,
    )


def make_selector(
    settings: Settings,
    given: Given,
    ledger: Memory,
    *,
    clock: Clock,
    report: Report,
    stores: SqlLedger,
) -> Selector:
    """Says which events go, by the filter and the ledger; `stores` remembers problems."""
    return Selector(
        wish=given.wish,
        wanted=given.wanted,
        receive=pipeline_rules(settings).receive,
        ledger=ledger,
        clock=clock,
        retention_seconds=settings.ledger.retention_days * _DAY_SECONDS,
        report=report,
        # Nothing is told it, so that it is only asked.
        problems=lambda wanted: stores.problems.remember((), wanted),
    )


def make_pipeline(
    settings: Settings,
    given: Given,
    selector: Selector,
    ledger: Memory,
    *,
    owner: str,
    catalog: Catalog,
    clock: Clock,
    report: Report,
    metrics: Metrics,
    stores: SqlLedger,
    limits: RecipientLimits | None = None,
) -> ReplayPipeline:
    """The pipeline; `stores` knows the provider's lists of addresses. `limits`: how many emails an
    hour one recipient gets; they count what they are asked about, so a dry run has none."""
    rules = pipeline_rules(settings)
    lock = msgspec.structs.replace(rules.lock, asked_again=selector.asked_again)
    return ReplayPipeline(
        selector=selector,
        report=report,
        ledger=ledger,
        mail_domain=settings.mailgun.domain,
        out_of_order=given.wish.out_of_order,
        owner=owner,
        catalog=catalog,
        renderer=make_renderer(settings),
        clock=clock,
        metrics=metrics,
        rules=msgspec.structs.replace(rules, lock=lock),
        find_suppressed=suppressed_by(settings, stores),
        limits=limits,
        routes=given.routes,
    )


class _Observer:
    """What the worker tells, for the report and for whoever watches."""

    def __init__(self, report: Report, told: Told, stop: Event) -> None:
        self._report = report
        self._told = told
        self._stop = stop
        #: Why the replay cannot go on.
        self.broken: str | None = None

    def landed(self, landed: Landed, now: float) -> None:  # noqa: ARG002  # the port's
        if landed.result is not None and landed.is_final:
            uid = landed.sending.send.notification.uid
            self._report.ended(uid, landed.result.kind, landed.result.reason)

    def dependency(self, name: str, ok: bool, why: str = "") -> None:
        self._told.dependency(name, ok, why)

    def transport(self, name: str, ok: bool, why: str) -> None:
        self._told.dependency(name, ok, why)

    def looked_up(self, name: str, ok: bool, why: str) -> None:
        self._told.dependency(f"{name} lookup", ok, why)

    def intake_stopped(self, why: str) -> None:
        self.broken = f"too many emails fail: {why}"
        self._stop.set()

    def thread_died(self, name: str, error: BaseException) -> None:
        """A defect: what is left is for another run."""
        self.broken = f"{name} ended by a defect: {type(error).__name__}: {error}"
        self._stop.set()

    def dead_letter(self, letter: DeadLetter) -> None:
        """The report counts what failed."""

    def gate(self, name: str, account: str, seconds: float, waiting: int) -> None:
        """The pace closes the gate between any two emails: no news."""

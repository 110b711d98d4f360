"""What feedback does, told to metrics and logs."""

from collections.abc import Callable, Mapping
from typing import Final, get_args

from prometheus_client import Counter, Gauge
from structlog.typing import FilteringBoundLogger

from consumer.domain.alarm import AlarmEvent
from consumer.domain.follow_up import unreached_of
from consumer.domain.reasons import Kind
from consumer.domain.suppression import SuppressionList
from consumer.domain.tracking import TrackingEvent
from consumer.feedback.aftermath import ends_with_the_fallback
from consumer.feedback.recorder import Outcome, Source
from consumer.telemetry.metrics import Metrics

_STATUSES: Final = (200, 406, 408, 500, 503)
#: Somebody may want to do something about these.
_BAD_NEWS: Final = frozenset(
    {Kind.BOUNCED_PERMANENT, Kind.BOUNCED_TEMPORARY, Kind.REJECTED, Kind.COMPLAINED}
)


class FeedbackObserving:
    """Hooks of recorder, receiver and poller. Every method is quick and thread-safe."""

    def __init__(
        self,
        metrics: Metrics,
        log: FilteringBoundLogger,
        dependency: Callable[[str, bool, str], None],
    ) -> None:
        self._metrics = metrics
        self._log = log
        self.dependency = dependency
        registry = metrics.registry
        self._documents = Counter(
            "messenger_feedback_documents",
            "Documents of the provider, by who brought them and what came of them.",
            ["source", "outcome"],
            registry=registry,
        )
        for source in get_args(Source):
            for outcome in Outcome:
                self._documents.labels(source, outcome)
        self._answers = Counter(
            "messenger_webhook_answers",
            "Answers to webhooks, by status.",
            ["status"],
            registry=registry,
        )
        self._follow_ups = Counter(
            "messenger_follow_ups",
            "Events written so that others are told of an address that was not reached.",
            registry=registry,
        )
        self._suppressed = Gauge(
            "messenger_suppressed_addresses",
            "Entries of the provider's lists of suppressed addresses, when last read.",
            ["list"],
            registry=registry,
        )
        #: Whether the lists could be read the last time; None: they were not yet.
        self._lists_read: bool | None = None
        for status in _STATUSES:
            self._answers.labels(str(status))
        self._behind = Gauge(
            "messenger_feedback_unsettled_seconds",
            "Seconds back to the time up to which the provider's events were read for good.",
            registry=registry,
        )

    def document(self, source: Source, outcome: Outcome) -> None:
        self._documents.labels(source, outcome).inc()
        if outcome is Outcome.UNREADABLE:
            self._log.warning("report.unreadable", source=source)

    def recorded(self, record: TrackingEvent) -> None:
        """A report's tracking record is acknowledged and noted."""
        self._metrics.tracked.labels(record.kind).inc()
        self._metrics.reasons.labels(record.outcome.reason).inc()
        log = self._log.warning if record.kind in _BAD_NEWS else self._log.info
        to, provider = record.notification, record.provider
        log(
            f"report.{record.kind}",
            uid=None if to is None else to.uid,
            event_id=record.event.id,
            tenant=record.event.tenant_id,
            code=None if provider is None else provider.code,
            message=record.outcome.message,
        )

        if ends_with_the_fallback(record):
            self._log.error(
                "fallback.bounced",
                event_id=record.event.id,
                tenant=record.event.tenant_id,
                message=record.outcome.message,
                remedy="nobody was told of this: mend [delivery] fallback_contact",
            )

    def followed_up(self, event: AlarmEvent) -> None:
        """Others will be told instead of somebody who was not reached."""
        self._follow_ups.inc()
        unreached = unreached_of(event)
        self._log.info(
            "follow_up.written",
            event_id=event.id,
            instead_of=None if unreached is None else unreached.event_id,
            tenant=event.tenant_id,
        )

    def lists_read(self, ok: bool, why: str) -> None:
        """The provider gave its lists of suppressed addresses, or did not: what was known of them
        goes on counting, so nothing waits for it."""
        if ok is not self._lists_read:
            self._lists_read = ok
            if ok:
                self._log.info("suppressions.read")
            else:
                self._log.warning("suppressions.unread", error=why)

    def listed(self, found: Mapping[SuppressionList, int]) -> None:
        for of, number in found.items():
            self._suppressed.labels(of.value).set(number)

    def answered(self, status: int, why: str) -> None:
        """A webhook has its answer."""
        self._answers.labels(str(status)).inc()
        if status != 200:
            self._log.warning("webhook.refused", status=status, why=why)

    def events_read(self, ok: bool, why: str) -> None:
        """The provider gave its events, or did not."""
        self.dependency("mailgun_events", ok, why)

    def placed(self, seconds_behind: float) -> None:
        self._behind.set(seconds_behind)

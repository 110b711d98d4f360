"""Receiver and poller of one process, put together, started and ended in order."""

from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from structlog.typing import FilteringBoundLogger

from consumer.adapters.kafka.sink import KafkaSink
from consumer.domain.errors import SettingsError
from consumer.domain.identity import installation_id
from consumer.feedback.aftermath import Aftermath
from consumer.feedback.observing import FeedbackObserving
from consumer.feedback.poller import Poller
from consumer.feedback.ports import FeedbackStore, SuppressionStore
from consumer.feedback.recorder import Recorder
from consumer.feedback.suppressing import SuppressionReader
from consumer.feedback.windows import PollRules
from consumer.ports import Clock, Ledger
from consumer.settings import Settings
from consumer.wiring import kafka_settings, make_events, make_suppressions
from consumer.worker.housekeeping import Housekeeping

if TYPE_CHECKING:  # Starlette and uvicorn come with an extra
    from consumer.adapters.web_server import WebServer

#: For so long it is remembered what was told, and which tokens were used: longer than Mailgun comes
#: again (8 hours), the poller looks back (a day), and a signature is good (2 days at most).
_REMEMBERED_SECONDS: Final = 3 * 86_400.0


def missing(settings: Settings, *, webhooks: bool, poll: bool) -> list[str]:
    """What the settings lack for these parts."""
    found = []
    if webhooks and settings.feedback.signing_key is None:
        found.append(
            "[feedback] signing_key: give it or signing_key_file, or receive no webhooks "
            "(--no-webhooks, or webhooks = false)"
        )
    if poll and settings.mailgun.lookup_key is None:
        found.append(
            "[mailgun] lookup_key: give it or lookup_key_file, or read no events "
            "(--no-poll, or poll = false in [feedback])"
        )
    if settings.delivery.on_bounce != "none" and settings.kafka.own_format_topic is None:
        found.append(
            "[delivery] on_bounce: each topic of events has a format of another kind in "
            "[kafka] formats; add one to events_topic that takes alarm-state-event"
        )
    return found


class Feedback:
    """A context manager: inside it reports are heard and asked for."""

    def __init__(
        self,
        settings: Settings,
        *,
        worker: str,
        owner: str,
        ledger: Ledger,
        store: FeedbackStore,
        suppressions: SuppressionStore,
        clock: Clock,
        observing: FeedbackObserving,
        log: FilteringBoundLogger,
        webhooks: bool,
        poll: bool,
    ) -> None:
        """Raises SettingsError for what is missing, and for an address that is taken."""
        problems = missing(settings, webhooks=webhooks, poll=poll)
        if problems:
            raise SettingsError(problems)
        self._settings = settings
        self._clock = clock
        self._observing = observing
        self._log = log
        self._sink = KafkaSink(kafka_settings(settings.kafka, f"{worker}-feedback"))
        self._recorder = Recorder(
            owner=owner,
            worker=worker,
            store=store,
            ledger=ledger,
            sink=self._sink,
            tracking_topic=settings.kafka.tracking_topic,
            clock=clock,
            installation=installation_id(settings.kafka.group_id),
            aftermath=self._aftermath(suppressions),
            on_document=observing.document,
            on_recorded=observing.recorded,
            on_follow_up=observing.followed_up,
            on_dependency=observing.dependency,
        )
        self._poller = self._make_poller(owner, store) if poll else None
        self._suppressions = (
            self._make_reader(owner, store, suppressions)
            if poll and settings.feedback.suppressions
            else None
        )
        self._server = self._make_server() if webhooks else None
        self._housekeeping = Housekeeping(store, clock, _REMEMBERED_SECONDS)

    def __enter__(self) -> Self:
        self._housekeeping.start()
        if self._poller is not None:
            self._poller.start()
        if self._suppressions is not None:
            self._suppressions.start()
        if self._server is not None:
            self._server.start()
            path = self._settings.feedback.path
            self._log.info("webhooks.listening", address=f"{self._server.address}{path}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.stop()
        if self._poller is not None:
            self._poller.stop()
        if self._suppressions is not None:
            self._suppressions.stop()
        self._housekeeping.stop()
        self._sink.close(2.0)

    def _make_poller(self, owner: str, store: FeedbackStore) -> Poller:
        given = self._settings.feedback
        return Poller(
            feed=f"mailgun:{self._settings.mailgun.domain}",
            owner=owner,
            events=make_events(self._settings, self._clock),
            store=store,
            recorder=self._recorder,
            clock=self._clock,
            rules=PollRules(
                interval=given.poll_interval_seconds,
                overlap=given.overlap_seconds,
                settle=given.settle_seconds,
            ),
            on_state=self._observing.events_read,
            on_place=self._observing.placed,
        )

    def _make_reader(
        self, owner: str, turns: FeedbackStore, store: SuppressionStore
    ) -> SuppressionReader:
        return SuppressionReader(
            domain=self._settings.mailgun.domain,
            owner=owner,
            provider=make_suppressions(self._settings, self._clock),
            store=store,
            turns=turns,
            interval=self._settings.feedback.suppressions_interval_seconds,
            on_state=self._observing.lists_read,
            on_read=self._observing.listed,
        )

    def _aftermath(self, suppressions: SuppressionStore) -> Aftermath:
        settings = self._settings
        tells_others = settings.delivery.on_bounce != "none"
        return Aftermath(
            domain=settings.mailgun.domain,
            suppressions=suppressions,
            events_topic=settings.kafka.own_format_topic if tells_others else None,
        )

    def _make_server(self) -> "WebServer":
        try:
            from consumer.adapters.web_server import WebServer
            from consumer.feedback.receiver import Receiver, ReceiverRules
        except ImportError:
            raise SettingsError(
                ["[feedback] webhooks: pip install 'alarm-messenger[web]' to receive them"]
            ) from None
        given = self._settings.feedback
        assert given.signing_key is not None, "looked at before"
        receiver = Receiver(
            ReceiverRules(
                path=given.path,
                max_age_seconds=given.max_age_seconds,
                max_body_bytes=given.max_body_bytes,
            ),
            signing_key=given.signing_key,
            recorder=self._recorder,
            clock=self._clock,
            on_answer=self._observing.answered,
        )
        try:
            return WebServer(receiver.app, given.host, given.port)
        except OSError as error:
            raise SettingsError(
                [f"[feedback] port: cannot listen on {given.host}:{given.port}: {error.strerror}"]
            ) from error

"""From settings to parts: each adapter gets what it needs, in its own words."""

from functools import partial

from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.ledger import SqlLedger, open_ledger, upgrade
from consumer.adapters.ledger.clock_skew import OnSkew, not_told
from consumer.adapters.mailgun.asking import Asking
from consumer.adapters.mailgun.client import MailgunTransport
from consumer.adapters.mailgun.events import MailgunEvents
from consumer.adapters.mailgun.lookup import MailgunLookup
from consumer.adapters.mailgun.suppressions import MailgunSuppressions
from consumer.adapters.smtp.client import SmtpTransport
from consumer.domain.alarm import State
from consumer.domain.identity import installation_id
from consumer.domain.notification import SendOptions
from consumer.domain.suppression import FindSuppressed
from consumer.formats import DEFAULTS, overlaid
from consumer.pipeline.limits import LimitRules
from consumer.pipeline.lock import LockRules
from consumer.pipeline.mail.renderer import Renderer
from consumer.pipeline.pipeline import PipelineRules
from consumer.pipeline.receive import ReceiveSettings
from consumer.pipeline.recipients import RecipientRules
from consumer.ports import AccessLog, Clock, Lookup, Transport
from consumer.settings import DEFAULT_ROUTE, Kafka, Settings, routes_of
from consumer.worker.backpressure import Limits
from consumer.worker.worker import WorkerRules

_DAY_SECONDS = 86_400
#: A lookup that takes longer is asked again; a send is waited for longer than that.
_LOOKUP_PATIENCE_SECONDS = 10.0
#: A database that takes longer does not answer.
_LONGEST_STATEMENT_SECONDS = 10.0


def kafka_settings(given: Kafka, client_id: str = "messenger") -> KafkaSettings:
    """The section as the adapter wants it."""
    return KafkaSettings(
        bootstrap_servers=given.bootstrap_servers,
        group_id=given.group_id,
        client_id=client_id,
        group_instance_id=given.group_instance_id,
        session_timeout_seconds=given.session_timeout_seconds,
        max_poll_interval_seconds=given.max_poll_interval_seconds,
        max_poll_records=given.max_poll_records,
        security_protocol=given.security_protocol,
        sasl_mechanism=given.sasl_mechanism,
        sasl_username=given.sasl_username,
        sasl_password=None
        if given.sasl_password is None
        else given.sasl_password.get_secret_value(),
        ssl_cafile=given.ssl_cafile,
        assignor=given.assignor,
    )


def open_own_ledger(given: Settings, on_skew: OnSkew = not_told) -> SqlLedger:
    """The ledger of a process that runs on. Raises SettingsError, LedgerUnavailable.

    `on_skew` is told when the process's clock and the database's disagree.
    """
    url = given.ledger.url.get_secret_value()
    if url.startswith("sqlite"):
        # The embedded ledger is nobody's but ours: no separate step for its schema.
        upgrade(url)
    patience = ledger_patience(given.ledger.lease_seconds)
    return open_ledger(url, pool_size=4, timeout_seconds=patience, on_skew=on_skew)


def ledger_patience(lease_seconds: float) -> float:
    """Seconds for one statement: a lease has to live through two that were in vain."""
    return min(_LONGEST_STATEMENT_SECONDS, lease_seconds / 3)


def make_renderer(given: Settings) -> Renderer:
    """The mails' maker, for the sending domain."""
    return Renderer(
        given.mailgun.domain,
        given.mailgun.from_address,
        given.delivery.template_directory,
        given.delivery.product_name,
        installation=installation_id(given.kafka.group_id),
    )


def make_mailgun(given: Settings, clock: Clock, access_log: AccessLog) -> MailgunTransport:
    """The Mailgun transport, every call of which is logged and measured."""
    key = given.mailgun.api_key
    assert key is not None, "the settings require it"
    return MailgunTransport(
        base_url=given.mailgun.base_url,
        domain=given.mailgun.domain,
        api_key=key,
        clock=clock,
        access_log=access_log,
        pool_size=given.delivery.senders,
        connect_timeout=given.mailgun.connect_timeout_seconds,
        read_timeout=given.mailgun.read_timeout_seconds,
        batch_limit=given.mailgun.batch_limit,
    )


def make_smtp(given: Settings, clock: Clock, access_log: AccessLog) -> SmtpTransport:
    """The mail server as a transport."""
    smtp = given.smtp
    assert smtp.host is not None, "asked for only where there is one"
    return SmtpTransport(
        host=smtp.host,
        port=smtp.port,
        clock=clock,
        tls=smtp.tls,
        ca_file=smtp.ca_file,
        username=smtp.username,
        password=smtp.password,
        access_log=access_log,
        pool_size=given.delivery.senders,
        connect_timeout=smtp.connect_timeout_seconds,
        read_timeout=smtp.read_timeout_seconds,
    )


def make_transports(given: Settings, clock: Clock, access_log: AccessLog) -> dict[str, Transport]:
    """Every way out that is configured."""
    transports: dict[str, Transport] = {"mailgun": make_mailgun(given, clock, access_log)}
    if given.smtp.host is not None:
        transports["smtp"] = make_smtp(given, clock, access_log)
    return transports


def make_lookups(given: Settings, clock: Clock, access_log: AccessLog) -> dict[str, Lookup]:
    """The providers that can be asked what became of a send. SMTP has no such thing."""
    if given.mailgun.lookup_key is None:
        return {}
    mailgun = MailgunLookup(
        base_url=given.mailgun.base_url,
        domain=given.mailgun.domain,
        lookup_key=given.mailgun.lookup_key,
        api=given.mailgun.lookup_api,
        clock=clock,
        access_log=access_log,
        connect_timeout=given.mailgun.connect_timeout_seconds,
        read_timeout=min(given.mailgun.read_timeout_seconds, _LOOKUP_PATIENCE_SECONDS),
    )
    return {"mailgun": mailgun}


def make_events(given: Settings, clock: Clock) -> MailgunEvents:
    """Mailgun's records of what happened to emails, by the API that doubts are looked up in."""
    key = given.mailgun.lookup_key
    assert key is not None, "asked for only where there is one"
    return MailgunEvents(
        base_url=given.mailgun.base_url,
        domain=given.mailgun.domain,
        lookup_key=key,
        api=given.mailgun.lookup_api,
        clock=clock,
        connect_timeout=given.mailgun.connect_timeout_seconds,
        read_timeout=given.mailgun.read_timeout_seconds,
    )


def make_asking(given: Settings, clock: Clock, what: str) -> Asking:
    """A way to ask Mailgun about other things than emails, by the key that may read if there is
    one; `what`: in words."""
    mailgun = given.mailgun
    key, name = mailgun.lookup_key, "mailgun.lookup_key"
    if key is None:
        key, name = mailgun.api_key, "mailgun.api_key"
    assert key is not None, "the settings require it"
    return Asking(
        base_url=mailgun.base_url,
        key=key,
        key_setting=name,
        what=what,
        clock=clock,
        connect_timeout=mailgun.connect_timeout_seconds,
        read_timeout=mailgun.read_timeout_seconds,
    )


def make_suppressions(given: Settings, clock: Clock) -> MailgunSuppressions:
    """Mailgun's lists of suppressed addresses."""
    asking = make_asking(given, clock, "lists of suppressed addresses")
    return MailgunSuppressions(asking, given.mailgun.domain)


def suppressed_by(given: Settings, ledger: SqlLedger) -> FindSuppressed | None:
    """How the pipeline asks who gets no email; None: everybody is written to."""
    if given.delivery.suppressed_recipients == "send":
        return None
    return partial(ledger.suppressions.holding_back, given.mailgun.domain)


def limit_rules(given: Settings) -> LimitRules:
    """How many emails an hour one recipient gets, and what is held back above that."""
    limit = given.delivery.recipient_limit
    return LimitRules(
        per_hour=limit.emails_per_hour,
        tenants=limit.tenants,
        states=frozenset(limit.limited_states),
        summary_seconds=limit.summary_seconds,
    )


def accounts(given: Settings) -> dict[str, str]:
    """What the providers' limits count by."""
    return {"mailgun": f"mailgun:{given.mailgun.domain}"}


def carriers(given: Settings) -> dict[str, str]:
    """By transport, which one carries its emails while it is away.

    A fallback that no route names is needed by nobody while the others are well.
    """
    fallback = given.delivery.fallback
    if fallback is None:
        return {}
    routed = {SendOptions().transport, *(route.transport for route in given.routes)}
    found: dict[str, str] = {name: fallback for name in routed if name != fallback}
    return found if fallback in routed else found | {fallback: SendOptions().transport}


def reporting(given: Settings) -> frozenset[str]:
    """The transports whose provider tells us by itself what it has accepted."""
    feedback = given.feedback
    return frozenset({"mailgun"} if feedback.webhooks and feedback.signing_key else ())


def worker_rules(given: Settings) -> WorkerRules:
    """What the worker needs of the settings."""
    delivery = given.delivery
    return WorkerRules(
        tracking_topic=given.kafka.tracking_topic,
        dead_letter_topic=given.kafka.dead_letter_topic,
        dead_letters_per_minute=given.kafka.dead_letters_per_minute,
        senders=delivery.senders,
        limits=Limits(
            max_events=delivery.max_waiting_events,
            max_bytes=int(delivery.max_waiting_megabytes * 1024 * 1024),
        ),
        max_age=delivery.max_age_seconds.by_state(),
        doubt_budgets=delivery.doubt_seconds.by_state(),
        hold_doubts=delivery.doubt_policy == "hold",
        reporting=reporting(given),
        breaker_failures=delivery.breaker_failures,
        breaker_probe=delivery.breaker_probe_seconds,
        fallback=delivery.fallback,
        fallback_after=delivery.fallback_after_seconds,
        lease=given.ledger.lease_seconds,
        retention=given.ledger.retention_days * _DAY_SECONDS,
        shutdown=delivery.shutdown_seconds,
    )


def receive_settings(kafka: Kafka) -> ReceiveSettings:
    """How records are read."""
    by_format = {name: each.as_mapping() for name, each in kafka.mapping.items()}
    by_topic = {topic: each.as_mapping() for topic, each in kafka.topic_mapping.items()}
    return ReceiveSettings(
        formats=kafka.formats,
        mappings=overlaid(DEFAULTS, by_format),
        topic_mappings=by_topic,
    )


def pipeline_rules(given: Settings) -> PipelineRules:
    """What the stages need of the settings."""
    delivery = given.delivery
    default = SendOptions(
        route=DEFAULT_ROUTE,
        test_mode=delivery.test_mode,
        tags=tuple(delivery.tags),
        tracking=delivery.tracking,
    )
    receive = receive_settings(given.kafka)
    return PipelineRules(
        receive=receive,
        lock=LockRules(
            repeating_sources=receive.repeating_sources().union(delivery.repeating_sources),
            notify_initial_ok=delivery.notify_initial_ok,
            unknown_as=None
            if delivery.unknown_as == "ignore"
            else State(delivery.unknown_as.upper()),
        ),
        recipients=RecipientRules(
            on_bounce=delivery.on_bounce, fallback_contact=delivery.fallback_contact or ""
        ),
        routes=routes_of(given.routes),
        default_options=default,
        lookup_patience_seconds=given.catalog.lookup_patience_seconds,
    )

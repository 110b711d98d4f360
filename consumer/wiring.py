"""From settings to parts: each adapter gets what it needs, in its own words."""

from collections.abc import Callable

from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.mailgun.client import AccessEntry, MailgunTransport
from consumer.domain.alarm import State
from consumer.domain.notification import SendOptions
from consumer.pipeline.deliver import Route
from consumer.pipeline.lock import LockRules
from consumer.pipeline.mail.renderer import Renderer
from consumer.pipeline.pipeline import PipelineRules
from consumer.pipeline.receive import ReceiveSettings
from consumer.ports import Clock
from consumer.settings import Kafka, Settings


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


def make_renderer(given: Settings) -> Renderer:
    """The mails' maker, for the sending domain."""
    return Renderer(
        given.mailgun.domain,
        given.mailgun.from_address,
        given.delivery.template_directory,
        given.delivery.product_name,
    )


def make_mailgun(
    given: Settings, clock: Clock, access_log: Callable[[AccessEntry], None]
) -> MailgunTransport:
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
    )


def pipeline_rules(given: Settings) -> PipelineRules:
    """What the stages need of the settings."""
    delivery = given.delivery
    default = SendOptions(
        test_mode=delivery.test_mode, tags=tuple(delivery.tags), tracking=delivery.tracking
    )
    return PipelineRules(
        receive=ReceiveSettings(formats=given.kafka.formats),
        lock=LockRules(
            repeating_sources=frozenset(delivery.repeating_sources),
            notify_initial_ok=delivery.notify_initial_ok,
            unknown_as=None
            if delivery.unknown_as == "ignore"
            else State(delivery.unknown_as.upper()),
        ),
        routes=[
            Route(
                options=SendOptions(
                    transport=route.transport,
                    test_mode=route.test_mode,
                    tags=tuple(route.tags),
                    tracking=route.tracking,
                ),
                tenants=frozenset(route.tenants),
                states=frozenset(route.states),
                percent=route.percent,
            )
            for route in given.routes
        ],
        default_options=default,
        lookup_patience_seconds=given.catalog.lookup_patience_seconds,
    )

"""Settings: every section and key, its meaning, its default, and what makes it wrong.

Each secret has a twin that ends in `_file` and names a file to read it from. How a file and
the environment become these is in consumer/configuration.py.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from consumer.adapters.mailgun.address import checked_base_url, checked_domain
from consumer.domain.alarm import State
from consumer.domain.errors import SettingsError

#: Kafka's own rule for topic names.
_TOPIC = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")

Seconds = Annotated[float, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_S = TypeVar("_S", bound=_Section)


def _with_secret(section: _S, name: str, *, required: bool = False) -> _S:
    """Fill a secret from its file twin."""
    file: Path | None = getattr(section, f"{name}_file")
    value: SecretStr | None = getattr(section, name)
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"{name}_file {file}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{name}_file {file}: is not text") from None
        if not text:
            raise ValueError(f"{name}_file {file}: is empty")
        return section.model_copy(update={name: SecretStr(text)})
    if value is not None and not value.get_secret_value():
        # Taken back by whoever set it to nothing, in the environment say.
        section = section.model_copy(update={name: None})
    if required and (value is None or not value.get_secret_value()):
        raise ValueError(f"give {name} or {name}_file")
    return section


def is_topic_name(text: str) -> bool:
    """Whether Kafka would take it for a topic."""
    return _TOPIC.fullmatch(text) is not None


def _told(check: Callable[[], str]) -> str:
    """An adapter's own check as a validator."""
    try:
        return check()
    except SettingsError as error:
        raise ValueError(str(error)) from None


class Kafka(_Section):
    """How to reach Kafka, and the names of the topics."""

    bootstrap_servers: str = "127.0.0.1:9092"
    group_id: str = "messenger"
    #: Static membership; give each process its own.
    group_instance_id: str | None = None
    #: Several topics are separated by commas.
    events_topic: str = "alarm-events"
    tracking_topic: str = "notification-tracking"
    dead_letter_topic: str = "alarm-events-dead-letter"
    #: Input format by topic; a topic that is not named here is looked at record by record.
    formats: dict[str, str] = {}
    session_timeout_seconds: Seconds = 10.0
    max_poll_interval_seconds: Seconds = 300.0
    max_poll_records: int = Field(default=500, gt=0)
    assignor: Literal["cooperative-sticky", "range"] = "cooperative-sticky"
    #: A partition that stands still this long while its end moves is read anew.
    stall_seconds: Seconds = 30.0
    #: More dead letters in one minute stop the intake: something is wrong with the topic, or here.
    dead_letters_per_minute: int = Field(default=600, gt=0)
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    sasl_password_file: Path | None = None
    ssl_cafile: str | None = None

    @field_validator("events_topic", "tracking_topic", "dead_letter_topic")
    @classmethod
    def _topic_names(cls, text: str) -> str:
        for name in text.split(","):
            if not is_topic_name(name.strip()):
                raise ValueError("a topic's name holds letters, digits, dots, dashes, underscores")
        return text

    @property
    def events_topics(self) -> list[str]:
        return [topic.strip() for topic in self.events_topic.split(",") if topic.strip()]

    @model_validator(mode="after")
    def _secrets(self) -> "Kafka":
        return _with_secret(self, "sasl_password")


class Mailgun(_Section):
    """The sending domain and its key."""

    #: Scheme and host only: https://api.mailgun.net or https://api.eu.mailgun.net.
    base_url: str = "https://api.mailgun.net"
    domain: str = Field(min_length=1)
    api_key: SecretStr | None = None
    api_key_file: Path | None = None
    from_address: str = Field(min_length=3)
    connect_timeout_seconds: Seconds = 5.0
    read_timeout_seconds: Seconds = 30.0
    #: A second key, that may read: sending keys cannot. Sends in doubt are looked up with it.
    lookup_key: SecretStr | None = None
    lookup_key_file: Path | None = None
    #: Which of Mailgun's records to ask: the Events API, or the newer Logs API.
    lookup_api: Literal["events", "logs"] = "events"

    @field_validator("base_url")
    @classmethod
    def _host_only(cls, url: str) -> str:
        return _told(lambda: checked_base_url(url))

    @field_validator("domain")
    @classmethod
    def _plain_domain(cls, domain: str) -> str:
        return _told(lambda: checked_domain(domain))

    @model_validator(mode="after")
    def _secrets(self) -> "Mailgun":
        return _with_secret(_with_secret(self, "lookup_key"), "api_key", required=True)


class Smtp(_Section):
    """A mail server as the second transport; used when `host` is given."""

    host: str | None = None
    port: int = Field(default=587, ge=1, le=65_535)
    #: starttls: refused when the server does not offer it; implicit: TLS from the first byte.
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    ca_file: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    connect_timeout_seconds: Seconds = 5.0
    #: For each answer of the server; the one after the email's last byte may take its time.
    read_timeout_seconds: Seconds = 30.0

    @model_validator(mode="after")
    def _secrets(self) -> "Smtp":
        if (self.username is None) != (self.password is None and self.password_file is None):
            raise ValueError("username and password go together")
        return _with_secret(self, "password")


class Ledger(_Section):
    """Where locks and deliveries are kept."""

    #: sqlite:///messenger.db for one machine, postgresql+psycopg://… for several.
    url: SecretStr = SecretStr("sqlite:///messenger.db")
    url_file: Path | None = None
    #: A process that is silent this long loses its alarms to others.
    lease_seconds: Seconds = 30.0
    #: Keep at least as long as the topics keep records.
    retention_days: Seconds = 30.0

    @model_validator(mode="after")
    def _secrets(self) -> "Ledger":
        return _with_secret(self, "url")


class Catalog(_Section):
    """Where accounts, alarms and plans are looked up."""

    #: file:DIRECTORY, or an SQL address.
    url: SecretStr = SecretStr("file:catalog")
    url_file: Path | None = None
    max_age_seconds: Seconds = 30.0
    #: How old an answer may be used while the source is away.
    stale_seconds: Seconds = 86_400.0
    #: How long an alarm that is not there yet is looked up again.
    lookup_patience_seconds: float = Field(default=10.0, ge=0)

    @model_validator(mode="after")
    def _secrets(self) -> "Catalog":
        return _with_secret(self, "url")


class _SecondsByState(_Section):
    critical: Seconds
    warning: Seconds
    ok: Seconds

    def by_state(self) -> dict[State, float]:
        seconds = self.critical, self.warning, self.ok, self.warning
        return dict(
            zip((State.CRITICAL, State.WARNING, State.OK, State.UNKNOWN), seconds, strict=True)
        )


class MaxAge(_SecondsByState):
    """Seconds after which an event is recorded as expired instead of sent, by state."""

    critical: Seconds = 86_400.0
    warning: Seconds = 86_400.0
    ok: Seconds = 86_400.0


class DoubtBudget(_SecondsByState):
    """Seconds for which a send in doubt is looked up before it counts as not found, by state."""

    critical: Seconds = 60.0
    warning: Seconds = 300.0
    ok: Seconds = 1_800.0


class Delivery(_Section):
    """How emails are made and sent."""

    senders: int = Field(default=32, ge=1, le=512)
    doubt_seconds: DoubtBudget = DoubtBudget()
    #: Of a send in doubt that was not found in time: a possible duplicate, or a person's affair.
    doubt_policy: Literal["send_again", "hold"] = "send_again"
    #: So many failures in a row stop the sends through a transport, but for probes.
    breaker_failures: int = Field(default=5, ge=1)
    breaker_probe_seconds: Seconds = 1.0
    #: The transport that takes over while the other cannot send.
    fallback: Literal["smtp"] | None = None
    #: A provider that asks to wait longer than this is left for the fallback.
    fallback_after_seconds: Seconds = 30.0
    max_age_seconds: MaxAge = MaxAge()
    #: Limits of what waits in one process; above them partitions are paused.
    max_waiting_events: int = Field(default=5_000, gt=0)
    max_waiting_megabytes: float = Field(default=64, gt=0)
    #: On SIGTERM: how long sends under way may take.
    shutdown_seconds: Seconds = 20.0
    #: On a rebalance: how long sends of partitions that go may take.
    revoke_seconds: Seconds = 10.0
    notify_initial_ok: bool = False
    unknown_as: Literal["ignore", "warning", "critical"] = "ignore"
    #: Sources that repeat a state while it lasts.
    repeating_sources: list[str] = []
    #: Folder of the accounts' own mail templates.
    template_directory: Path | None = None
    product_name: str = "Messenger"
    test_mode: bool = False
    tags: list[str] = []
    tracking: bool = False


class Route(_Section):
    """One rule; the first that matches wins."""

    transport: Literal["mailgun", "smtp"] = "mailgun"
    tenants: list[str] = []
    states: list[State] = []
    percent: float = Field(default=100.0, ge=0, le=100)
    test_mode: bool = False
    tags: list[str] = []
    tracking: bool = False


class Telemetry(_Section):
    """Logs, metrics and health."""

    host: str = "127.0.0.1"
    #: 0 takes a free port and logs which.
    port: int = Field(default=9464, ge=0, le=65_535)
    enabled: bool = True
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"


class Settings(_Section):
    """Everything that can be configured."""

    kafka: Kafka = Kafka()
    mailgun: Mailgun
    smtp: Smtp = Smtp()
    ledger: Ledger = Ledger()
    catalog: Catalog = Catalog()
    delivery: Delivery = Delivery()
    routes: list[Route] = []
    telemetry: Telemetry = Telemetry()

    @model_validator(mode="after")
    def _a_mail_server_for_whoever_names_it(self) -> "Settings":
        names = {self.delivery.fallback, *(route.transport for route in self.routes)}
        if "smtp" in names and self.smtp.host is None:
            raise ValueError("smtp: give host, the fallback or a route names this transport")
        return self

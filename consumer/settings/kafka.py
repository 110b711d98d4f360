"""How to reach Kafka, and the names of the topics."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from consumer.settings.mapping import MappingSettings
from consumer.settings.section import Seconds, Section, with_secret

_OWN_FORMAT = "alarm-state-event"
#: Kafka's own rule for topic names.
_TOPIC = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")


def is_topic_name(text: str) -> bool:
    """Whether Kafka would take it for a topic."""
    return _TOPIC.fullmatch(text) is not None


class Kafka(Section):
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
    #: What labels and words mean, by format; and by topic, which wins key by key.
    mapping: dict[str, MappingSettings] = {}
    topic_mapping: dict[str, MappingSettings] = {}
    session_timeout_seconds: Seconds = 10.0
    max_poll_interval_seconds: Seconds = 300.0
    #: Records prepared at a time: of several partitions, each waits for so many of another.
    max_poll_records: int = Field(default=100, gt=0)
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

    @property
    def own_format_topic(self) -> str | None:
        """The topic of events that we may write our own format to; None: all have other formats."""
        free = (t for t in self.events_topics if self.formats.get(t, _OWN_FORMAT) == _OWN_FORMAT)
        return next(free, None)

    @model_validator(mode="after")
    def _secrets(self) -> "Kafka":
        return with_secret(self, "sasl_password")

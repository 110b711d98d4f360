"""The door for systems that speak HTTP: who may come in, with how much, and how often."""

import re
from pathlib import Path

from pydantic import Field, SecretStr, field_validator, model_validator

from consumer.settings.kafka import is_topic_name
from consumer.settings.section import Section, with_secret

#: It is a user name, a label of metrics and a field of logs.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class IngestClient(Section):
    """What one system proves itself with; either will do where both are given."""

    #: For `Authorization: Bearer`.
    token: SecretStr | None = None
    token_file: Path | None = None
    #: For basic authentication; the user is the client's name.
    password: SecretStr | None = None
    password_file: Path | None = None

    @model_validator(mode="after")
    def _secrets(self) -> "IngestClient":
        found = with_secret(with_secret(self, "token"), "password")
        if found.token is None and found.password is None:
            raise ValueError("give token or token_file, or password or password_file")
        return found


class Ingest(Section):
    """`messenger ingest`: alerts and events by POST, into the events topic."""

    #: Loopback: what faces the network (a proxy with a certificate) stands before it.
    host: str = "127.0.0.1"
    #: 0 takes a free port and logs which.
    port: int = Field(default=8027, ge=0, le=65_535)
    #: Whoever may post, by name. Nobody else may.
    clients: dict[str, IngestClient] = {}
    #: None: the first events topic that takes our own format.
    topic: str | None = None
    #: Of one request, unpacked. A webhook may have ten thousand alerts, which are some 5 MiB.
    max_body_bytes: int = Field(default=8_388_608, ge=1_024, le=16_777_216)
    #: Requests of one client; so many more may come at once after a quiet time.
    requests_per_second: float = Field(default=50.0, gt=0)
    burst: int = Field(default=200, ge=1)
    #: For /metrics, /healthz and /readyz; 0 takes a free one.
    telemetry_port: int = Field(default=9466, ge=0, le=65_535)

    @field_validator("clients")
    @classmethod
    def _names(cls, clients: dict[str, IngestClient]) -> dict[str, IngestClient]:
        for name in clients:
            if not _NAME.fullmatch(name):
                raise ValueError("a client's name holds letters, digits, dots, dashes, underscores")
        return clients

    @field_validator("topic")
    @classmethod
    def _topic_name(cls, topic: str | None) -> str | None:
        if topic is not None and not is_topic_name(topic):
            raise ValueError("a topic's name holds letters, digits, dots, dashes, underscores")
        return topic

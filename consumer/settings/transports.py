"""The ways to deliver: Mailgun, and a mail server."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from consumer.adapters.mailgun.address import checked_base_url, checked_domain
from consumer.settings.section import Seconds, Section, told, with_secret


class Mailgun(Section):
    """The sending domain and its key."""

    #: Scheme and host only: https://api.mailgun.net or https://api.eu.mailgun.net.
    base_url: str = "https://api.mailgun.net"
    domain: str = Field(min_length=1)
    api_key: SecretStr | None = None
    api_key_file: Path | None = None
    from_address: str = Field(min_length=3)
    connect_timeout_seconds: Seconds = 5.0
    read_timeout_seconds: Seconds = 30.0
    #: How many waiting emails one call may carry; 1: each email is a call of its own.
    batch_limit: int = Field(default=1000, ge=1, le=1000)
    #: A second key, that may read: sending keys cannot. Sends in doubt are looked up with it.
    lookup_key: SecretStr | None = None
    lookup_key_file: Path | None = None
    #: Which of Mailgun's records to ask: the Events API, or the newer Logs API.
    lookup_api: Literal["events", "logs"] = "events"

    @field_validator("base_url")
    @classmethod
    def _host_only(cls, url: str) -> str:
        return told(lambda: checked_base_url(url))

    @field_validator("domain")
    @classmethod
    def _plain_domain(cls, domain: str) -> str:
        return told(lambda: checked_domain(domain))

    @model_validator(mode="after")
    def _secrets(self) -> "Mailgun":
        return with_secret(with_secret(self, "lookup_key"), "api_key", required=True)


class Smtp(Section):
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
        return with_secret(self, "password")

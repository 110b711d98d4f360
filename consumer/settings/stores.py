"""The two stores: what was sent, and what is known of accounts and alarms."""

from pathlib import Path

from pydantic import Field, SecretStr, model_validator

from consumer.settings.section import Seconds, Section, with_secret


class Ledger(Section):
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
        return with_secret(self, "url")


class Catalog(Section):
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
        return with_secret(self, "url")

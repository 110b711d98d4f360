"""What providers report after they accepted an email: webhooks, and polling for what they miss."""

from pathlib import Path

from pydantic import Field, SecretStr, model_validator

from consumer.settings.section import Seconds, Section, with_secret

_HOUR = 3_600.0


class Feedback(Section):
    """Mailgun's webhooks and events."""

    #: `messenger run` does it too; of its processes the first receives the webhooks.
    in_run: bool = False
    #: Receive webhooks; needs the signing key.
    webhooks: bool = True
    #: Read Mailgun's events; needs mailgun.lookup_key. Of many processes one reads.
    poll: bool = True
    #: Loopback: what faces the network (a proxy with a certificate) stands before it.
    host: str = "127.0.0.1"
    #: 0 takes a free port and logs which.
    port: int = Field(default=8026, ge=0, le=65_535)
    path: str = Field(default="/webhooks/mailgun", pattern=r"^/[A-Za-z0-9._~/-]*$")
    #: The HTTP webhook signing key of the account, which is no API key. For webhooks of
    #: subaccounts: the parent account's.
    signing_key: SecretStr | None = None
    signing_key_file: Path | None = None
    #: Older signatures are refused. Mailgun comes again for 8 hours, and it is not known whether it
    #: signs anew; tokens are kept for longer than this.
    max_age_seconds: float = Field(default=12 * _HOUR, gt=0, le=48 * _HOUR)
    max_body_bytes: int = Field(default=262_144, ge=1_024)
    poll_interval_seconds: Seconds = 60.0
    #: Each reading begins so much before the end of the last one.
    overlap_seconds: float = Field(default=300.0, ge=0)
    #: Events may come to light this late, and are read again then.
    settle_seconds: Seconds = 1_800.0
    #: Read Mailgun's lists of suppressed addresses into the ledger; needs mailgun.lookup_key.
    suppressions: bool = True
    suppressions_interval_seconds: Seconds = 900.0
    #: For /metrics, /healthz and /readyz of `messenger feedback`; 0 takes a free one.
    telemetry_port: int = Field(default=9465, ge=0, le=65_535)

    @model_validator(mode="after")
    def _secrets(self) -> "Feedback":
        return with_secret(self, "signing_key")

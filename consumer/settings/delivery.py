"""How emails are made and sent."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from consumer.domain.address import valid_address
from consumer.domain.alarm import State
from consumer.domain.identity import normalised_address
from consumer.settings.section import Seconds, Section


class SecondsByState(Section):
    """A time for each state; what is UNKNOWN takes as long as a WARNING."""

    critical: Seconds
    warning: Seconds
    ok: Seconds

    def by_state(self) -> dict[State, float]:
        seconds = self.critical, self.warning, self.ok, self.warning
        return dict(
            zip((State.CRITICAL, State.WARNING, State.OK, State.UNKNOWN), seconds, strict=True)
        )


class MaxAge(SecondsByState):
    """Seconds after which an event is recorded as expired instead of sent, by state."""

    critical: Seconds = 86_400.0
    warning: Seconds = 86_400.0
    ok: Seconds = 86_400.0


class DoubtBudget(SecondsByState):
    """Seconds for which a send in doubt is looked up before it counts as not found, by state."""

    critical: Seconds = 60.0
    warning: Seconds = 300.0
    ok: Seconds = 1_800.0


class RecipientLimit(Section):
    """So many emails an hour to each address of a tenant; what is above is told in a summary."""

    #: None: as many as there are.
    emails_per_hour: int | None = Field(default=None, ge=1)
    #: From the first that is held back to the summary.
    summary_seconds: float = Field(default=900.0, ge=1, le=86_400)
    #: What may be held back; all emails are counted.
    limited_states: list[State] = [State.WARNING, State.OK, State.UNKNOWN]
    #: Emails an hour by tenant; 0: as many as there are.
    tenants: dict[str, Annotated[int, Field(ge=0)]] = {}

    @model_validator(mode="after")
    def _holds_something_back(self) -> "RecipientLimit":
        if not self.limited_states and (self.emails_per_hour or any(self.tenants.values())):
            raise ValueError("limited_states is empty: nothing would ever be held back")
        return self


class Delivery(Section):
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
    #: skip: an address on Mailgun's lists gets no email, which Mailgun would throw away anyway.
    suppressed_recipients: Literal["skip", "send"] = "skip"
    #: Who is told when an address cannot be reached: the plan's other contacts, and then the
    #: fallback contact; the fallback contact alone; or nobody.
    on_bounce: Literal["none", "plan", "fallback_contact"] = "none"
    fallback_contact: str | None = None
    recipient_limit: RecipientLimit = RecipientLimit()

    @field_validator("fallback_contact")
    @classmethod
    def _one_address(cls, text: str | None) -> str | None:
        address = None if text is None else normalised_address(text)
        if address is not None and not valid_address(address):
            raise ValueError("is no email address; write ops@example.com")
        return address

    @model_validator(mode="after")
    def _a_contact_for_whoever_falls_back_on_it(self) -> "Delivery":
        if self.on_bounce == "fallback_contact" and self.fallback_contact is None:
            raise ValueError('on_bounce = "fallback_contact" needs fallback_contact')
        return self

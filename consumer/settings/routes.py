"""Which way emails go: rules, the first that matches wins."""

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import Field, field_validator, model_validator

from consumer.domain.alarm import State
from consumer.domain.notification import SendOptions
from consumer.pipeline import deliver
from consumer.settings.section import Section

#: What it is called where no rule matches.
DEFAULT_ROUTE: Final = "default"


class Route(Section):
    """One rule; the first that matches wins."""

    #: Stays with the rule: its share is set by it, and tracking tells it.
    name: str | None = Field(default=None, pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")
    transport: Literal["mailgun", "smtp"] = "mailgun"
    tenants: list[str] = []
    states: list[State] = []
    percent: float = Field(default=100.0, ge=0, le=100)
    test_mode: bool = False
    tags: list[str] = []
    tracking: bool = False
    #: Take its traffic back when it is worse than the others; the rules are in [rollout.guard].
    guard: bool = False

    @field_validator("name")
    @classmethod
    def _none_of_ours(cls, name: str | None) -> str | None:
        if name == DEFAULT_ROUTE:
            raise ValueError(f"{name} is where no rule matches; take another")
        return name

    @model_validator(mode="after")
    def _a_name_for_the_guard(self) -> "Route":
        if self.guard and self.name is None:
            raise ValueError("guard = true needs a name")
        return self


def routes_of(rules: Sequence[Route]) -> list[deliver.Route]:
    """The rules as the stage `deliver` has them; one without a name is called by its number."""
    return [
        deliver.Route(
            options=SendOptions(
                transport=rule.transport,
                route=rule.name or deliver.numbered(number),
                test_mode=rule.test_mode,
                tags=tuple(rule.tags),
                tracking=rule.tracking,
            ),
            tenants=frozenset(rule.tenants),
            states=frozenset(rule.states),
            percent=rule.percent,
        )
        for number, rule in enumerate(rules, start=1)
    ]

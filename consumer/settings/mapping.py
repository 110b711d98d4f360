"""How a source's words become ours: `[kafka.mapping.FORMAT]` and `[kafka.topic_mapping.TOPIC]`."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from consumer.domain.alarm import Emits, State
from consumer.formats import FormatMapping
from consumer.settings.section import Section


def _listed(value: Any) -> Any:
    """One label, or several with commas between them, may be written as a text."""
    return [each.strip() for each in value.split(",")] if isinstance(value, str) else value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


_Text = Annotated[str, Field(min_length=1)]
_Labels = Annotated[tuple[_Text, ...], BeforeValidator(_listed)]
_State = Annotated[State, BeforeValidator(_upper)]


class MappingSettings(Section):
    """What is not set keeps the format's default; docs/formats.md tells these."""

    #: Name of the source in its events; events of one name repeat states, or none does.
    source: _Text | None = None
    #: changes: each event is a change; repeats: a state is sent again while it lasts.
    emits: Emits | None = None
    #: Tenant of events whose labels say none.
    default_tenant: _Text | None = None
    #: Labels, in the order in which they are tried.
    tenant: _Labels | None = None
    entity: _Labels | None = None
    check: _Labels | None = None
    alarm: _Labels | None = None
    #: Labels that hold the id of a notification plan.
    plan: _Labels | None = None
    #: Labels that hold the word which `states` is asked for.
    severity: _Labels | None = None
    #: Texts (annotations) that make the message, and those that may hold a link.
    status: _Labels | None = None
    link: _Labels | None = None
    #: State by the source's word; upper and lower case are the same.
    states: dict[_Text, _State] | None = None
    #: State of a word that is not in `states`.
    default_state: _State | None = None
    #: Of an envelope: format by its word for what is inside.
    types: dict[_Text, _Text] | None = None

    def as_mapping(self) -> FormatMapping:
        """As the formats take it."""
        given = self.model_dump(exclude_none=True)
        if "states" in given:
            given["states"] = {word.lower(): state for word, state in given["states"].items()}
        return FormatMapping(**given)

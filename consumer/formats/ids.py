"""The four ids of an alarm, found among a source's labels."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from consumer.domain.follow_up import OWN_ATTRIBUTES
from consumer.formats.mapping import FormatMapping, first_of
from consumer.formats.mending import text_or_none
from consumer.formats.naming import identifier
from consumer.formats.problems import mismatch


class Ids(NamedTuple):
    """What an atom is made of."""

    tenant: str
    entity: str
    check: str
    alarm: str


def ids_among(labels: Mapping[str, str], mapping: FormatMapping) -> Ids:
    """What the mapping's labels say. Raises InvalidMessage for an id that none of them has."""
    return Ids(
        tenant=_found("tenant", first_of(labels, mapping.tenant) or mapping.default_tenant),
        entity=_found("entity", first_of(labels, mapping.entity)),
        check=_found("check", first_of(labels, mapping.check)),
        alarm=_found("alarm", first_of(labels, mapping.alarm)),
    )


def as_labels(named: Mapping[str, Any]) -> dict[str, str]:
    """The values that are text or whole numbers, as text; names like ours are left out."""
    return {
        name: text
        for name, value in named.items()
        if not name.startswith(OWN_ATTRIBUTES) and (text := text_or_none(value))
    }


def _found(what: str, text: str | None) -> str:
    if not text:
        raise mismatch(what, "no label of the mapping has it")
    return identifier(text)

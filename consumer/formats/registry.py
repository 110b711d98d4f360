"""All input formats, and how one is recognised.

A format is one module with five names: NAME, EMITS, MAPPING, `matches` and `decode`; see `Format`.
It is added to the tuple below, and there is nothing else to do.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from consumer.domain.alarm import Emits
from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Reason
from consumer.formats import (
    alarm_state_event,
    alertmanager,
    cloudevents,
    cloudwatch,
    flapjack,
    grafana,
    markers,
    monasca,
    rackspace,
    salus,
    zabbix,
)
from consumer.formats.mapping import FormatMapping, Mappings
from consumer.formats.markers import Markers
from consumer.formats.parts import Contents, Headers
from consumer.formats.problems import quoted


class Format(NamedTuple):
    """An input format. `decode` raises InvalidMessage, or what the JSON reader raises."""

    name: str
    decode: Callable[[bytes, Headers, FormatMapping], Contents]
    #: Whether its sources repeat a state while it lasts.
    emits: Emits
    matches: Callable[[Markers], bool]
    #: The defaults of what can be set; None where there is nothing to set.
    mapping: FormatMapping


#: In the order in which they are tried.
FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        module.NAME: Format(
            module.NAME, module.decode, module.EMITS, module.matches, module.MAPPING
        )
        for module in (
            alarm_state_event,
            rackspace,
            cloudevents,
            alertmanager,
            grafana,
            monasca,
            cloudwatch,
            salus,
            zabbix,
            flapjack,
        )
    }
)

DEFAULTS: Final[Mappings] = MappingProxyType(
    {name: known.mapping for name, known in FORMATS.items()}
)


def overlaid(mappings: Mappings, given: Mappings) -> Mappings:
    """The mappings of all formats, with what is given for some of them."""
    nothing = FormatMapping()
    return {name: each.overlaid(given.get(name, nothing)) for name, each in mappings.items()}


def repeating_sources(mappings: Mappings) -> frozenset[str]:
    """The sources that repeat a state while it lasts, of formats whose events have a set one."""
    return frozenset(
        each.source
        for name, each in mappings.items()
        if each.source
        and FORMATS[name].mapping.source
        and (each.emits or FORMATS[name].emits) is Emits.REPEATS
    )


def recognised(body: bytes, headers: Headers) -> Format:
    """The format of a message; raises InvalidMessage, or what the JSON reader raises."""
    if headers and cloudevents.is_binary(headers):
        return FORMATS[cloudevents.NAME]
    found = markers.DECODER.decode(body)
    for known in FORMATS.values():
        if known.matches(found):
            return known
    if isinstance(found.schema, str):
        detail = f"schema: {quoted(found.schema)} is not known"
    else:
        there = ", ".join(found.names()) or "nothing"
        detail = f"message: has {there} of what formats are recognised by"
    raise InvalidMessage(Reason.UNKNOWN_FORMAT, detail)

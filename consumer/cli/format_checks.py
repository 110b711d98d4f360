"""What is wrong with formats and their mappings: names that are not known, keys without effect."""

from collections.abc import Iterable, Iterator, Sequence

from consumer.cli.findings import Finding, Level, problem, warning
from consumer.domain.alarm import Emits
from consumer.domain.catalog import Account
from consumer.formats import DEFAULTS, FORMATS, FormatMapping
from consumer.formats.mapping import KEYS
from consumer.pipeline.plan import technical_contacts
from consumer.settings import Kafka
from consumer.wiring import receive_settings

#: Formats in which one is packed into another: what is set beside them is for what is inside.
_ENVELOPES = frozenset(name for name, each in DEFAULTS.items() if each.types is not None)
#: Keys that are of use wherever another one is.
_BESIDE = {"emits": "source", "default_state": "states"}


def check_formats(kafka: Kafka) -> Iterator[Finding]:
    """Of `[kafka] formats`, `mapping` and `topic_mapping`."""
    found = [*_formats(kafka), *_mappings(kafka), *_topic_mappings(kafka)]
    yield from found
    if not any(each.level is Level.PROBLEM for each in found):
        yield from _contradictions(kafka)


def check_default_tenants(kafka: Kafka, accounts: Iterable[Account]) -> Iterator[Finding]:
    """Tenants that alarms fall to, and of whom the catalog knows nobody to tell."""
    reached = {each.external_id for each in accounts if technical_contacts(each)}
    given = {f"mapping.{name}": each for name, each in kafka.mapping.items()}
    given |= {f"topic_mapping.{topic}": each for topic, each in kafka.topic_mapping.items()}
    for table, each in given.items():
        if each.default_tenant and each.default_tenant not in reached:
            yield warning(
                f"[kafka] {table}.default_tenant",
                f"the catalog has no account {each.default_tenant} with contacts; of an alarm "
                "without a plan of its own nobody is told",
            )


def _formats(kafka: Kafka) -> Iterator[Finding]:
    for topic, name in kafka.formats.items():
        place = f"[kafka] formats.{topic}"
        if name not in FORMATS:
            yield problem(place, _no_format(name))
        yield from _topic(place, topic, kafka)


def _mappings(kafka: Kafka) -> Iterator[Finding]:
    for name, each in kafka.mapping.items():
        place = f"[kafka] mapping.{name}"
        if name in FORMATS:
            yield from _keys(place, each.as_mapping(), [name])
        else:
            yield problem(place, _no_format(name))


def _topic_mappings(kafka: Kafka) -> Iterator[Finding]:
    for topic, each in kafka.topic_mapping.items():
        place, given = f"[kafka] topic_mapping.{topic}", each.as_mapping()
        yield from _topic(place, topic, kafka)
        fixed = kafka.formats.get(topic)
        one = fixed in FORMATS and fixed not in _ENVELOPES
        yield from _keys(place, given, [fixed] if fixed and one else list(FORMATS))
        if given.emits is not None and given.source is None:
            yield problem(
                f"{place}.emits",
                "is told by the source's name; give these events a source of their own",
            )


def _no_format(name: str) -> str:
    return f"there is no format {name!r}; use one of {', '.join(FORMATS)}"


def _topic(place: str, topic: str, kafka: Kafka) -> Iterator[Finding]:
    if topic not in kafka.events_topics:
        yield warning(place, "is not used: events_topic does not name this topic")


def _keys(place: str, given: FormatMapping, names: Sequence[str]) -> Iterator[Finding]:
    """Keys that none of these formats has a use for, and formats inside that do not exist."""
    for key in given.given():
        if not any(_uses(name, key) for name in names):
            used = ", ".join(each for each in KEYS if any(_uses(name, each) for name in names))
            whose = names[0] if len(names) == 1 else "any format"
            yield problem(f"{place}.{key}", f"is nothing to {whose}; it has {used or 'no keys'}")
    for word, name in (given.types or {}).items():
        if name not in FORMATS or name in _ENVELOPES:
            yield problem(f"{place}.types.{word}", _no_format(name))


def _uses(name: str, key: str) -> bool:
    defaults = DEFAULTS[name]
    return getattr(defaults, _BESIDE.get(key, key)) is not None


def _contradictions(kafka: Kafka) -> Iterator[Finding]:
    """A source that repeats counts for all whose names begin with its own and a slash."""
    repeating = receive_settings(kafka).repeating_sources()
    given = [("mapping", name, each) for name, each in kafka.mapping.items()]
    given += [("topic_mapping", topic, each) for topic, each in kafka.topic_mapping.items()]
    for table, name, each in given:
        source = each.source or (DEFAULTS[name].source if table == "mapping" else None)
        if each.emits is not Emits.CHANGES or source is None:
            continue
        if repeating & {source, source.split("/", 1)[0]}:
            yield problem(
                f"[kafka] {table}.{name}.emits",
                f"events of the source {source!r} repeat elsewhere; give these another source",
            )

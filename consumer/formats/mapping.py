"""How a source's own words become ours: which label is what, and which word means which state."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from consumer.domain.alarm import Emits, State
from consumer.formats.problems import mismatch


class FormatMapping(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set for a format.

    In a format's own mapping, which holds its defaults, None means that the format has no use for
    the key. In an operator's it leaves the default as it is. Labels are tried in their order, and
    the first that has a value counts; "label" stands for whatever the source calls it: dimension,
    tag, annotation.
    """

    #: Name of the source, in its events and in the ids that are derived.
    source: str | None = None
    #: Whether the source repeats a state while it lasts.
    emits: Emits | None = None
    #: For events that no label says the tenant of; "": the format has a way of its own.
    default_tenant: str | None = None
    tenant: tuple[str, ...] | None = None
    entity: tuple[str, ...] | None = None
    check: tuple[str, ...] | None = None
    alarm: tuple[str, ...] | None = None
    #: The id of a notification plan.
    plan: tuple[str, ...] | None = None
    #: The word that `states` is asked for.
    severity: tuple[str, ...] | None = None
    #: The texts that become the event's status, each that there is.
    status: tuple[str, ...] | None = None
    link: tuple[str, ...] | None = None
    #: The source's words, in lower case, and what they mean. An operator's are added to the
    #: defaults, and win over them.
    states: Mapping[str, State] | None = None
    #: Of a word that `states` does not have.
    default_state: State | None = None
    #: The format inside an envelope, by the envelope's word for it.
    types: Mapping[str, str] | None = None

    def overlaid(self, given: "FormatMapping") -> "FormatMapping":
        """This one, with what `given` sets."""
        changes = {key: value for key in KEYS if (value := getattr(given, key)) is not None}
        for key in ("states", "types"):
            if key in changes:
                changes[key] = {**(getattr(self, key) or {}), **changes[key]}
        return msgspec.structs.replace(self, **changes)

    def state_of(self, *words: str | None) -> State | None:
        """What the first of the words that is known means, whatever its case, or the default.

        None: neither a word nor the default is set.
        """
        states = self.states or {}
        for word in words:
            if word is not None and (state := states.get(word.strip().lower())):
                return state
        return self.default_state

    def known_state(self, field: str, word: str) -> State:
        """What the word of this field means. Raises InvalidMessage where nobody has said."""
        state = self.state_of(word)
        if state is None:
            raise mismatch(field, f"{word} is not a state we know")
        return state

    def given(self) -> list[str]:
        """The keys that are set."""
        return [key for key in KEYS if getattr(self, key) is not None]


KEYS: Final = FormatMapping.__struct_fields__

#: By the name of the format.
Mappings = Mapping[str, FormatMapping]


def first_of(labels: Mapping[str, str], names: Iterable[str] | None) -> str | None:
    """The value of the first of these labels that has one."""
    return next((value for name in names or () if (value := labels.get(name))), None)


def texts_of(labels: Mapping[str, str], names: Iterable[str] | None) -> str | None:
    """The values of these labels, each once, a line each; None if there is none."""
    found = (labels.get(name, "").strip() for name in names or ())
    return "\n".join(dict.fromkeys(text for text in found if text)) or None

"""Which mails the inbox lists: the search of its form, and the pages of what it finds. Pure but
for reading the store."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

from consumer.sandbox.mailgun.events import Event
from consumer.sandbox.mailgun.mail import Stored
from consumer.sandbox.mailgun.store import Store

PAGE_SIZE = 100

_PORTION = 1000  # mails looked at between two short holds of the store's lock

STATES = (
    "accepted",
    "delayed",
    "delivered",
    "failed",
    "rejected",
    "opened",
    "clicked",
    "unsubscribed",
    "complained",
)
"""What may have happened to a mail last. `delayed`: an attempt failed, and another follows."""

# A Mailgun event's id is a digest: it is worked out only for a word that looks like one.
_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{22}")


def state_of(event: Event) -> str:
    """What a mail is, one of STATES, after this event."""
    return "delayed" if event.kind == "failed" and event.severity == "temporary" else event.kind


class Listed(NamedTuple):
    """A mail with all that happened to it, oldest first."""

    stored: Stored
    events: list[Event]

    @property
    def state(self) -> str:
        """One of STATES."""
        return state_of(self.events[-1]) if self.events else "accepted"


@dataclass(frozen=True, slots=True)
class Search:
    """What the form says, and how far back one has paged."""

    text: str = ""
    """Words; each must be in one of the texts or ids of a mail, or be the id of its event."""
    state: str = ""
    """One of STATES; empty: any."""
    before: int = 0
    """Only mails with smaller sequence numbers; 0: from the newest."""

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> "Search":
        """From the query of the page; nonsense counts as nothing."""
        state, before = parameters.get("state", ""), parameters.get("before", "")
        return cls(
            parameters.get("q", "").strip(),
            state if state in STATES else "",
            int(before) if before.isascii() and before.isdecimal() else 0,
        )

    @property
    def filters(self) -> bool:
        return bool(self.text or self.state)

    def address(self, **more: object) -> str:
        """The page with this search; `more` is added to it or replaces parts of it."""
        query = {"q": self.text, "state": self.state, "before": self.before or ""} | more
        query = {name: value for name, value in query.items() if value != ""}
        return "/?" + urlencode(query) if query else "/"


def find(store: Store, search: Search) -> tuple[list[Listed], bool]:
    """A page of the mails that match, newest first; whether older ones match too."""
    found: list[Listed] = []
    for listed in _matching(store, search):
        if len(found) == PAGE_SIZE:
            return found, True
        found.append(listed)
    return found, False


def _matching(store: Store, search: Search) -> Iterator[Listed]:
    """The lock is never held for as long as it takes to look through all mails."""

    def placed(stored: Stored) -> bool:
        return not search.before or stored.sequence < search.before

    limit = store.stats()["kept_messages"] if search.filters else PAGE_SIZE + 1
    mails = store.messages(placed, limit)
    matches = _test(search)
    for start in range(0, len(mails), _PORTION):
        portion = mails[start : start + _PORTION]
        for listed in map(Listed, portion, store.histories(portion)):
            if matches(listed):
                yield listed


def _test(search: Search) -> Callable[[Listed], bool]:
    words = [(word.lower(), word) for word in search.text.split()]

    def test(listed: Listed) -> bool:
        if search.state and search.state != listed.state:
            return False
        if not words:
            return True
        text = _searched(listed.stored)
        return all(word in text or _names_event(listed, as_typed) for word, as_typed in words)

    return test


def _searched(stored: Stored) -> str:
    mail = stored.mail
    parts = (
        mail.subject,
        mail.recipient,
        mail.to,
        mail.from_,
        f"<{mail.message_id}>",
        stored.key,
        *mail.tags,
        *mail.variables.values(),
        mail.text,
    )
    return "\n".join(parts).lower()


def _names_event(listed: Listed, word: str) -> bool:
    return _EVENT_ID.fullmatch(word) is not None and any(
        event.id == word for event in listed.events
    )

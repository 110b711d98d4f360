"""`Name <a@b>, c@d` → mailboxes. Stricter than the standard library's parser, which
accepts nearly anything, and quicker."""

import re
from email.utils import formataddr
from functools import lru_cache
from typing import NamedTuple

_ATOM = r"[^\s\"(),.:;<>@\[\\\]\x00-\x20\x7f]+"
_LOCAL = rf"(?:{_ATOM}(?:\.{_ATOM})*|\"(?:[^\"\\\r\n]|\\.)+\")"
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_ADDRESS = rf"(?P<{{group}}>{_LOCAL}@{_LABEL}(?:\.{_LABEL})*)"
_MAILBOX = re.compile(
    rf"\s*(?:{_ADDRESS.format(group='bare')}"
    rf"|(?P<name>\"(?:[^\"\\]|\\.)*\"|[^\"<>,@]*?)\s*<{_ADDRESS.format(group='angle')}>)\s*"
)
_SEPARATOR = re.compile(r'((?:[^",]|"(?:[^"\\]|\\.)*")*)(?:,|$)')

_MAX_LOCAL, _MAX_DOMAIN = 64, 255  # RFC 5321, 4.5.3.1


class Mailbox(NamedTuple):
    """An address and the name beside it, which may be empty."""

    name: str
    address: str

    def __str__(self) -> str:
        return formataddr(self, "utf-8")


@lru_cache(maxsize=4096)
def parse_mailbox(text: str) -> Mailbox | None:
    """One mailbox, or None where the text is not a valid address."""
    match = _MAILBOX.fullmatch(text)
    if match is None:
        return None
    address = match["bare"] or match["angle"]
    local, _, domain = address.rpartition("@")
    if len(local) > _MAX_LOCAL or len(domain) > _MAX_DOMAIN:
        return None
    name = match["name"] or ""
    if name.startswith('"'):
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return Mailbox(name, address)


def parse_mailboxes(values: list[str]) -> list[Mailbox] | None:
    """All mailboxes of a repeatable field, or None if any of them is not valid."""
    mailboxes: list[Mailbox] = []
    if len(values) == 1 and "," not in values[0] and values[0].strip():
        mailbox = parse_mailbox(values[0])
        return None if mailbox is None else [mailbox]
    for value in values:
        for piece in split_list(value):
            mailbox = parse_mailbox(piece)
            if mailbox is None:
                return None
            mailboxes.append(mailbox)
    return mailboxes


def split_list(text: str) -> list[str]:
    """Split at the commas that are not inside quotes."""
    if "," not in text:
        return [text] if text.strip() else []
    if '"' not in text:
        pieces = text.split(",")
    else:
        pieces = [match[1] for match in _SEPARATOR.finditer(text)]
    return [piece for piece in pieces if piece.strip()]

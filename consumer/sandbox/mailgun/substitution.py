"""`%recipient.x%` and its relatives, as Mailgun replaces them in batch sending. Pure."""

import re
from collections.abc import Mapping

from consumer.sandbox.mailgun.addresses import Mailbox

_PLACEHOLDER = re.compile(r"%recipient(?:\.([^%\r\n]+)|_(email|name|fname|lname))?%")


class Personal:
    """Fills in the placeholders for one recipient.

    Values are inserted literally. A variable that the recipient does not have leaves its
    placeholder standing, or nothing: what Mailgun does then is not documented.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        variables: Mapping[str, str],
        *,
        missing_is_empty: bool = False,
    ) -> None:
        self._missing_is_empty = missing_is_empty
        self._mailbox = mailbox
        self._variables = variables

    def fill(self, text: str) -> str:
        if "%recipient" not in text:
            return text
        return _PLACEHOLDER.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        variable, part = match.groups()
        if variable is not None:
            return self._variables.get(variable, "" if self._missing_is_empty else match[0])
        return str(self._mailbox) if part is None else self._part(part)

    def _part(self, part: str) -> str:
        name, address = self._mailbox
        if part == "email":
            return address
        if part == "name":
            return name
        first, _, last = name.partition(" ")
        return first if part == "fname" else last


class Verbatim(Personal):
    """Outside batch sending nothing is replaced."""

    def __init__(self) -> None:
        super().__init__(Mailbox("", ""), {})

    def fill(self, text: str) -> str:
        return text

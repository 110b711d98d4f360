"""Name and password of a mail server: said to it, and to nobody else.

By hand, because smtplib's `login` takes ASCII only, prefers CRAM-MD5 and raises a ValueError for a
challenge that is not base64.
"""

import base64
import re
from collections.abc import Callable

from consumer.adapters.smtp.replies import Reply


class Login:
    """AUTH PLAIN (RFC 4616) or, where the server has only that, AUTH LOGIN."""

    def __init__(self, username: str, password: str) -> None:
        self._username = _base64(username)
        self._password = _base64(password)
        self._plain = _base64(f"\0{username}\0{password}")
        secrets = [re.escape(form) for form in (self._plain, self._password, password) if form]
        # A name may be a word as short as `bot`, and `robot` stays what it is.
        names = [rf"(?<!\w){re.escape(form)}(?!\w)" for form in (self._username, username) if form]
        self._told = re.compile("|".join([*secrets, *names]), re.IGNORECASE)

    def __repr__(self) -> str:
        return "Login(***)"

    def exchange(self, offered: str, say: Callable[[str], Reply]) -> Reply | None:
        """Log in with a mechanism of those `offered` (`PLAIN LOGIN`); the server's last word.

        None: it offers none that we know.
        """
        mechanisms = offered.upper().split()
        if "PLAIN" in mechanisms:
            return say(f"AUTH PLAIN {self._plain}")
        if "LOGIN" not in mechanisms:
            return None
        reply = say("AUTH LOGIN")
        for answer in (self._username, self._password):
            if reply.code != 334:
                break
            reply = say(answer)
        return reply

    def struck_from(self, text: str) -> str:
        """A server may echo what it was told."""
        return self._told.sub("***", text)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()

"""Whether a webhook was signed by Mailgun, and lately. Pure."""

import hashlib
import hmac
from enum import Enum
from typing import Any, Final

#: Mailgun's have 50 characters.
_MAX_TOKEN: Final = 128
#: Seconds that Mailgun's clock may be ahead of ours.
_AHEAD: Final = 900.0


class Checked(Enum):
    """What is to be thought of a signature."""

    GOOD = "good"
    BAD = "bad"
    #: Good, and so old that its token may have been used and forgotten.
    OLD = "old"
    #: Good, and of a time that is still to come: one of the clocks is wrong.
    AHEAD = "ahead"


def token_of(signature: Any) -> str | None:
    """The token, if it may be one."""
    token = signature.get("token") if isinstance(signature, dict) else None
    usable = isinstance(token, str) and 0 < len(token) <= _MAX_TOKEN and token.isascii()
    return token if usable else None


def check(signature: Any, key: str, now: float, max_age_seconds: float) -> Checked:
    """Hold a webhook's `signature` against the signing key; times in seconds.

    Events of a subaccount are signed twice: by its own key, and by the parent account's.
    """
    timestamp, token = _timestamp(signature), token_of(signature)
    if timestamp is None or token is None:
        return Checked.BAD
    expected = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256)
    # Both are compared, whatever the first says: the time it takes tells nothing.
    own = _equal(signature.get("signature"), expected.hexdigest())
    parents = _equal(signature.get("parent-signature"), expected.hexdigest())
    if not (own or parents):
        return Checked.BAD
    age = now - int(timestamp)
    if age > max_age_seconds:
        return Checked.OLD
    return Checked.AHEAD if age < -_AHEAD else Checked.GOOD


def _timestamp(signature: Any) -> str | None:
    """As it was signed: a text, or a number by the documentation. Digits can be moved from the
    token into it, and then it is no time of this century."""
    value = signature.get("timestamp") if isinstance(signature, dict) else None
    if not isinstance(value, str | int):
        return None
    text = str(value)
    return text if text.isascii() and text.isdigit() and len(text) < 16 else None


def _equal(given: Any, expected: str) -> bool:
    text = given if isinstance(given, str) else ""
    return hmac.compare_digest(text.encode(errors="replace"), expected.encode())

"""The signature of a webhook. Pure but for the token."""

import hashlib
import hmac
import secrets
from typing import Any

TOKEN_LENGTH = 50


def signed(
    key: str, now: float, parent_key: str = "", *, as_number: bool = False
) -> dict[str, Any]:
    """The `signature` of a webhook: HMAC-SHA256 over time stamp and token, not over the body.
    The events of a subaccount are signed by its parent too."""
    timestamp, token = str(int(now)), secrets.token_hex(TOKEN_LENGTH // 2)
    signature: dict[str, Any] = {
        "timestamp": int(timestamp) if as_number else timestamp,
        "token": token,
        "signature": _hmac(key, timestamp + token),
    }
    if parent_key:
        signature["parent-signature"] = _hmac(parent_key, timestamp + token)
    return signature


def _hmac(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()

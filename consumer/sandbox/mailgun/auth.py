"""HTTP Basic with the user `api`, and what the key allows."""

import base64
from collections.abc import Mapping

from consumer.sandbox.mailgun.options import Role


def role_of(authorization: str, api_keys: Mapping[str, Role]) -> Role | None:
    """The role of the key in an Authorization header; None for a missing or wrong one."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, key = base64.b64decode(token, validate=True).decode().partition(":")
    except ValueError:
        return None
    return api_keys.get(key) if user == "api" else None

"""Whose request it is: a token or a name with a password, compared in constant time."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final

import msgspec

from consumer.ports import Secret

#: What may stand where a client's name is told; no client can be called so.
STRANGER: Final = "-"


class Proofs(msgspec.Struct, frozen=True, kw_only=True):
    """What one client may prove itself with."""

    token: Secret | None = None
    password: Secret | None = None


class Credentials:
    """Knows the clients by keyed digests of what they say; the secrets themselves are not kept."""

    def __init__(self, clients: Mapping[str, Proofs]) -> None:
        self._key = secrets.token_bytes(32)
        self._known = [
            (name, self._digest(said))
            for name, proofs in clients.items()
            for said in _says(name, proofs)
        ]

    def client(self, authorization: str | None) -> str | None:
        """The client whose `Authorization` header it is; None: nobody's.

        All known ones are compared, whichever matches: the time tells nothing.
        """
        digest = self._digest(_said(authorization or ""))
        found = None
        for name, known in self._known:
            if hmac.compare_digest(digest, known):
                found = name
        return found

    def _digest(self, said: bytes) -> bytes:
        return hashlib.blake2b(said, key=self._key, digest_size=32).digest()


def _says(name: str, proofs: Proofs) -> list[bytes]:
    """The ways in which this client may say who it is."""
    ways = []
    if proofs.token is not None:
        ways.append(b"bearer " + proofs.token.get_secret_value().encode())
    if proofs.password is not None:
        ways.append(b"basic " + f"{name}:{proofs.password.get_secret_value()}".encode())
    return ways


def _said(authorization: str) -> bytes:
    """The header in the same words; something that nobody says where it is none of the two."""
    scheme, _, rest = authorization.strip().partition(" ")
    # Headers come as Latin-1, whatever their bytes meant.
    value = rest.strip().encode("latin-1", errors="replace")
    match scheme.lower():
        case "bearer":
            return b"bearer " + value
        case "basic":
            try:
                return b"basic " + base64.b64decode(value, validate=True)
            except binascii.Error:
                return b""
        case _:
            return b""

"""What counts as an email address we can send to.

Narrower than RFC 5321: what mail providers take from strangers. Comments, address literals,
spaces, commas and hosts without a dot are refused; local parts are ASCII.
"""

import re
from typing import Final

#: RFC 5321, 4.5.3.1: octets of a local part, of a domain (253 as text), of a path without <>.
_MAX_LOCAL: Final = 64
_MAX_DOMAIN: Final = 253
_MAX_ADDRESS: Final = 254

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
#: Printable ASCII but space and comma; quote and backslash only behind a backslash.
_QUOTED = re.compile(r'"(?:[!#-+\--\[\]-~]|\\[!-+\--~])+"')
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


def valid_address(text: str) -> bool:
    """Whether `text` is one bare address, without name, brackets or surrounding space."""
    local, at, domain = text.rpartition("@")
    if not at or len(local) > _MAX_LOCAL:
        return False
    if not (_DOT_ATOM.fullmatch(local) or _QUOTED.fullmatch(local)):
        return False
    name = _ascii_domain(domain)
    return name is not None and len(local) + 1 + len(name) <= _MAX_ADDRESS and _valid_domain(name)


def _ascii_domain(domain: str) -> str | None:
    """The domain as it goes over the wire; None where IDNA has no form for it."""
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None


def _valid_domain(name: str) -> bool:
    """At least two labels, the last one no number: `1.2.3.4` is a host, not a domain."""
    labels = name.split(".")
    return (
        len(name) <= _MAX_DOMAIN
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )

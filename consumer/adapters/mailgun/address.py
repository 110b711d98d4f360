"""The two settings that make the URL, checked before anything is sent to it. Pure."""

import re
from typing import Final
from urllib.parse import urlsplit

from consumer.domain.errors import SettingsError

_DOMAIN: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def checked_base_url(text: str) -> str:
    """Scheme and host (and port) in one form. Raises SettingsError with what to do.

    Paths are refused: the API version differs per endpoint and is added by us, and a `/v3` too
    many makes Mailgun answer 200 to nothing.
    """
    wanted = "write scheme and host only: https://api.mailgun.net or https://api.eu.mailgun.net"
    try:
        url = urlsplit(text.strip())
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # brackets or a port that are none
        usable = False
    if not usable:
        raise SettingsError([f"mailgun.base_url is not a web address: {wanted}"])
    if url.username is not None or url.password is not None:
        raise SettingsError([f"mailgun.base_url holds a user name: {wanted}, key in api_key_file"])
    if url.path not in ("", "/") or url.query or url.fragment:
        raise SettingsError([f"mailgun.base_url has something behind the host: {wanted}"])
    return f"{url.scheme}://{url.netloc.lower()}"


def checked_domain(domain: str) -> str:
    """The domain as part of a path. Raises SettingsError: Mailgun answers 200 to a wrong path."""
    if not _DOMAIN.fullmatch(domain):
        raise SettingsError(
            [f"mailgun.domain {domain!r} is not a domain: write alerts.example.com"]
        )
    return domain.lower()

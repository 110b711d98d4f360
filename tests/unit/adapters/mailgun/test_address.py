"""What a base URL and a sending domain may be."""

import pytest

from consumer.adapters.mailgun.address import checked_base_url, checked_domain
from consumer.domain.errors import SettingsError
from tests.unit.adapters.mailgun.sessions import KEY


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://api.mailgun.net", "https://api.mailgun.net"),
        ("https://api.eu.mailgun.net/", "https://api.eu.mailgun.net"),
        (" HTTPS://API.mailgun.net ", "https://api.mailgun.net"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_base_url_is_scheme_and_host(text: str, url: str) -> None:
    assert checked_base_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "https://api.mailgun.net/v3",
        "https://api.mailgun.net/v3/",
        "https://api.mailgun.net?x=1",
        "https://api.mailgun.net#x",
        "api.mailgun.net",
        "ftp://api.mailgun.net",
        "https://",
        "https://api.mailgun.net:port",
        "https://api.mailgun.net:99999",
        "https://[::1",
        "",
    ],
)
def test_another_base_url_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(SettingsError, match=r"mailgun\.base_url .* https://api\.mailgun\.net"):
        checked_base_url(text)


def test_a_key_in_the_base_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        checked_base_url(f"https://api:{KEY}@api.mailgun.net")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "domain", ["", "a/b", "a b", "../x", "a?b", "-a.example", "h\u00f6he.example"]
)
def test_a_domain_that_would_change_the_path_is_refused(domain: str) -> None:
    with pytest.raises(SettingsError, match=r"mailgun\.domain"):
        checked_domain(domain)

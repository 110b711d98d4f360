"""From settings to parts."""

from typing import Any

import pytest

from consumer.settings import Settings
from consumer.wiring import carriers, ledger_patience


def settings(fallback: str | None, *routes: str) -> Any:
    given: dict[str, Any] = {
        "kafka": {"bootstrap_servers": "localhost:9092"},
        "mailgun": {"api_key": "key", "domain": "example.com", "from_address": "a@example.com"},
        "smtp": {"host": "mail.example.com"},
        "delivery": {"fallback": fallback},
        "routes": [{"transport": name} for name in routes],
    }
    return Settings.model_validate(given)


@pytest.mark.parametrize(
    ("fallback", "routes", "expected"),
    [
        (None, ("smtp",), {}),
        ("smtp", (), {"mailgun": "smtp", "smtp": "mailgun"}),
        ("smtp", ("smtp",), {"mailgun": "smtp"}),
    ],
)
def test_who_carries_the_emails_of_a_transport_that_is_away(
    fallback: str | None, routes: tuple[str, ...], expected: dict[str, str]
) -> None:
    """A fallback with routes of its own is missed by them."""
    assert carriers(settings(fallback, *routes)) == expected


@pytest.mark.parametrize(("lease", "patience"), [(30.0, 10.0), (600.0, 10.0), (6.0, 2.0)])
def test_a_lease_lives_through_two_statements_in_vain(lease: float, patience: float) -> None:
    assert ledger_patience(lease) == patience

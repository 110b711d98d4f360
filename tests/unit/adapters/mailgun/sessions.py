"""A session for tests: one connection, short timeouts, a clock that stands still."""

from typing import Any

from consumer.adapters.mailgun.session import MailgunSession
from tests.support.clock import ManualClock

KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"
TIMEOUT = 0.3


def make_session(url: str, **changes: Any) -> MailgunSession:
    values: dict[str, Any] = {
        "base_url": url,
        "domain": "alerts.example.com",
        "api_key": KEY,
        "connect_timeout": TIMEOUT,
        "read_timeout": TIMEOUT,
        "pool_size": 1,
        "monotonic": ManualClock().monotonic,
    }
    return MailgunSession(**(values | changes))

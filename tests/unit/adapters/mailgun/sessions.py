"""A session for tests: one connection, short timeouts, a clock that stands still."""

from typing import Any

from consumer.adapters.mailgun.key import Key
from consumer.adapters.mailgun.session import Answer, MailgunSession
from tests.support.clock import ManualClock

KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"
PATH = "/v3/alerts.example.com/messages"
TIMEOUT = 0.3


class FormSession(MailgunSession):
    """Posts forms to one path, as the transport does."""

    def post(self, form: bytes) -> Answer:
        return self.request("POST", PATH, form, "application/x-www-form-urlencoded")


def make_session(url: str, **changes: Any) -> FormSession:
    values: dict[str, Any] = {
        "base_url": url,
        "key": Key(KEY, "mailgun.api_key"),
        "connect_timeout": TIMEOUT,
        "read_timeout": TIMEOUT,
        "pool_size": 1,
        "monotonic": ManualClock().monotonic,
    }
    return FormSession(**(values | changes))

"""How Mailgun is asked about one message: as a query of its Events API, or of its Logs. Pure.

Both get the Message-Id without brackets: with them the Events API answers with events of other
messages. And both get a beginning and an end, as either alone is not always honoured.
"""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec

#: Which of Mailgun's records is asked.
Api = Literal["events", "logs"]

#: Events asked for: what the Logs API gives at the most, and many times what one message has.
LIMIT: Final = 100
#: Clocks differ, ours and Mailgun's, and `sent_at` is only about right.
_MARGIN_SECONDS: Final = 3600.0


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A request that changes nothing the second time, if it changes anything at all."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    body: bytes = b""
    content_type: str = ""


def question(api: Api, domain: str, message_id: str, *, sent_at: float, now: float) -> Question:
    """What happened to the message since it was sent? Times in epoch seconds.

    The oldest events come first: they tell whether the message was taken.
    """
    begin, end = sent_at - _MARGIN_SECONDS, max(sent_at, now) + _MARGIN_SECONDS
    ask = _events if api == "events" else _logs
    return ask(domain, message_id.strip("<>"), begin, end)


def _events(domain: str, bare_id: str, begin: float, end: float) -> Question:
    query = {
        "message-id": bare_id,
        "begin": f"{begin:.0f}",
        "end": f"{end:.0f}",
        "ascending": "yes",
        "limit": LIMIT,
    }
    return Question(method="GET", path=f"/v3/{domain}/events?{urlencode(query)}")


def _logs(domain: str, bare_id: str, begin: float, end: float) -> Question:
    search = {
        "start": rfc2822(begin),
        "end": rfc2822(end),
        "filter": {"AND": [equals("domain", domain), equals("message_id", bare_id)]},
        "include_subaccounts": False,
        "include_totals": False,
        "pagination": {"sort": "timestamp:asc", "limit": LIMIT},
    }
    return Question(
        method="POST",
        path="/v1/analytics/logs",
        body=msgspec.json.encode(search),
        content_type="application/json",
    )


def equals(attribute: str, value: str) -> dict[str, object]:
    """One condition of a search in the Logs."""
    values = [{"label": value, "value": value}]  # a value without a label is refused
    return {"attribute": attribute, "comparator": "=", "values": values}


def rfc2822(moment: float) -> str:
    """Epoch seconds as the Logs API takes a time, to the second."""
    return format_datetime(datetime.fromtimestamp(moment, UTC))

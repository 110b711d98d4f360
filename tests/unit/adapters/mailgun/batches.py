"""What tests of batches share: emails for different people, and what Mailgun makes of a batch."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from consumer.domain.notification import Email
from tests.support.factories import make_email

DOMAIN = "alerts.example.com"

_PLACEHOLDER = re.compile(r"%recipient\.([^%]+)%")


def make_emails(count: int, **changes: Any) -> list[Email]:
    """Each with an address, a Message-Id and a uid of its own."""
    return [
        make_email(
            **{
                "uid": f"u-{number}",
                "to": f"person{number}@example.com",
                "message_id": f"<m{number}@{DOMAIN}>",
                "variables": (("uid", f"u-{number}"), ("state", "CRITICAL")),
            }
            | changes
        )
        for number in range(count)
    ]


def filled_in(fields: Iterable[tuple[str, bytes]]) -> list[list[tuple[str, str]]]:
    """The fields of each recipient's own mail, placeholders replaced once."""
    decoded = [(name, value.decode()) for name, value in fields]
    recipients = dict(decoded)["to"].split(",")
    variables = json.loads(dict(decoded)["recipient-variables"])
    return [
        [
            (name, address if name == "to" else _filled(value, variables[address]))
            for name, value in decoded
            if name != "recipient-variables"
        ]
        for address in recipients
    ]


def _filled(value: str, variables: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: variables[found[1]], value)


#: Text that somebody who means no good, or a strange monitor, may put into an alarm.
NASTY = st.lists(
    st.sampled_from(
        [
            "%recipient.text%",
            "%recipient%",
            "%recipient",
            "recipient.subject%",
            "%",
            "%%",
            "100 %",
            "{{name}}",
            "{",
            '"',
            "\\",
            "\\u0041",
            "'",
            "<b>&amp;",
            "a=b&c=d+e;",
            "\U0001f525\u706b\u4e8b",
            "H\u00f6he",
            "\u202e\u2028",
            "\x00\x1f\t",
            "--boundary",
            "a",
            " ",
        ]
    )
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    max_size=8,
).map("".join)
NASTY_LINES = st.lists(NASTY, max_size=4).map("\r\n".join)


@st.composite
def nasty_emails(draw: st.DrawFn) -> Sequence[Email]:
    """Two to four emails that share what one call's emails have to; some of them hold the same."""
    common = draw(NASTY_LINES)
    emails = []
    for email in make_emails(draw(st.integers(2, 4))):
        same = draw(st.booleans())
        headers = (("X-Alarm-Id", draw(NASTY)), ("X-Alarm-Entity", draw(NASTY)))
        emails.append(
            make_email(
                uid=email.uid,
                to=email.to,
                message_id=email.message_id,
                subject=draw(NASTY),
                text="text: " + (common if same else draw(NASTY_LINES)),
                html="html: " + common,
                headers=headers,
                variables=(("uid", email.uid), ("event_id", draw(NASTY))),
            )
        )
    return emails

"""Messages beyond limits that Mailgun publishes without saying how it answers. Pure.

The texts are ours: Mailgun's are not known. Switches say whether, and with which status.
"""

from typing import NamedTuple

from consumer.sandbox.mailgun.form import Form
from consumer.sandbox.mailgun.switches import Switches
from consumer.sandbox.mailgun.validation import delivery_time

MAX_MESSAGE_BYTES = 25 * 1024 * 1024
"""Of bodies and files together, uncompressed. Mailgun says 25 MB, and not what it counts."""

_BODIES = ("text", "html", "amp-html")
_TOO_LARGE = "message size exceeds 25MB limit"
_TOO_FAR = "delivery time is too far in the future"


class Refusal(NamedTuple):
    status: int
    text: str


def refusal(form: Form, message_ttl: int, now: float, switches: Switches) -> Refusal | None:
    """`message_ttl`: seconds for which the domain may schedule; `now`: Unix seconds."""
    if switches.large_message != "take" and _size(form) > MAX_MESSAGE_BYTES:
        return Refusal(int(switches.large_message), _TOO_LARGE)
    if switches.far_delivery_time == "refuse" and _latest(form) > now + message_ttl:
        return Refusal(400, _TOO_FAR)
    return None


def _size(form: Form) -> int:
    bodies = sum(len(value.encode()) for name in _BODIES for value in form.all(name))
    return bodies + sum(len(file.content) for files in form.files.values() for file in files)


def _latest(form: Form) -> float:
    """Zero where nothing is scheduled. That the times are such was looked at before."""
    return max((delivery_time(value) or 0.0 for value in form.all("o:deliverytime")), default=0.0)

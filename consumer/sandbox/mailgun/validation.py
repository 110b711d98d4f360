"""Form → the problem Mailgun would answer 400 with, or None. Pure.

The texts are Mailgun's own, letter by letter, because clients match on them. Where the
real order of the checks is unknown, ours is the order below.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

from consumer.sandbox.mailgun.addresses import parse_mailboxes
from consumer.sandbox.mailgun.form import Form
from consumer.sandbox.mailgun.switches import Switches

MAX_RECIPIENTS = 1000
MAX_OPTION_BYTES = 16 * 1024
"""Of all o:, h:, v: and t: parameters."""
MAX_TAGS = 10

_BODIES = ("text", "html", "amp-html", "template")
_OPTION_PREFIXES = ("o:", "h:", "v:", "t:")
_WINDOW = re.compile(r"(?=.)(?:\d+h)?(?:\d+m)?")
_HOURS = re.compile(r"\d+h")
_TIME_OF_DAY = re.compile(
    r"(?:[01]?\d|2[0-3]):[0-5]\d|(?:0?[1-9]|1[0-2]):[0-5]\d ?[ap]m", re.IGNORECASE
)
_DKIM = re.compile(r"[\w-]+(?:\.[\w-]+)+/[\w.-]+")

Check = Callable[[Form, Switches], str | None]


_AS_AT_FIRST = Switches()


def problem_of_message(form: Form, switches: Switches = _AS_AT_FIRST) -> str | None:
    """What is wrong with a call of `/messages`."""
    return _first_problem(form, switches, _MESSAGE_CHECKS)


def problem_of_mime(form: Form, switches: Switches = _AS_AT_FIRST) -> str | None:
    """What is wrong with a call of `/messages.mime`."""
    return _first_problem(form, switches, _MIME_CHECKS)


def _first_problem(form: Form, switches: Switches, checks: tuple[Check, ...]) -> str | None:
    for check in checks:
        if problem := check(form, switches):
            return problem
    return None


def _from(form: Form, _: Switches) -> str | None:
    # A stored template may bring its own From.
    if not form.first("from") and not form.first("template"):
        return "from parameter is missing"
    return None


def _to(form: Form, _: Switches) -> str | None:
    return None if any(form.all("to")) else "to parameter is missing"


def _bodies(form: Form, _: Switches) -> str | None:
    if not any(name in form.fields for name in _BODIES):
        return "Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified"
    if form.first("html") and form.first("template"):
        return "Only one parameters 'html' or 'template' is allowed"
    return None


def _mime_file(form: Form, _: Switches) -> str | None:
    if "message" in form.files:
        return None
    if "message" in form.fields:
        return "'message' parameter is not a file"
    return "message parameter is missing"


def _addresses(form: Form, _: Switches) -> str | None:
    recipients = 0
    for name in ("from", "to", "cc", "bcc"):
        values = form.all(name)
        mailboxes = parse_mailboxes(values)
        if mailboxes is None or (any(values) and not mailboxes):
            return f"{name} parameter is not a valid address. please check documentation"
        if name != "from":
            recipients += len(mailboxes)
    if recipients > MAX_RECIPIENTS:
        return f"Too many recipients, max is {MAX_RECIPIENTS}"
    return None


def _option_size(form: Form, switches: Switches) -> str | None:
    size = 0
    for name, values in form.fields.items():
        if name.startswith(_OPTION_PREFIXES):
            named = len(name.encode()) if switches.option_limit_counts_names else 0
            size += sum(named + len(value.encode()) for value in values)
    if size > MAX_OPTION_BYTES:
        return "Send options (parameters starting with o:, h:, or v:) are limited to 16 kB total"
    return None


def _tags(form: Form, switches: Switches) -> str | None:
    if switches.too_many_tags == "refuse" and len(set(form.all("o:tag"))) > MAX_TAGS:
        return f"Too many tags, max is {MAX_TAGS}"
    return None


def _header_names(form: Form, _: Switches) -> str | None:
    for name, _value in form.prefixed("h:"):
        if not name.isascii():
            return f"Header name must be pure ASCII: {name}"
    return None


def _dates(form: Form, _: Switches) -> str | None:
    for value in form.all("o:deliverytime"):
        if delivery_time(value) is None:
            return f"{value} is not an RFC-2822 compliant date"
    for name, pattern in (("deliver-within", _WINDOW), ("deliverytime-optimize-period", _HOURS)):
        if any(not pattern.fullmatch(value) for value in form.all(f"o:{name}")):
            return "invalid delivery time format"
    for value in form.all("o:time-zone-localize"):
        if not _TIME_OF_DAY.fullmatch(value):
            return f"{value} invalid 24 hour time(value of 'o:time-zone-localize')"
    return None


def _dkim(form: Form, _: Switches) -> str | None:
    for name in ("o:secondary-dkim", "o:secondary-dkim-public"):
        for value in form.all(name):
            if not _DKIM.fullmatch(value):
                return f"{value} is not a valid secondary dkim domain name"
    return None


def _recipient_variables(form: Form, _: Switches) -> str | None:
    if "recipient-variables" in form.fields and recipient_variables(form) is None:
        return "'recipient-variables' parameter is not a valid JSON"
    return None


_COMMON: tuple[Check, ...] = (
    _addresses,
    _option_size,
    _tags,
    _header_names,
    _dates,
    _dkim,
    _recipient_variables,
)
_MESSAGE_CHECKS: tuple[Check, ...] = (_from, _to, _bodies, *_COMMON)
_MIME_CHECKS: tuple[Check, ...] = (_to, _mime_file, *_COMMON)


def delivery_time(value: str) -> float | None:
    """RFC 2822 date or Unix seconds → Unix seconds; None if it is neither."""
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def recipient_variables(form: Form) -> dict[str, dict[str, str]] | None:
    """Lower-case address → its variables as text; None if they are not such JSON."""
    try:
        parsed = json.loads(form.first("recipient-variables"))
    except ValueError:
        return None
    if not isinstance(parsed, dict):
        return None
    if not all(isinstance(variables, dict) for variables in parsed.values()):
        return None
    return {
        address.lower(): {name: _as_text(value) for name, value in variables.items()}
        for address, variables in parsed.items()
    }


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)

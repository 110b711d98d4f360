"""One call for many emails, each for one recipient of its own. Pure.

Mailgun makes a mail for each address in `to` and fills in `%recipient.name%` from the address's
entry in `recipient-variables`. So a batch is what single calls would post, laid side by side: a
field that is the same in all goes in as it is, any other as a placeholder.

Text may hold placeholders of its own, put there by whoever names an alarm. Whether Mailgun looks
for them in what it has filled in is not documented, and any way of breaking them up changes what
the recipient reads or copies. Such an email goes alone, where nothing is filled in.
"""

import re
from collections.abc import Hashable, Iterator, Sequence
from typing import Final

import msgspec

from consumer.adapters.mailgun.payload import OPTIONS_LIMIT_BYTES, Field, form_of
from consumer.domain.notification import Email, SendOptions

#: Mailgun's own limit of recipients in one call.
MAX_RECIPIENTS: Final = 1000

#: `%recipient.name%`, `%recipient%`, `%recipient_email%` and their like begin so.
_PLACEHOLDER: Final = "%recipient"
#: An address is looked up in the variables as Mailgun writes it. It may write quotes and other
#: alphabets in another way than we do, and `%` may be taken for a placeholder.
_PLAIN_ADDRESS: Final = re.compile(r"[a-z0-9!#$&'*+/=?^_`{|}~.-]+@[a-z0-9.-]+", re.IGNORECASE)
#: Of the options' limit, what Message-Id, flags and ten tags may take.
_FIXED_OPTIONS_BYTES: Final = 2_000
_UTF8_BYTES: Final = 4

_MESSAGE_ID: Final = "h:Message-Id"
#: Fields that are known to be filled in, by name or by the beginning of it.
_PERSONAL: Final = ("subject", "text", "html", "h:", "v:")


class NotTogether(Exception):
    """These emails cannot be one call; the text says why."""


def together(email: Email, options: SendOptions, domain: str) -> Hashable | None:
    """What all emails of a call have in common; None: this one goes alone. `domain`: ours."""
    if not _PLAIN_ADDRESS.fullmatch(email.to) or email.to.lower().endswith(f"@{domain}"):
        # A route of our own domain rewrites the address, which then has no variables.
        return None
    header_names, headers = _names_and_values(email.headers)
    variable_names, variables = _names_and_values(email.variables)
    values = "\n".join(headers + variables)
    sizes = len(values) + len("".join(header_names + variable_names))
    if sizes * _UTF8_BYTES > OPTIONS_LIMIT_BYTES - _FIXED_OPTIONS_BYTES:
        return None  # a part of it might have to be left out
    for text in (email.subject, email.text, email.html, values):
        if _PLACEHOLDER in text:
            return None
    return (
        email.sender,
        tuple(email.tags),
        header_names,
        variable_names,
        not email.text,
        not email.html,
        options.test_mode,
        options.tracking,
        tuple(options.tags),
    )


def batch_of(emails: Sequence[Email], options: SendOptions) -> Iterator[tuple[str, bytes]]:
    """The fields to post, in order. Raises NotTogether, before the first of them."""
    forms = [form_of(email, options) for email in emails]
    if any(form.dropped for form in forms):
        raise NotTogether("one of the emails has more options than Mailgun takes")
    names = [name for name, _ in forms[0].fields]
    if any([name for name, _ in form.fields] != names for form in forms):
        raise NotTogether("the emails do not have the same fields")
    if len({email.to.lower() for email in emails}) < len(emails):
        raise NotTogether("two of the emails are for one address, Mailgun would drop the second")
    columns = [[form.fields[place][1] for form in forms] for place in range(len(names))]
    return iter(_side_by_side(list(zip(names, columns, strict=True))))


def _side_by_side(columns: Sequence[tuple[str, list[str]]]) -> list[tuple[str, bytes]]:
    addresses = dict(columns)["to"]
    personal: dict[str, dict[str, str]] = {address: {} for address in addresses}
    shared: list[Field] = []
    for name, values in columns:
        if name == "to":
            shared.append((name, ",".join(values)))
        elif values.count(values[0]) == len(values):
            shared.append((name, values[0]))
        else:
            template, variable, values = _placeholder(name, values)
            shared.append((name, template))
            for address, value in zip(addresses, values, strict=True):
                personal[address][variable] = value
    fields = [(name, value.encode(errors="replace")) for name, value in shared]
    return [*fields, ("recipient-variables", _json(personal))]


def _placeholder(name: str, values: list[str]) -> tuple[str, str, list[str]]:
    """What stands for the values, the variable's name, and what is filled in."""
    if name == _MESSAGE_ID:
        # The form that others were seen to use with success: brackets outside of the variable.
        return "<%recipient.message_id%>", "message_id", [value.strip("<>") for value in values]
    if not name.startswith(_PERSONAL):
        raise NotTogether(f"the emails do not share {name}")
    return f"%recipient.{name}%", name, values


def _json(variables: dict[str, dict[str, str]]) -> bytes:
    try:
        return msgspec.json.encode(variables)
    except UnicodeEncodeError:
        raise NotTogether("one of the emails holds half a character") from None


def _names_and_values(
    pairs: Sequence[tuple[str, str]],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple([name for name, _ in pairs]), tuple([value for _, value in pairs])

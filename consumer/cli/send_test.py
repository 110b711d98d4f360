"""`messenger send-test`: one email to an address through a chosen transport."""

import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
import typer

from consumer.adapters.clock import SystemClock
from consumer.cli.common import ConfigOption, JsonOption, console, fail
from consumer.cli.drafting import draft, sample_context, sample_event
from consumer.cli.plain import plain, print_data
from consumer.cli.settings_checks import refuse_problems
from consumer.configuration import load_settings
from consumer.domain.address import valid_address
from consumer.domain.alarm import State
from consumer.domain.identity import normalised_address
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import AccessLog, Clock, Transport
from consumer.settings import Settings
from consumer.wiring import make_mailgun, make_renderer, make_smtp


class TransportName(StrEnum):
    """The transports one can choose."""

    MAILGUN = "mailgun"
    SMTP = "smtp"


class MailState(StrEnum):
    """The states an email can tell of."""

    OK = "OK"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


_MAKERS: Final[Mapping[TransportName, Callable[[Settings, Clock, AccessLog], Transport]]] = {
    TransportName.MAILGUN: make_mailgun,
    TransportName.SMTP: make_smtp,
}

_WHAT_TO_DO: Final[Mapping[Reason, str]] = {
    Reason.CONFIGURATION: "check {settings}",
    Reason.UNREACHABLE: "check {address}, name resolution and firewall",
    Reason.THROTTLED: "wait, and try again",
    Reason.ANSWER_LOST: "it may have been accepted all the same: look into the mailbox first",
    Reason.SERVER_ERROR: "the trouble is on the other side: try again later",
    Reason.UNREADABLE_ANSWER: "something else seems to answer there: check {address} and proxies, "
    "and look into the mailbox before you try again",
    Reason.PROVIDER_REJECTED: "the refusal is about this email or its address",
}
#: The other side did not answer: not our mistake, and not its word on the email.
_AWAY: Final = frozenset({Reason.UNREACHABLE, Reason.ANSWER_LOST})

_LOOK_AT: Final[Mapping[str, Mapping[str, str]]] = {
    TransportName.MAILGUN: {
        "settings": "domain, base_url (region) and api_key in [mailgun]",
        "address": "[mailgun] base_url",
    },
    TransportName.SMTP: {
        "settings": "host, port, tls, username and password in [smtp]",
        "address": "[smtp] host and port",
    },
}


def send_test(
    address: Annotated[str, typer.Argument(help="Where to send to.", show_default=False)],
    config: ConfigOption = None,
    transport: Annotated[
        TransportName, typer.Option(help="What to send it with.")
    ] = TransportName.MAILGUN,
    state: Annotated[MailState, typer.Option(help="The state the email tells of.")] = (
        MailState.CRITICAL
    ),
    test_mode: Annotated[
        bool | None,
        typer.Option(
            "--test-mode/--no-test-mode",
            help="Mailgun accepts the email and does not deliver it; default from the settings.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send one email about an invented alarm, and print what the transport says.

    It asks neither Kafka nor ledger nor catalog, and leaves no trace in them.
    """
    destination = normalised_address(address)
    if not valid_address(destination):
        raise fail(f"{plain(address)}: not an email address; write name@example.com", 2)
    settings = load_settings(config)
    refuse_problems(settings)
    if transport is TransportName.SMTP and settings.smtp.host is None:
        raise fail("smtp.host is not set: give the section [smtp] a host", 2)
    clock = SystemClock()
    options = _options(settings, transport, test_mode)
    email = _email(settings, destination, State(state), int(clock.now() * 1000))
    with closing(_MAKERS[transport](settings, clock, lambda _: None)) as chosen:
        result = chosen.send(email, options)
    if as_json:
        print_data(_as_data(email, options, result))
    if result.kind is not Kind.ACCEPTED:
        raise fail(_refusal(email, result), 3 if result.reason in _AWAY else 1)
    if not as_json:
        _print_accepted(email, options, result)


def _options(settings: Settings, transport: TransportName, test_mode: bool | None) -> SendOptions:
    given = settings.delivery
    return SendOptions(
        transport=transport.value,
        test_mode=given.test_mode if test_mode is None else test_mode,
        tags=tuple(dict.fromkeys(("test", *given.tags))),
        tracking=given.tracking,
    )


def _email(settings: Settings, destination: str, state: State, now_ms: int) -> Email:
    """Each test has an id of its own: it is never taken for the one before."""
    event = sample_event(str(uuid.uuid4()), state, now_ms)
    (email,) = draft(event, sample_context(destination), make_renderer(settings), now_ms).emails
    return email


def _print_accepted(email: Email, options: SendOptions, result: SendResult) -> None:
    lines = [
        f"accepted by {result.transport} in {_timing(result)}: {plain(result.message)}",
        f"to: {email.to}",
        f"message id: {plain(result.provider_id or email.message_id)}",
    ]
    if options.test_mode:
        lines.append("test mode: it is accepted and not delivered; --no-test-mode delivers it")
    for line in lines:
        console.print(line, markup=False)


def _refusal(email: Email, result: SendResult) -> str:
    status = "" if result.code is None else f", status {result.code}"
    line = (
        f"not accepted by {result.transport} ({result.kind}, {result.reason}{status}, "
        f"{_timing(result)}): {plain(result.message)}; message id {email.message_id}"
    )
    advice = _WHAT_TO_DO.get(result.reason, "").format_map(_LOOK_AT[result.transport])
    return f"{line}; {advice}" if advice else line


def _timing(result: SendResult) -> str:
    calls = f", {result.calls} calls" if result.calls > 1 else ""
    return f"{result.duration_ms} ms{calls}"


def _as_data(email: Email, options: SendOptions, result: SendResult) -> dict[str, Any]:
    return {
        "accepted": result.kind is Kind.ACCEPTED,
        "to": email.to,
        "message_id": email.message_id,
        "test_mode": options.test_mode,
        "result": msgspec.to_builtins(result),
    }

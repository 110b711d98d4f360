"""The candidate's emails to a sandbox, to be looked at; never to anybody real.

They go under ids of their own: under production's, a provider that is asked what became of a send
in doubt would answer with the one that nobody got, and its reports would be taken for production's.
"""

from typing import Final
from urllib.parse import urlsplit

import msgspec
import requests

from consumer.adapters.network import plain
from consumer.domain.errors import DependencyError, SettingsError
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.experiments.deciding import DecidedEmail
from consumer.experiments.shadow_asking import Answer
from consumer.experiments.shadow_report import Sent
from consumer.ports import Transport

#: Mailgun's own hosts: what is sent there without the test mode reaches people.
_REAL: Final = ("mailgun.net", "mailgun.org", "mailgun.com")
_TAG: Final = "shadow"
#: Seconds that a fake has to say that it is one.
_SECONDS: Final = 10.0


def refuse_real(base_url: str, production_base_url: str) -> None:
    """Raises SettingsError unless the address is surely not one that reaches people."""
    host = _host(base_url)
    if host == _host(production_base_url):
        raise SettingsError(
            [
                "--send sandbox: the address is production's; "
                "give that of a fake Mailgun by --sandbox-url, or use --send testmode"
            ]
        )
    name = host.rsplit(":", 1)[0]
    if any(name == real or name.endswith(f".{real}") for real in _REAL):
        raise SettingsError(
            [
                f"--send sandbox: {name} is Mailgun itself; "
                "give the address of a fake by --sandbox-url, or use --send testmode"
            ]
        )


def require_fake(base_url: str) -> None:
    """Raises SettingsError unless whoever answers there says that it is a fake: a name may lead to
    production, or to Mailgun, without saying so. Raises SandboxAway when nobody answers."""
    where = urlsplit(base_url).netloc
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"{base_url}/_fake/stats", timeout=_SECONDS, allow_redirects=False)
    except (requests.RequestException, OSError) as error:
        raise SandboxAway(
            f"--send sandbox: {where}: {_reason(error)}; check that the sandbox runs there"
        ) from None
    if not (answer.ok and says_fake(answer.content)):
        raise SettingsError(
            [
                f"--send sandbox: {where} is no fake Mailgun; start one with "
                "`messenger sandbox mailgun`, or use --send testmode"
            ]
        )


def says_fake(answer: bytes) -> bool:
    """Whether that is the fake's account of itself; Mailgun answers 200 and some words to a path
    that it does not know."""
    try:
        told = msgspec.json.decode(answer)
    except msgspec.MsgspecError:
        return False
    return isinstance(told, dict) and "accepted_messages" in told


def _reason(error: BaseException) -> str:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return plain(error)


def _host(url: str) -> str:
    """Host and port, in one form."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{(parts.hostname or '').rstrip('.').lower()}:{port}"


class SandboxAway(DependencyError):
    """The sandbox does not answer."""


class Sending:
    """Sends each email of the candidate's answers by one transport, whatever its route says."""

    def __init__(self, transport: Transport, *, test_mode: bool) -> None:
        """`test_mode`: each is sent in it, whatever its route says."""
        self._transport = transport
        self._test_mode = test_mode
        self._accepted = 0
        self._refused = 0
        self._why = ""

    @property
    def sent(self) -> Sent:
        return Sent(accepted=self._accepted, refused=self._refused, why=self._why)

    def __call__(self, answer: Answer) -> None:
        """Raises SandboxAway, and SettingsError, when the first email goes nowhere."""
        for decision in answer.decisions:
            for each in decision.emails:
                self._send(each)

    def _send(self, each: DecidedEmail) -> None:
        options = SendOptions(
            transport=self._transport.name,
            test_mode=self._test_mode or each.options.test_mode,
            tags=(*each.options.tags, _TAG),
        )
        result = self._transport.send(renamed(each.email), options)
        if result.kind is Kind.ACCEPTED:
            self._accepted += 1
            return
        if not self._accepted:
            _refuse_to_go_on(result)
        self._refused += 1
        self._why = self._why or result.message


def _refuse_to_go_on(result: SendResult) -> None:
    """What the first email tells about all that would follow."""
    if result.reason is Reason.UNREACHABLE:
        raise SandboxAway(f"--send: {result.message}; check that the sandbox runs there")
    if result.reason is Reason.CONFIGURATION:
        raise SettingsError([f"--send: {result.message}; check the candidate's [mailgun]"])


def renamed(email: Email) -> Email:
    """The same words under another name, without the data by which reports find their email."""
    uid = f"{_TAG}-{email.uid}"
    _, _, domain = email.message_id.rpartition("@")
    return msgspec.structs.replace(email, uid=uid, message_id=f"<{uid}@{domain}", variables=())

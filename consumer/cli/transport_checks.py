"""What Mailgun and the mail server say to the settings: they are reached, and nothing is sent."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

from consumer.adapters.mailgun.lookup_questions import Api
from consumer.adapters.mailgun.probing import MailgunProbe
from consumer.adapters.mailgun.verdict import Verdict
from consumer.cli.findings import Finding, Level, note
from consumer.domain.errors import SettingsError
from consumer.domain.notification import SendResult
from consumer.domain.reasons import Reason
from consumer.ports import Clock, Secret, not_logged
from consumer.settings import Settings
from consumer.wiring import make_smtp

#: Who says no to one of these says it until somebody changes the settings.
_SETTINGS: Final = frozenset({Reason.CONFIGURATION, Reason.PROVIDER_REJECTED})
_NOT_ALLOWED: Final = frozenset({401, 403})


def check_mailgun(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Whether Mailgun answers, knows the domain, and lets the two keys do what they are for."""
    given = settings.mailgun
    try:
        if given.api_key is not None:
            with closing(_probe(settings, given.api_key, clock)) as probe:
                yield from _sending_key(probe)
        if given.lookup_key is not None:
            with closing(_probe(settings, given.lookup_key, clock)) as probe:
                yield from _lookup_key(probe, given.lookup_api)
    except SettingsError:
        # Told by the settings' own checks.
        return


def check_smtp(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Whether the mail server greets us, encrypts, and takes the password."""
    try:
        transport = make_smtp(settings, clock, not_logged)
    except SettingsError:
        return
    with closing(transport):
        refusal = transport.greet()
    if refusal is not None:
        yield _refused("[smtp]", refusal)


def _probe(settings: Settings, key: Secret, clock: Clock) -> MailgunProbe:
    given = settings.mailgun
    return MailgunProbe(
        base_url=given.base_url,
        domain=given.domain,
        key=key,
        clock=clock,
        connect_timeout=given.connect_timeout_seconds,
    )


def _sending_key(probe: MailgunProbe) -> Iterator[Finding]:
    place = "[mailgun] api_key"
    refusal = probe.may_read()
    if refusal is None:
        return
    if refusal.code not in _NOT_ALLOWED:
        yield _refused("[mailgun]", refusal)
        return
    # So it is with a sending key: it may send, and nothing else.
    refusal = probe.may_send()
    if refusal is None:
        yield note(place, "is a sending key: it may send and not read, and that is all it has to")
    else:
        yield _refused(place, refusal)


def _lookup_key(probe: MailgunProbe, api: Api) -> Iterator[Finding]:
    refusal = probe.may_read(api)
    if refusal is not None:
        yield _refused("[mailgun] lookup_key", refusal)


def _refused(place: str, refusal: Verdict | SendResult) -> Finding:
    """Our mistake, or a system that does not answer now."""
    level = Level.PROBLEM if refusal.reason in _SETTINGS else Level.AWAY
    return Finding(level, f"{place}: {refusal.message}")

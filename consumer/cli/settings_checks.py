"""What is wrong with settings that are well-formed: names that clash, rules that never hold.

Pure but for one look whether a file exists: nothing is connected to.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from email.utils import parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from consumer.adapters.clock import SystemClock
from consumer.adapters.mailgun.payload import MAX_TAG_LENGTH, MAX_TAGS
from consumer.cli.findings import Finding, Level, problem, problems_of, texts, warning
from consumer.cli.format_checks import check_formats
from consumer.cli.ingest_checks import check_ingest
from consumer.cli.rollout_checks import check_rollout
from consumer.domain.address import valid_address
from consumer.domain.alarm import State
from consumer.domain.errors import SettingsError
from consumer.feedback.service import missing
from consumer.ports import not_logged
from consumer.settings import Kafka, Mailgun, Route, Settings
from consumer.wiring import make_lookups, make_mailgun, make_smtp

_SERVER: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+)(:[0-9]{1,5})?")
_LOOPBACK: Final = ("localhost", "127.", "::1")
_DAY_SECONDS: Final = 86_400


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Everything that can be known from the settings alone."""
    yield from _topics(settings.kafka)
    yield from check_formats(settings.kafka)
    yield from _servers(settings.kafka)
    yield from _security(settings.kafka)
    yield from _sender(settings.mailgun)
    yield from _mailgun(settings)
    yield from _smtp(settings)
    yield from _routes(settings.routes)
    yield from check_rollout(settings)
    yield from _feedback(settings)
    yield from _recipient_limit(settings)
    if settings.ingest.clients:
        yield from check_ingest(settings)
    yield from _tags("[delivery] tags", settings.delivery.tags)
    yield from _times(settings)
    if settings.delivery.test_mode:
        yield warning(
            "[delivery] test_mode", "is on: Mailgun accepts emails and does not deliver them"
        )


def refuse_problems(settings: Settings) -> None:
    """Raise SettingsError with all of them: what cannot work must not begin to send."""
    problems = texts(check_settings(settings), Level.PROBLEM)
    if problems:
        raise SettingsError(problems)


def _topics(kafka: Kafka) -> Iterator[Finding]:
    named = [("events_topic", topic) for topic in kafka.events_topics]
    named += [
        ("tracking_topic", kafka.tracking_topic),
        ("dead_letter_topic", kafka.dead_letter_topic),
    ]
    for topic, times in Counter(topic for _, topic in named).items():
        if times > 1:
            keys = ", ".join(dict.fromkeys(key for key, each in named if each == topic))
            yield problem(f"[kafka] {keys}", f"{topic!r} is named {times} times; give each its own")


def _servers(kafka: Kafka) -> Iterator[Finding]:
    for server in kafka.bootstrap_servers.split(","):
        if not _SERVER.fullmatch(server.strip()):
            yield problem(
                "[kafka] bootstrap_servers",
                "give host:port, several separated by commas, such as kafka-1:9092,kafka-2:9092",
            )


def _security(kafka: Kafka) -> Iterator[Finding]:
    protocol = kafka.security_protocol
    given = (kafka.sasl_mechanism, kafka.sasl_username, kafka.sasl_password)
    if protocol.startswith("SASL"):
        names = ("sasl_mechanism", "sasl_username", "sasl_password or sasl_password_file")
        for name, value in zip(names, given, strict=True):
            if value is None:
                yield problem(f"[kafka] {name}", f"is missing; {protocol} needs it")
    elif any(value is not None for value in given):
        yield warning(
            "[kafka] sasl_*", f"is not used: security_protocol is {protocol}; write SASL_SSL"
        )
    if protocol == "SASL_PLAINTEXT" and kafka.sasl_mechanism == "PLAIN":
        yield warning(
            "[kafka] security_protocol",
            "the password crosses the network as it is; write SASL_SSL",
        )
    if kafka.ssl_cafile is not None:
        if not Path(kafka.ssl_cafile).is_file():
            yield problem("[kafka] ssl_cafile", f"{kafka.ssl_cafile}: no such file")
        if "SSL" not in protocol:
            yield warning("[kafka] ssl_cafile", f"is not used: security_protocol is {protocol}")


def _sender(mailgun: Mailgun) -> Iterator[Finding]:
    place = "[mailgun] from_address"
    _, address = parseaddr(mailgun.from_address)
    if not valid_address(address) or not mailgun.from_address.isprintable():
        yield problem(place, "is no sender; write Alarms <alarms@alerts.example.com>")
        return
    domain = address.rpartition("@")[2].lower()
    ours = mailgun.domain
    if domain != ours and not domain.endswith(f".{ours}") and not ours.endswith(f".{domain}"):
        yield warning(
            place,
            f"is of {domain}, the emails are sent by {ours}: receivers that check this (DMARC) "
            "may refuse them",
        )


def _mailgun(settings: Settings) -> Iterator[Finding]:
    """What the client itself refuses, and a key that travels in the open."""
    try:
        make_mailgun(settings, SystemClock(), not_logged).close()
        for lookup in make_lookups(settings, SystemClock(), not_logged).values():
            lookup.close()
    except SettingsError as error:
        yield from problems_of(error)
        return
    if settings.mailgun.lookup_key is None:
        then = {
            "send_again": "is sent again without having been looked up",
            "hold": "is held for a person without having been looked up",
        }
        yield warning(
            "[mailgun] lookup_key",
            "is not given: a send whose answer is lost "
            f"{then[settings.delivery.doubt_policy]} ([delivery] doubt_policy)",
        )
    url = urlsplit(settings.mailgun.base_url)
    if url.scheme == "http" and not (url.hostname or "").startswith(_LOOPBACK):
        yield warning(
            "[mailgun] base_url", "the API key crosses the network unencrypted; write https://"
        )


def _smtp(settings: Settings) -> Iterator[Finding]:
    smtp = settings.smtp
    if smtp.host is None:
        return
    try:
        make_smtp(settings, SystemClock(), not_logged).close()
    except SettingsError as error:
        yield from problems_of(error)
    used = {settings.delivery.fallback, *(route.transport for route in settings.routes)}
    if "smtp" not in used:
        yield warning(
            "[smtp] host",
            'is not used: write fallback = "smtp" in [delivery], or name it in a route',
        )
    if smtp.tls == "none" and smtp.username is not None:
        yield warning("[smtp] tls", "the password crosses the network as it is; write starttls")


def _feedback(settings: Settings) -> Iterator[Finding]:
    """What `run` would need of it; `messenger feedback` says for itself what it lacks."""
    given = settings.feedback
    if given.in_run:
        yield from problems_of(
            SettingsError(missing(settings, webhooks=given.webhooks, poll=given.poll))
        )
    delivery = settings.delivery
    if delivery.fallback_contact is not None and delivery.on_bounce == "none":
        yield warning(
            "[delivery] fallback_contact",
            'is not used: write on_bounce = "fallback_contact", or "plan"',
        )
    if not given.host.startswith(_LOOPBACK):
        yield warning(
            "[feedback] host",
            "webhooks come in the open, as plain HTTP; let a proxy with a certificate pass them on",
        )


def _recipient_limit(settings: Settings) -> Iterator[Finding]:
    place, limit = "[delivery.recipient_limit]", settings.delivery.recipient_limit
    for tenant in limit.tenants:
        if not tenant or tenant != tenant.strip():
            yield problem(f"{place} tenants", f"{tenant!r} is no tenant id; take blanks away")
    if limit.emails_per_hour is None and not any(limit.tenants.values()):
        if limit.model_fields_set:
            yield warning(place, "limits nobody: give emails_per_hour")
        return
    if settings.kafka.own_format_topic is None:
        yield problem(
            place,
            "each topic of events has a format of another kind in [kafka] formats; add one to "
            "events_topic that takes alarm-state-event, for summaries",
        )
    if State.CRITICAL in limit.limited_states:
        yield warning(
            f"{place} limited_states",
            f"has CRITICAL: a problem may be told {limit.summary_seconds:g} seconds late",
        )


def _routes(routes: Sequence[Route]) -> Iterator[Finding]:
    """Routes are told by their number in the file, from 1."""
    for number, route in enumerate(routes, start=1):
        place = f"[[routes]] {number}"
        for tenant in route.tenants:
            if not tenant or tenant != tenant.strip():
                yield problem(f"{place} tenants", f"{tenant!r} is no tenant id; take blanks away")
        yield from _tags(f"{place} tags", route.tags)
        if route.percent == 0 and route.name is not None:
            continue  # its share is set while processes run
        if route.percent == 0:
            yield warning(f"{place} percent", "is 0: this route never takes an event")
            continue
        for earlier, above in enumerate(routes[: number - 1], start=1):
            if _covers(above, route):
                yield warning(place, f"is never reached: route {earlier} takes all of its events")
                break


def _covers(above: Route, route: Route) -> bool:
    """Whether all that `route` takes has been taken by `above`: the first match wins."""
    return (
        above.percent >= route.percent
        and (not above.tenants or (bool(route.tenants) and {*route.tenants} <= {*above.tenants}))
        and (not above.states or (bool(route.states) and {*route.states} <= {*above.states}))
    )


def _tags(place: str, tags: Sequence[str]) -> Iterator[Finding]:
    for tag in tags:
        if not tag.isascii() or not tag.strip() or len(tag) > MAX_TAG_LENGTH:
            yield warning(
                place, f"{tag[:40]!r}: Mailgun takes 1 to {MAX_TAG_LENGTH} ASCII characters"
            )
    if len(tags) > MAX_TAGS:
        yield warning(place, f"Mailgun keeps {MAX_TAGS} tags of an email, here are {len(tags)}")


def _times(settings: Settings) -> Iterator[Finding]:
    ledger, catalog = settings.ledger, settings.catalog
    oldest = max(settings.delivery.max_age_seconds.by_state().values())
    if oldest > ledger.retention_days * _DAY_SECONDS:
        yield warning(
            "[ledger] retention_days",
            f"events are sent up to {oldest / _DAY_SECONDS:g} days after they happened, and the "
            f"ledger forgets after {ledger.retention_days:g}: one that comes twice can be sent "
            "twice",
        )
    if catalog.stale_seconds < catalog.max_age_seconds:
        yield warning(
            "[catalog] stale_seconds",
            "is below max_age_seconds: no answer is kept for when the source is away",
        )

"""What is wrong with the door for HTTP, as far as the settings tell."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from consumer.cli.findings import Finding, problem, warning
from consumer.settings import Settings

_LOOPBACK: Final = ("localhost", "127.", "::1")
#: Characters; shorter ones can be tried out.
_SHORTEST: Final = 16
_OWN_FORMAT: Final = "alarm-state-event"


def topic_of(settings: Settings) -> str | None:
    """Where events go: the one that is named, or the first that takes our own format."""
    return settings.ingest.topic or settings.kafka.own_format_topic


def check_ingest(settings: Settings) -> Iterator[Finding]:
    """All that `messenger ingest` would refuse, and what somebody should have looked at."""
    given = settings.ingest
    if not given.clients:
        yield problem(
            "[ingest] clients",
            "nobody may come in; give each sender a section [ingest.clients.NAME] with token_file "
            "or password_file",
        )
    yield from _topic(settings)
    yield from _secrets(settings)
    if not given.host.startswith(_LOOPBACK):
        yield warning(
            "[ingest] host",
            "tokens and passwords cross the network as they are; let a proxy with a certificate "
            "pass requests on",
        )


def _topic(settings: Settings) -> Iterator[Finding]:
    kafka, topic = settings.kafka, topic_of(settings)
    if topic is None:
        yield problem(
            "[ingest] topic",
            "each topic of events has a format of another kind in [kafka] formats; add one to "
            "events_topic that takes alarm-state-event",
        )
    elif kafka.formats.get(topic, _OWN_FORMAT) != _OWN_FORMAT:
        yield problem(
            "[ingest] topic",
            f"{topic} takes {kafka.formats[topic]} by [kafka] formats; events are written in our "
            "own format, name a topic that takes it",
        )
    elif topic not in kafka.events_topics:
        yield warning("[ingest] topic", f"{topic} is not in [kafka] events_topic: who reads it?")


def _secrets(settings: Settings) -> Iterator[Finding]:
    """Never the secrets themselves."""
    tokens = []
    for name, client in settings.ingest.clients.items():
        for key, secret in (("token", client.token), ("password", client.password)):
            if secret is None:
                continue
            if len(secret.get_secret_value()) < _SHORTEST:
                yield warning(
                    f"[ingest] clients.{name}.{key}",
                    f"has fewer than {_SHORTEST} characters, which can be tried out; "
                    "`openssl rand -hex 32` makes a good one",
                )
        if client.token is not None:
            tokens.append(client.token.get_secret_value())
    if any(times > 1 for times in Counter(tokens).values()):
        yield problem("[ingest] clients", "two have the same token; give each its own")

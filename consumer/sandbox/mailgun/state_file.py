"""All that a world remembers, as one JSON file: written when the server stops or a test asks for
it, read when it starts. Rules of tests are not kept."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from consumer.sandbox.mailgun.domains import Domain
from consumer.sandbox.mailgun.keys import Key
from consumer.sandbox.mailgun.limits import RateLimit
from consumer.sandbox.mailgun.postman import SavedLetter
from consumer.sandbox.mailgun.saved_store import SavedStore
from consumer.sandbox.mailgun.stored_templates import StoredTemplate
from consumer.sandbox.mailgun.subaccounts import Subaccount
from consumer.sandbox.mailgun.suppressions import Entry, Kind
from consumer.sandbox.mailgun.switches import BadSwitch
from consumer.sandbox.mailgun.tags import Tag
from consumer.sandbox.mailgun.webhooks import AccountWebhook
from consumer.sandbox.mailgun.world import World

VERSION = 1


class BadState(ValueError):
    """The file holds no state of this version; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    version: int
    store: SavedStore
    letters: list[SavedLetter]
    suppressions: list[tuple[str, Kind, list[Entry]]]
    domain_webhooks: dict[str, dict[str, list[str]]]
    account_webhooks: list[AccountWebhook]
    keys: list[Key]
    subaccounts: list[Subaccount]
    signing_keys: dict[str, str]
    domains: list[Domain]
    authorized: list[str]
    tags: dict[str, list[Tag]]
    templates: dict[str, list[StoredTemplate]]
    switches: dict[str, Any]
    """Those that do not stand where they stood at first."""
    rate_limits: list[RateLimit]
    probation_recipients: int | None


def save(world: World, path: Path) -> None:
    """Whole or not at all. It holds keys: nobody else may read it. Raises OSError."""
    content = msgspec.json.encode(_snapshot(world))
    part = path.with_name(path.name + ".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load(world: World, path: Path) -> None:
    """A file that is not there is an empty state. Raises BadState or OSError."""
    if not path.exists():
        return
    try:
        snapshot = msgspec.json.decode(path.read_bytes(), type=Snapshot)
        if snapshot.version != VERSION:
            raise BadState(f"{path}: version {snapshot.version} of the state, not {VERSION}")
        world.switches.set(snapshot.switches)
    except (msgspec.DecodeError, BadSwitch) as error:
        raise BadState(f"{path} holds no state of a fake Mailgun: {error}") from error
    _restore(world, snapshot)


def _snapshot(world: World) -> Snapshot:
    return Snapshot(
        version=VERSION,
        store=world.store.dump(),
        letters=world.postman.dump(),
        suppressions=world.suppressions.dump(),
        domain_webhooks={name: world.webhooks.of_domain(name) for name in world.webhooks.domains},
        account_webhooks=[*world.webhooks.accounts.values()],
        keys=[*world.keys.known.values()],
        subaccounts=[*world.subaccounts.known.values()],
        signing_keys=world.subaccounts.signing_keys,
        domains=[*world.domains.known.values()],
        authorized=sorted(world.domains.authorized),
        tags=world.tags.dump(),
        templates={domain: world.templates.ordered(domain) for domain in world.templates.known},
        switches=world.switches.changed(),
        rate_limits=world.limits.rules,
        probation_recipients=world.probation_recipients,
    )


def _restore(world: World, snapshot: Snapshot) -> None:
    events = world.store.load(snapshot.store)
    world.postman.load(snapshot.letters, events)
    for domain, kind, entries in snapshot.suppressions:
        world.suppressions.add(domain, kind, entries)
    world.webhooks.load(snapshot.domain_webhooks, snapshot.account_webhooks)
    world.keys.known |= {key.secret: key for key in snapshot.keys}
    world.subaccounts.known = {one.id: one for one in snapshot.subaccounts}
    world.subaccounts.signing_keys = snapshot.signing_keys
    for one in snapshot.domains:
        world.domains.put(one)
    world.domains.authorized = set(snapshot.authorized)
    for domain, tags in snapshot.tags.items():
        world.tags.load(domain, tags)
    for domain, templates in snapshot.templates.items():
        for template in templates:
            world.templates.put(domain, template)
    world.limits.set(snapshot.rate_limits)
    world.probation_recipients = snapshot.probation_recipients

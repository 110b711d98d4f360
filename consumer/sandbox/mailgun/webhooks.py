"""Who is told of which events: the webhooks of domains and of accounts."""

import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from consumer.sandbox.mailgun.events import HOOKS

MAX_URLS = 3
"""URLs of one type, per domain and per account."""


class BadWebhook(ValueError):
    """Not a webhook; the text says why."""


class TooMany(ValueError):
    """The limit of URLs per type is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountWebhook:
    id: str
    account: str
    """Id of the subaccount; empty: the account itself."""
    url: str
    types: tuple[str, ...]
    description: str
    created_at: float
    """Unix seconds."""


Table = dict[tuple[str, str], tuple[str, ...]]
"""(domain or account id with a leading slash, type) → URLs."""


class Webhooks:
    """Safe for use from several threads."""

    def __init__(self, now: Callable[[], float], change_delay: Callable[[], float]) -> None:
        self._now = now
        self._change_delay = change_delay
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self.domains: dict[str, dict[str, list[str]]] = {}
            self.accounts: dict[str, AccountWebhook] = {}
            self._tables: list[tuple[float, Table]] = [(0.0, {})]

    def urls(self, domain: str, account: str, kind: str) -> Iterable[str]:
        """Each URL once, even if domain and account both name it."""
        with self._lock:
            now = self._now()
            while len(self._tables) > 1 and self._tables[1][0] <= now:
                del self._tables[0]
            table = self._tables[0][1]
        if not table:
            return ()
        urls = (*table.get((domain, kind), ()), *table.get((f"/{account}", kind), ()))
        return dict.fromkeys(urls)

    def of_domain(self, domain: str) -> dict[str, list[str]]:
        """Type → URLs."""
        with self._lock:
            return {kind: list(urls) for kind, urls in self.domains.get(domain, {}).items()}

    def set_domain(self, domain: str, kind: str, urls: Iterable[str]) -> None:
        """No URLs take the type out. Raises BadWebhook or TooMany."""
        urls = list(dict.fromkeys(urls))
        check_type(kind)
        for url in urls:
            check_url(url)
        if len(urls) > MAX_URLS:
            raise TooMany(f"unable to add more than {MAX_URLS} urls for event type {kind}")
        with self._lock:
            hooks = self.domains.setdefault(domain, {})
            if urls:
                hooks[kind] = urls
            else:
                hooks.pop(kind, None)
            self._changed()

    def set_account(self, hook: AccountWebhook) -> None:
        """Raises BadWebhook or TooMany."""
        check_url(hook.url)
        for kind in hook.types:
            check_type(kind)
        with self._lock:
            others = [
                one
                for one in self.accounts.values()
                if one.id != hook.id and one.account == hook.account
            ]
            for kind in hook.types:
                if sum(kind in other.types for other in others) >= MAX_URLS:
                    raise TooMany(f"unable to add more than {MAX_URLS} urls for event type {kind}")
            self.accounts[hook.id] = hook
            self._changed()

    def remove_account(self, id_: str) -> bool:
        """False: it was not there."""
        with self._lock:
            found = self.accounts.pop(id_, None) is not None
            self._changed()
            return found

    def load(self, domains: dict[str, dict[str, list[str]]], hooks: list[AccountWebhook]) -> None:
        with self._lock:
            self.domains = domains
            self.accounts = {hook.id: hook for hook in hooks}
            self._tables = [(0.0, self._table())]

    def _changed(self) -> None:
        self._tables.append((self._now() + self._change_delay(), self._table()))

    def _table(self) -> Table:
        table: Table = {
            (domain, kind): tuple(urls)
            for domain, hooks in self.domains.items()
            for kind, urls in hooks.items()
        }
        for hook in self.accounts.values():
            for kind in hook.types:
                key = (f"/{hook.account}", kind)
                table[key] = (*table.get(key, ()), hook.url)
        return table


def check_type(kind: str) -> None:
    """Raises BadWebhook."""
    if kind not in HOOKS:
        raise BadWebhook(f"invalid parameters: {kind} is not a valid event type")


def check_url(url: str) -> None:
    """Raises BadWebhook."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise BadWebhook(f"{url} is not a valid url: invalid URL") from None
    if parts.scheme not in ("http", "https"):
        raise BadWebhook(f"{url} is not a valid url: invalid URL scheme")
    if not host:
        raise BadWebhook(f"{url} is not a valid url: host not found")


def new_id() -> str:
    return secrets.token_hex(12)

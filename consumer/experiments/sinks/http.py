"""An HTTP address: batches of lines, sent again when that may help.

It follows no redirect, takes no proxy or password from the environment, and what it says names
host and port only: path, query and password of an address may be secrets.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec
import requests
from requests.adapters import BaseAdapter
from urllib3.exceptions import HTTPError

from consumer import __version__
from consumer.adapters.network import plain
from consumer.experiments.seen import Seen
from consumer.experiments.sinks import Say, SinkFailed
from consumer.experiments.views import View
from consumer.ports import Clock

#: Lines and bytes of one request, at most; one line may be larger.
_BATCH: Final = 500
_BATCH_BYTES: Final = 1024 * 1024
#: Seconds that a line waits for company.
_GATHER_SECONDS: Final = 1.0
#: Seconds to connect, and for each piece of an answer.
_TIMEOUTS: Final = (5.0, 10.0)
#: Seconds between tries; the last one again and again. A server's own word is kept up to a limit.
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_LONGEST_PAUSE: Final = 60.0
#: Bytes of an answer that are read, so that its connection can be used again.
_ANSWER: Final = 65_536
_TOO_LARGE: Final = 413
#: What is wrong with one batch, and not with the address.
_REFUSED: Final = frozenset({400, 409, 415, 422})
_LATER: Final = frozenset({408, 421, 425, 429})


class Address(msgspec.Struct, frozen=True):
    """Where to post. `host` is what may be told of it."""

    url: str
    host: str
    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"Address({self.host!r})"


def parse_address(text: str) -> Address:
    """An http or https address, perhaps with user and password. Raises ValueError, in one line."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise ValueError("is no address: its host or port cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is no address: write http://HOST/PATH or https://HOST/PATH")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    host = name if port is None else f"{name}:{port}"
    return Address(
        url=urlunsplit((parts.scheme, host, parts.path or "/", parts.query, "")),
        host=f"{parts.scheme}://{host}",
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )


class Http:
    """A sink that posts NDJSON. Waits for a server that is away, until `stop` says so."""

    def __init__(
        self,
        address: Address,
        view: View,
        *,
        clock: Clock,
        stop: Callable[[], bool],
        say: Say,
        token: str | None = None,
        adapter: BaseAdapter | None = None,
    ) -> None:
        """`token` goes with each request, as a bearer's; `adapter` stands in for the network."""
        self.written = 0
        self.dropped = 0
        self._address = address
        self._view = view
        self._clock = clock
        self._stop = stop
        self._say = say
        self._told: str | None = None
        self._lines: list[bytes] = []
        self._bytes = 0
        self._due_at = 0.0
        self._session = _WithoutRedirects()
        if adapter is not None:
            self._session.mount(address.url, adapter)
        self._session.trust_env = False
        self._session.headers["User-Agent"] = f"alarm-messenger/{__version__}"
        if token is not None:
            self._session.headers["Authorization"] = f"Bearer {token}"
        elif address.user is not None:
            self._session.auth = (address.user, address.password or "")

    def put(self, seen: Seen) -> None:
        """Take one event; one that the view cannot show is dropped."""
        line = self._view(seen)
        if line is None:
            self.dropped += 1
            return
        if not self._lines:
            self._due_at = self._clock.monotonic() + _GATHER_SECONDS
        self._lines.append(line)
        self._bytes += len(line)
        if len(self._lines) >= _BATCH or self._bytes >= _BATCH_BYTES:
            self._post_all()

    def flush(self) -> None:
        """Post what has waited long enough."""
        if self._lines and self._clock.monotonic() >= self._due_at:
            self._post_all()

    def close(self) -> None:
        """Post what is left, with one try where we are to stop."""
        try:
            if self._lines:
                self._post_all()
        finally:
            self._session.close()

    def _post_all(self) -> None:
        lines, self._lines, self._bytes = self._lines, [], 0
        self._deliver(lines)

    def _deliver(self, lines: Sequence[bytes]) -> None:
        """Until it is there, or given up. Raises SinkFailed when no batch has a chance."""
        tries = 0
        while (later := self._post(lines)) is not None:
            tries += 1
            if self._stop():
                self._tell(f"{later.why}; dropped")
                self.dropped += len(lines)
                return
            if tries > 1:  # once may happen
                self._tell(f"{later.why}; trying on")
            self._clock.wait(max(later.seconds, _PAUSES[min(tries, len(_PAUSES)) - 1]))

    def _post(self, lines: Sequence[bytes]) -> "_Later | None":
        """None: this batch is done with, one way or the other."""
        try:
            with self._session.post(
                self._address.url,
                data=b"".join(lines),
                headers={"Content-Type": "application/x-ndjson"},
                timeout=_TIMEOUTS,
                allow_redirects=False,
                stream=True,
            ) as answer:
                answer.raw.read(_ANSWER, decode_content=False)
                status, later = answer.status_code, answer.headers.get("Retry-After", "")
        except ValueError as error:
            # Of the library's own errors those about an address or a header that cannot be.
            raise SinkFailed(f"{self._address.host}: {type(error).__name__}") from None
        except (requests.RequestException, HTTPError, OSError) as error:
            return _Later(f"does not answer: {_without_address(error)}")
        if status in _LATER or status >= 500:
            seconds = min(float(later), _LONGEST_PAUSE) if later.isdecimal() else 0.0
            return _Later(f"answers {status}", seconds)
        if 200 <= status < 300:
            self.written += len(lines)
            self._tell(None)
        else:
            self._refused(lines, status)
        return None

    def _refused(self, lines: Sequence[bytes], status: int) -> None:
        if status == _TOO_LARGE and len(lines) > 1:
            middle = len(lines) // 2
            self._deliver(lines[:middle])
            self._deliver(lines[middle:])
            return
        self.dropped += len(lines)
        if status in _REFUSED or status == _TOO_LARGE:
            self._tell(f"refuses events with {status}: dropped")
            return
        what = "a redirect, which is not followed" if 300 <= status < 400 else f"{status}"
        raise SinkFailed(f"{self._address.host} answers {what}; correct the address or its token")

    def _tell(self, what: str | None) -> None:
        """Once, until something else is to be told; None: all is well."""
        if what != self._told:
            self._say(f"{self._address.host} {what or 'takes events again'}")
        self._told = what


class _WithoutRedirects(requests.Session):
    """Told not to follow one, it would still read all of its answer."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """There is none."""


class _Later(NamedTuple):
    """It has to be tried again: why, and after how many seconds at the least."""

    why: str
    seconds: float = 0.0


def _without_address(error: Exception) -> str:
    """What went wrong, of a library that quotes path and query."""
    inner: BaseException = error
    while (cause := inner.__cause__ or inner.__context__) is not None:
        inner = cause
    if isinstance(inner, OSError) and not isinstance(inner, requests.RequestException):
        return plain(inner)
    return type(error).__name__

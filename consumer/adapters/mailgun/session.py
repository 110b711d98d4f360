"""One pooled HTTP session: calls one host, and says what surely did not leave."""

import ssl
from collections.abc import Callable, Mapping
from http.client import BadStatusLine
from typing import Any, Final, Literal, cast
from urllib.parse import urlsplit

import msgspec
import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import (
    ClosedPoolError,
    EmptyPoolError,
    HTTPError,
    IncompleteRead,
    ReadTimeoutError,
)

from consumer import __version__
from consumer.adapters.mailgun.adapter import EachTimeout, OnePoolAdapter
from consumer.adapters.mailgun.address import checked_base_url
from consumer.adapters.mailgun.connection import NotConnected, connection_pool
from consumer.adapters.mailgun.key import Key
from consumer.adapters.network import plain
from consumer.domain.errors import SettingsError

Method = Literal["GET", "POST", "DELETE"]

#: More of an answer to a send is not read: Mailgun's have some hundred bytes.
MAX_ANSWER_BYTES: Final = 65_536

_PORTS: Final = {"https": 443, "http": 80}
_NOTHING_WRITTEN: Final = (NotConnected, ClosedPoolError, EmptyPoolError)
_BROKEN: Final = (ConnectionError, ssl.SSLEOFError)


class NotSent(Exception):
    """There was no connection: Mailgun surely has nothing of the request."""


class AnswerLost(Exception):
    """The request, or a part of it, left, and no whole answer came back."""


class ConnectionBroke(AnswerLost):
    """The other side ended the connection; one kept from an earlier call may have been dead."""


class Answer(msgspec.Struct, frozen=True):
    """An answer as it came. Header names compare without case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class MailgunSession:
    """Calls Mailgun's API with one key. Safe to share between threads.

    It never follows a redirect (a repeated POST is a second email, another host gets our key),
    never repeats a request unless told that it only reads, keeps no cookies, takes no proxy or
    password from the environment, and always verifies the server's certificate.
    """

    def __init__(
        self,
        *,
        base_url: str,
        key: Key,
        connect_timeout: float,
        read_timeout: float,
        pool_size: int,
        monotonic: Callable[[], float],
        ca_file: str | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        """Raises SettingsError for a base URL or CA file that cannot work."""
        self._base_url = checked_base_url(base_url)
        self._headers = {
            "Authorization": key.authorization,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"alarm-messenger/{__version__}",
        }
        self._timeout: Any = EachTimeout(connect=connect_timeout, read=read_timeout)
        self._read_timeout = read_timeout
        self._monotonic = monotonic
        self._max_answer_bytes = max_answer_bytes
        scheme, host, port = _origin(self._base_url)
        #: In each error: whom it is about.
        self._where = f"{host}:{port or _PORTS[scheme]}"
        tls = _tls_context(ca_file) if scheme == "https" else None
        pool = connection_pool(
            scheme,
            host,
            port,
            size=pool_size,
            monotonic=monotonic,
            write_timeout=read_timeout,
            tls=tls,
        )
        self._adapter = OnePoolAdapter(pool)

    def request(
        self,
        method: Method,
        path: str,
        body: bytes = b"",
        content_type: str = "",
        *,
        only_reads: bool = False,
    ) -> Answer:
        """Call `path`, which may hold a query. Raises NotSent or AnswerLost, and nothing else.

        The read timeout bounds writing the request, each single read, and reading the body of
        the answer as a whole. Only headers that come byte by byte may take longer. What
        `only_reads` is repeated once when the connection breaks.
        """
        prepared = self._prepared(method, path, body, content_type)
        try:
            return self._call(prepared)
        except ConnectionBroke:
            if not only_reads:
                raise
            return self._call(prepared)

    def close(self) -> None:
        """Close idle connections; a call in progress still gets its answer."""
        self._adapter.close()

    def _prepared(
        self, method: Method, path: str, body: bytes, content_type: str
    ) -> requests.PreparedRequest:
        """Made by hand: URL and headers are known, checking them for each call is waste."""
        request = requests.PreparedRequest()
        request.method = method
        request.url = f"{self._base_url}{path}"
        headers = self._headers
        if method == "POST":
            length = str(len(body))
            headers = headers | {"Content-Type": content_type, "Content-Length": length}
            request.body = body
        # A plain dict will do: each name is written in one way, and urllib3 copies it.
        request.headers = cast("CaseInsensitiveDict[str | bytes]", headers)
        return request

    def _call(self, request: requests.PreparedRequest) -> Answer:
        try:
            with self._adapter.send(request, timeout=self._timeout, stream=True) as response:
                return Answer(response.status_code, response.headers, self._body(response))
        except (requests.RequestException, HTTPError) as error:
            raise self._failure(error) from error

    def _body(self, response: requests.Response) -> bytes:
        raw = response.raw
        is_packed = "Content-Encoding" in response.headers
        deadline = self._monotonic() + self._read_timeout
        body = bytearray()
        while chunk := raw.read1(MAX_ANSWER_BYTES, decode_content=is_packed):
            body += chunk
            if len(body) >= self._max_answer_bytes:
                break
            if self._monotonic() > deadline:
                seconds = f"{self._read_timeout:g} s"
                raise AnswerLost(f"{self._where}: the answer was not complete after {seconds}")
            if raw.length_remaining == 0 and not is_packed:
                break
        return bytes(body)

    def _failure(self, error: Exception) -> NotSent | AnswerLost:
        causes = _causes(error)
        cause = causes[-1]
        if isinstance(cause, NotConnected):
            cause = cause.cause.__cause__ or cause.cause  # urllib3's own wrapping says less
        text = f"{self._where}: {self._said(cause)}"
        if any(isinstance(each, _NOTHING_WRITTEN) for each in causes):
            return NotSent(text)
        return ConnectionBroke(text) if isinstance(cause, _BROKEN) else AnswerLost(text)

    def _said(self, cause: BaseException) -> str:
        if isinstance(cause, ReadTimeoutError):
            return f"no answer within {self._read_timeout:g} s"
        if isinstance(cause, IncompleteRead):
            return "the answer broke off"
        if isinstance(cause, BadStatusLine) and not isinstance(cause, ConnectionError):
            return "what answers does not speak HTTP"
        return plain(cause)


def _origin(base_url: str) -> tuple[str, str, int | None]:
    url = urlsplit(base_url)
    host = url.hostname or ""
    return url.scheme, f"[{host}]" if ":" in host else host, url.port


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or DEFAULT_CA_BUNDLE_PATH)
    except OSError as error:
        raise SettingsError([f"mailgun.ca_file cannot be read: {error}"]) from error


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it wraps, outermost first, as requests and urllib3 nest them."""
    causes = [error]
    while True:
        reason = getattr(causes[-1], "reason", None)
        nested = [part for part in (reason, *causes[-1].args) if isinstance(part, BaseException)]
        if not nested:
            return causes
        causes.append(nested[-1])

"""What stands between a prepared request and the pool: requests' own adapter, without its session.

The session looks after cookies, redirects, hooks, proxies and the environment. We want none of
these, and together they took as long as the call itself.
"""

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Timeout
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.response import BaseHTTPResponse


class EachTimeout(Timeout):
    """Seconds for connecting and for each read. Without a total it has no state of a call: one
    serves them all."""

    def clone(self) -> "EachTimeout":
        return self

    def start_connect(self) -> float:
        """Nothing is counted from here on."""
        return 0.0


class OnePoolAdapter(HTTPAdapter):
    """Sends everything through one pool, whose TLS context verifies whatever requests would say.

    It follows no redirect, that is the session's work, and repeats nothing.
    """

    def __init__(self, pool: HTTPConnectionPool) -> None:
        super().__init__(max_retries=0)
        self._pool = pool

    def get_connection_with_tls_context(self, *_args: Any, **_kwargs: Any) -> HTTPConnectionPool:
        return self._pool

    def cert_verify(self, *_args: Any, **_kwargs: Any) -> None:
        """Nothing to set up: requests would read the certificates again on each connection."""

    def request_url(self, request: requests.PreparedRequest, _proxies: Any) -> str:
        """No proxy is asked: the path, and the query if there is one."""
        return request.path_url

    def build_response(
        self, req: requests.PreparedRequest, resp: BaseHTTPResponse
    ) -> requests.Response:
        """What we read of it. Cookies are not kept."""
        response = requests.Response()
        response.request = req
        response.status_code = resp.status
        response.headers = resp.headers  # type: ignore[assignment]  # compares without case, too
        response.raw = resp
        return response

    def close(self) -> None:
        self._pool.close()
        super().close()

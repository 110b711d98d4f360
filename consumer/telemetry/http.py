"""`/healthz`, `/readyz` and `/metrics` on a small server of its own, loopback by default."""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

Page = tuple[int, str, bytes]


class TelemetryServer:
    """Serves three pages from a thread. Port 0 takes a free one; `address` tells which."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        registry: CollectorRegistry,
        is_alive: Callable[[], bool],
        readiness: Callable[[], tuple[bool, Mapping[str, Any]]],
    ) -> None:
        self._registry = registry
        self._is_alive = is_alive
        self._readiness = readiness
        pages = {"/healthz": self._healthz, "/readyz": self._readyz}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.split("?", 1)[0]
                if path == "/metrics":
                    self._answer(server._metrics(self.headers.get("Accept", "")))
                elif path in pages:
                    self._answer(pages[path]())
                else:
                    self._answer((404, "text/plain", b"try /healthz, /readyz or /metrics\n"))

            def _answer(self, page: Page) -> None:
                status, content_type, body = page
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Probes come every few seconds; they are not worth a line each."""

        self._http = ThreadingHTTPServer((host, port), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(
            target=self._http.serve_forever, name="telemetry", daemon=True
        )

    @property
    def address(self) -> str:
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()

    def _healthz(self) -> Page:
        ok = self._is_alive()
        return (200 if ok else 503, "text/plain", b"alive\n" if ok else b"poll loop stands still\n")

    def _readyz(self) -> Page:
        ok, details = self._readiness()
        body = json.dumps({"ready": ok, **details}).encode()
        return (200 if ok else 503, "application/json", body)

    def _metrics(self, accept: str) -> Page:
        encode, content_type = choose_encoder(accept)
        return (200, content_type, encode(self._registry))

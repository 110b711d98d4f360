"""Whether `messenger run` could listen where the settings say: each port is taken for a moment."""

import errno
import socket
from collections.abc import Iterator

from consumer.adapters.network import plain
from consumer.cli.findings import Finding, problem, warning
from consumer.settings import Settings


def check_ports(settings: Settings) -> Iterator[Finding]:
    """A port that is taken is a warning: it may well be a Messenger that runs already."""
    telemetry, feedback = settings.telemetry, settings.feedback
    if telemetry.enabled:
        yield from _check("[telemetry] port", telemetry.host, telemetry.port)
    if feedback.in_run and feedback.webhooks:
        yield from _check("[feedback] port", feedback.host, feedback.port)


def _check(place: str, host: str, port: int) -> Iterator[Finding]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as listener:
            # As servers do: connections that have just ended are not in the way.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen()
    except OSError as error:
        where = f"cannot listen on {host}:{port}: {plain(error)}"
        if error.errno == errno.EADDRINUSE:
            yield warning(
                place,
                f"{where}; end who listens there if it is not a Messenger, or choose another "
                "port, or 0 for a free one",
            )
        else:
            yield problem(place, f"{where}; choose another host or port")

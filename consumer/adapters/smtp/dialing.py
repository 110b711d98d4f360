"""A TCP connection within a given time, name resolution included."""

import queue
import socket
import threading
from collections.abc import Callable, Sequence

#: One result of getaddrinfo: family, type, protocol, canonical name, address.
_Found = tuple[int, int, int, str, tuple[object, ...]]


def dial(host: str, port: int, seconds: float, monotonic: Callable[[], float]) -> socket.socket:
    """The first address of `host` that answers. Raises OSError."""
    ends = monotonic() + seconds
    refusal = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in _resolved(host, port, seconds):
        left = ends - monotonic()
        if left <= 0:
            raise TimeoutError(f"no connection within {seconds:g} s")
        connection = socket.socket(family, kind, protocol)
        try:
            # An email's end is a small write behind a large one: it must not wait for an ACK.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(left)
            connection.connect(address)
        except OSError as error:
            connection.close()
            refusal = error
        else:
            return connection
    raise refusal


def own_name(connection: socket.socket) -> str:
    """What EHLO gives as our name: the host's if it is a full one, else our address.

    RFC 5321 4.1.3 and 4.1.4. Nothing is looked up: smtplib's own way is a reverse lookup of
    unbounded length for each connection.
    """
    name = socket.gethostname()
    if "." in name:
        return name
    address = str(connection.getsockname()[0]).partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _resolved(host: str, port: int, seconds: float) -> Sequence[_Found]:
    """getaddrinfo takes no time limit: it runs beside us, and we do not wait for longer.

    The resolver's own limits end it at some time, so that not many are left behind.
    """
    answers: queue.SimpleQueue[Sequence[_Found] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            answers.put(error)
        except UnicodeError:
            answers.put(OSError(f"{host} is not a host name"))

    threading.Thread(target=ask, name="smtp-resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"{host} was not resolved within {seconds:g} s") from None
    if isinstance(answer, OSError):
        raise answer
    return answer

"""Sockets that kafka-python 3.0.12 leaves behind, closed for it.

A client that is closed while it still connects to a broker, or a connection that is refused,
leaves a socket to the garbage collector. Python warns of it, and tests take warnings for errors.
"""

from typing import Any
from unittest import mock

from kafka.net.inet import KafkaNetSocket

_connect: Any = KafkaNetSocket.sock_connect


async def _connect_or_close(self: Any, net: Any, sock: Any, *args: Any, **options: Any) -> Any:
    try:
        return await _connect(self, net, sock, *args, **options)
    except BaseException:  # GeneratorExit, where the client is closed meanwhile
        sock.close()
        raise


def close_unconnected() -> None:
    """From now on, in this process."""
    mock.patch.object(KafkaNetSocket, "sock_connect", _connect_or_close).start()

"""The tests' own Kafka clients leave no sockets behind."""

import socket
from collections.abc import Generator

from kafka.net.inet import KafkaNetSocket

from tests.support.kafka_sockets import close_unconnected


class _Waiting:
    def __await__(self) -> Generator[None, None, None]:
        yield


class _Loop:
    """Remembers the socket that the client waits for, and waits for ever."""

    async def wait_write(self, sock: socket.socket, **_: object) -> None:
        self.waits_for = sock
        await _Waiting()


def test_client_that_is_closed_while_it_connects_closes_its_socket() -> None:
    close_unconnected()
    loop = _Loop()
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = (socket.AF_INET, socket.SOCK_STREAM, 0, "", server.getsockname())
        connecting = KafkaNetSocket().connect(loop, place)
        connecting.send(None)
        assert loop.waits_for.fileno() >= 0
        connecting.close()
    assert loop.waits_for.fileno() == -1

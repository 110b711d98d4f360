"""A client that dies in the middle of its request: nothing is accepted, and no traceback."""

import socket
import time

import pytest

from consumer.sandbox.mailgun import FakeMailgun


def test_half_a_request_is_no_email(caplog: pytest.LogCaptureFixture) -> None:
    with FakeMailgun() as fake:
        host, port = fake.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(
                b"POST /v3/alerts.example.com/messages HTTP/1.1\r\nHost: fake\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n"
                b"Content-Length: 999\r\n\r\nto=a"
            )
            deadline = time.monotonic() + 5
            while not fake.stats()["calls"]:
                assert time.monotonic() < deadline
        assert fake.stats()["accepted_messages"] == 0
    assert not [record for record in caplog.records if record.exc_info]

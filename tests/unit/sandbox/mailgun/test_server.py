"""Life of the server: start, stop, restart, own process."""

import signal
import socket
import subprocess
import sys

import pytest
import requests

from consumer.sandbox.mailgun import DEFAULT_API_KEY, FakeMailgun, Options
from tests.unit.sandbox.mailgun.support import TIMEOUT, Client


def test_a_restart_keeps_the_port_and_the_mails() -> None:
    fake = FakeMailgun().start()
    client = Client(fake)
    url = fake.url
    client.send()

    fake.stop()
    with pytest.raises(requests.ConnectionError):
        client.send()
    fake.start()
    client.send()
    fake.stop()

    client.session.close()
    assert fake.url == url
    assert len(fake.messages()) == 2


def test_stop_is_harmless_where_nothing_runs() -> None:
    fake = FakeMailgun()

    fake.stop()
    fake.start()
    fake.stop()
    fake.stop()


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(OSError, match="in use"):
        FakeMailgun(port=listener.getsockname()[1]).start()


def test_no_key_shows_in_a_repr() -> None:
    assert "secret" not in repr(Options(api_keys={"secret": "full"}))


def test_it_runs_as_a_process_of_its_own_until_a_signal() -> None:
    code = (
        "from consumer.sandbox.mailgun import serve\n"
        "serve(on_ready=lambda url: print(url, flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                f"{url}/v3/alerts.example.com/messages",
                auth=("api", DEFAULT_API_KEY),
                data={"from": "a@example.org", "to": "b@example.org", "text": "x"},
                timeout=TIMEOUT,
            )
        process.terminate()
        process.wait(TIMEOUT)
        complaints = process.stderr.read()

    assert answer.status_code == 200
    assert process.returncode == -signal.SIGTERM
    assert complaints == ""

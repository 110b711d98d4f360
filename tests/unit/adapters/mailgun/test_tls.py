"""TLS on real sockets, with a certificate made for the test."""

import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from consumer.adapters.mailgun.session import AnswerLost, NotSent
from tests.unit.adapters.mailgun.server import (
    QUEUED,
    Behaviour,
    MisbehavingServer,
    Peer,
    queued,
)
from tests.unit.adapters.mailgun.sessions import make_session


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    pem = tmp_path_factory.mktemp("tls") / "server.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test"
    alternative = "subjectAltName=IP:127.0.0.1"
    subprocess.run(
        [*command.split(), "-addext", alternative, "-keyout", str(pem), "-out", f"{pem}.crt"],
        check=True,
        capture_output=True,
    )
    pem.write_text(pem.read_text() + Path(f"{pem}.crt").read_text())
    return pem


def over_tls(certificate: Path, behaviour: Behaviour) -> Behaviour:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def behave(peer: Peer) -> None:
        with context.wrap_socket(peer.connection, server_side=True) as secured:
            behaviour(Peer(secured, peer.server))

    return behave


def test_a_send_over_tls_with_a_known_certificate(certificate: Path) -> None:
    with MisbehavingServer(over_tls(certificate, queued)) as server:
        client = make_session(server.url.replace("http:", "https:"), ca_file=f"{certificate}.crt")
        assert client.post(b"a=1").body == QUEUED
        assert client.post(b"a=1").body == QUEUED
        assert server.connections == 1


def test_an_unknown_certificate_is_refused_before_anything_is_sent(certificate: Path) -> None:
    with MisbehavingServer(over_tls(certificate, queued)) as server:
        with pytest.raises(NotSent, match="certificate verify failed"):
            make_session(server.url.replace("http:", "https:")).post(b"a=1")
        assert server.requests == []


def test_a_tls_error_in_the_answer_is_in_doubt(certificate: Path) -> None:
    """It has the same type as a failed handshake; only the step tells them apart."""

    def bad_record(peer: Peer) -> None:
        peer.read_request()
        assert isinstance(peer.connection, ssl.SSLSocket)
        with socket.socket(fileno=peer.connection.detach()) as raw:
            raw.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
            raw.recv(1)

    with MisbehavingServer(over_tls(certificate, bad_record)) as server:
        client = make_session(server.url.replace("http:", "https:"), ca_file=f"{certificate}.crt")
        with pytest.raises(AnswerLost, match="TLS: "):
            client.post(b"a=1")

"""TLS with the mail server: verified, and never given up for less."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from consumer.domain.errors import SettingsError
from consumer.domain.reasons import Kind, Reason
from tests.support.smtp import FakeSmtp
from tests.unit.adapters.smtp.rig import SECRET, Rig


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    pem = tmp_path_factory.mktemp("tls") / "server.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test"
    names = "subjectAltName=IP:127.0.0.1"
    subprocess.run(
        [*command.split(), "-addext", names, "-keyout", str(pem), "-out", f"{pem}.crt"],
        check=True,
        capture_output=True,
    )
    pem.write_text(pem.read_text() + Path(f"{pem}.crt").read_text())
    return pem


def context(certificate: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


def told(server: FakeSmtp) -> list[str]:
    """Commands that tell of the login or of an email."""
    return [each for each in server.commands if each.upper().startswith(("AUTH", "MAIL"))]


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
def test_an_email_goes_out_over_tls(certificate: Path, implicit: bool) -> None:
    with FakeSmtp(tls=context(certificate), implicit=implicit, auth=True) as server:
        rig = Rig(
            server,
            tls="implicit" if implicit else "starttls",
            ca_file=f"{certificate}.crt",
            username="bot",
            password=SECRET,
        )
        assert rig.send().kind is Kind.ACCEPTED


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
def test_an_unknown_certificate_is_refused(certificate: Path, implicit: bool) -> None:
    with FakeSmtp(tls=context(certificate), implicit=implicit) as server:
        result = Rig(server, tls="implicit" if implicit else "starttls").send()
        assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.CONFIGURATION)
        assert "certificate" in result.message.lower()
        assert server.messages == []


def test_a_server_without_starttls_gets_nothing() -> None:
    """Somebody in between may have taken the offer out."""
    with FakeSmtp(auth=True) as server:
        result = Rig(server, tls="starttls", username="bot", password=SECRET).send()
        assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.CONFIGURATION)
        assert "STARTTLS" in result.message
        assert not told(server)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("250 ok", Reason.CONFIGURATION),
        ("454 4.7.0 not now", Reason.SERVER_ERROR),
        ("502 5.5.1 no", Reason.CONFIGURATION),
    ],
)
def test_what_was_offered_and_then_refused_gets_nothing(
    certificate: Path, answer: str, reason: Reason
) -> None:
    with FakeSmtp(tls=context(certificate), auth=True) as server:
        server.answer_at("STARTTLS", answer)
        ca_file = f"{certificate}.crt"
        rig = Rig(server, tls="starttls", ca_file=ca_file, username="bot", password=SECRET)
        result = rig.send()
        assert (result.kind, result.reason) == (Kind.DEFERRED, reason)
        assert answer[:3] in result.message, "no handshake is begun"
        assert not told(server)


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
def test_a_certificate_for_another_name_is_refused(certificate: Path, implicit: bool) -> None:
    with FakeSmtp(tls=context(certificate), implicit=implicit, auth=True) as server:
        rig = Rig(
            server,
            host="localhost",
            tls="implicit" if implicit else "starttls",
            ca_file=f"{certificate}.crt",
            username="bot",
            password=SECRET,
        )
        result = rig.send()
        assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.CONFIGURATION)
        assert not told(server)


def test_a_server_that_speaks_no_tls_is_not_spoken_to(certificate: Path) -> None:
    with FakeSmtp(auth=True) as server:
        result = Rig(server, tls="implicit", ca_file=f"{certificate}.crt").send()
        assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.CONFIGURATION)
        assert server.messages == []


@pytest.mark.parametrize("how", ["hang_at", "cut_at"])
def test_a_handshake_that_breaks_off_is_the_networks_affair(certificate: Path, how: str) -> None:
    with FakeSmtp(tls=context(certificate)) as server:
        getattr(server, how)("STARTTLS")
        result = Rig(server, tls="starttls", read_timeout=0.3).send()
        assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.UNREACHABLE)


def test_what_is_said_before_tls_is_forgotten(certificate: Path) -> None:
    """Somebody in between may answer ahead: RFC 3207 4.2, and CVE-2011-0411."""
    with FakeSmtp(tls=context(certificate)) as server:
        server.answer_at("STARTTLS", "220 go on\r\n250 injected")
        rig = Rig(server, tls="starttls", ca_file=f"{certificate}.crt")
        result = rig.send()
        assert (result.kind, server.connections) == (Kind.ACCEPTED, 1)


def test_a_ca_file_that_is_not_there_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    with FakeSmtp() as server, pytest.raises(SettingsError, match="ca_file"):
        Rig(server, tls="starttls", ca_file=str(tmp_path / "nowhere.pem"))

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
        assert not any(command.startswith(("AUTH", "MAIL")) for command in server.commands)


def test_a_ca_file_that_is_not_there_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    with FakeSmtp() as server, pytest.raises(SettingsError, match="ca_file"):
        Rig(server, tls="starttls", ca_file=str(tmp_path / "nowhere.pem"))

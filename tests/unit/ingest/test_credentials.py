"""Who may come in: by token, or by name and password, and nobody else."""

import base64

import pytest
from pydantic import SecretStr

from consumer.ingest.credentials import Credentials, Proofs

TOKEN = "t0ken-hush"
PASSWORD = "pass:word-hüsh"
KNOWN = Credentials(
    {
        "prometheus": Proofs(token=SecretStr(TOKEN)),
        "grafana": Proofs(password=SecretStr(PASSWORD)),
        "both": Proofs(token=SecretStr("t0ken-of-both"), password=SecretStr("pass-of-both")),
    }
)


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("header", "client"),
    [
        (f"Bearer {TOKEN}", "prometheus"),
        (f"bearer   {TOKEN} ", "prometheus"),
        (basic("grafana", PASSWORD), "grafana"),
        ("Bearer t0ken-of-both", "both"),
        (basic("both", "pass-of-both"), "both"),
    ],
)
def test_a_client_is_known_by_what_it_was_given(header: str, client: str) -> None:
    assert KNOWN.client(header) == client


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Token {TOKEN}",
        TOKEN,
        basic("prometheus", TOKEN),
        basic("prometheus", PASSWORD),
        basic("grafana", ""),
        basic("", PASSWORD),
        basic("both", PASSWORD),
        f"Bearer grafana:{PASSWORD}".encode().decode("latin-1"),
        "Basic !!!",
        "Basic",
        "Basic \xff\u20ac",
    ],
)
def test_nobody_else_is(header: str | None) -> None:
    assert KNOWN.client(header) is None


def test_without_clients_nobody_is_known() -> None:
    assert Credentials({}).client("Bearer ") is None


def test_neither_the_secrets_nor_their_plain_digests_are_kept() -> None:
    kept = repr(vars(KNOWN)) + repr(Proofs(token=SecretStr(TOKEN)))
    assert TOKEN not in kept
    assert "hush" not in kept
    others = Credentials({"prometheus": Proofs(token=SecretStr(TOKEN))})
    assert vars(others)["_known"][0] != vars(KNOWN)["_known"][0]

"""Errors of the network are told in words for people."""

import socket
import ssl

import pytest

from consumer.adapters.network import plain


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "Name or service not known",
        ),
        (TimeoutError("timed out"), "timed out"),
        (
            TimeoutError("_ssl.c:989: The handshake operation timed out"),
            "The handshake operation timed out",
        ),
        (
            ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"),
            "TLS: wrong version number",
        ),
        (OSError("two\nlines"), "two lines"),
        (OSError(), "no reason was given"),
    ],
)
def test_no_number_and_no_file_of_python_s_own_is_told(error: OSError, told: str) -> None:
    assert plain(error) == told

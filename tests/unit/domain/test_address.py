"""Which texts are addresses we send to."""

import pytest

from consumer.domain.address import valid_address

GOOD = [
    "oncall@example.com",
    "o@example.com",
    "first.last+alarms@sub.example.org",
    "o'brien@example.com",
    "weird!#$%&'*+/=?^_`{|}~-@example.com",
    '"on.call"@example.com',
    '"on\\"call"@example.com',
    '"a@b"@example.com',
    "oncall@EXAMPLE.Com",
    "oncall@1and1.example",
    "oncall@münchen.example",
    "oncall@日本.example",
    "oncall@xn--mnchen-3ya.example",
    f"{'l' * 64}@example.com",
    f"oncall@{'d' * 63}.example",
]

BAD = [
    "",
    "@",
    "oncall",
    "oncall@",
    "@example.com",
    "oncall@localhost",
    "oncall@example.com ",
    " oncall@example.com",
    "on call@example.com",
    "oncall@exam ple.com",
    "oncall@example.com,other@example.com",
    '"on,call"@example.com',
    '"on call"@example.com',
    '""@example.com',
    '"on"call"@example.com',
    "a@b@example.com",
    "Jane <jane@example.com>",
    "<jane@example.com>",
    ".oncall@example.com",
    "oncall.@example.com",
    "on..call@example.com",
    "oncall@example..com",
    "oncall@.example.com",
    "oncall@example.com.",
    "oncall@-example.com",
    "oncall@example-.com",
    "oncall@ex_ample.com",
    "oncall@1.2.3.4",
    "oncall@[1.2.3.4]",
    "oncall@example.com\n",
    "oncall\r\nBcc: x@example.com",
    "on\x00call@example.com",
    "oncall@exam\x7fple.com",
    "überwachung@example.com",
    "oncall@münchen..example",
    f"{'l' * 65}@example.com",
    f"oncall@{'d' * 64}.example",
    f"oncall@{'ü' * 64}.example",
    f"o@{'.'.join(['d' * 61] * 4)}.example",
    f"{'l' * 64}@{'.'.join(['d' * 60] * 3)}.example",
]


@pytest.mark.parametrize("text", GOOD)
def test_address_is_valid(text: str) -> None:
    assert valid_address(text)


@pytest.mark.parametrize("text", BAD)
def test_address_is_refused(text: str) -> None:
    assert not valid_address(text)

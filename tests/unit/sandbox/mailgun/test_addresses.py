"""Which texts are addresses, and where a list is split."""

import pytest

from consumer.sandbox.mailgun.addresses import Mailbox, parse_mailbox, parse_mailboxes


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        ("a@example.org", Mailbox("", "a@example.org")),
        ("  <a@example.org> ", Mailbox("", "a@example.org")),
        ("Ann Bee <a.b+c@example.org>", Mailbox("Ann Bee", "a.b+c@example.org")),
        ('"Bee, Ann" <a@example.org>', Mailbox("Bee, Ann", "a@example.org")),
        ('"An \\"A\\"" <a@example.org>', Mailbox('An "A"', "a@example.org")),
        ("Änne <ä@exämple.org>", Mailbox("Änne", "ä@exämple.org")),
        ('"odd local"@example.org', Mailbox("", '"odd local"@example.org')),
        ("root@localhost", Mailbox("", "root@localhost")),
    ],
)
def test_an_address_with_or_without_a_name(text: str, mailbox: Mailbox) -> None:
    assert parse_mailbox(text) == mailbox


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nobody",
        "@example.org",
        "a@",
        "a@@example.org",
        "a@b@example.org",
        "a b@example.org",
        "a@exa mple.org",
        ".a@example.org",
        "a..b@example.org",
        "a@.org",
        "a@-example.org",
        "a@example.org>",
        "<a@example.org",
        "Ann <a@example.org> Bee",
        "x" * 65 + "@example.org",
        "a@" + "x" * 256,
        "a@example.org\r\nBcc: b@example.org",
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert parse_mailbox(text) is None


def test_a_list_is_split_at_commas_outside_quotes() -> None:
    mailboxes = parse_mailboxes(['"Bee, Ann" <a@example.org>, b@example.org,', "c@example.org"])

    assert mailboxes == [
        Mailbox("Bee, Ann", "a@example.org"),
        Mailbox("", "b@example.org"),
        Mailbox("", "c@example.org"),
    ]


def test_one_wrong_address_spoils_the_list() -> None:
    assert parse_mailboxes(["a@example.org, Doe, John <j@example.org>"]) is None

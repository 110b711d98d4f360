"""mailgun.js and Nodemailer's Mailgun transport, unchanged, take the fake for Mailgun."""

import os

import pytest

from consumer.sandbox.mailgun import FakeMailgun
from tests.contract.clients.conftest import DOMAIN, KEY
from tests.support import node_clients


@pytest.fixture(scope="module", autouse=True)
def _node() -> None:
    if reason := node_clients.missing():
        # CI proves nothing by skipping.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


def test_mailgun_js(fake: FakeMailgun) -> None:
    """One run of the script: Node takes longer to start than all its calls together."""
    fake.switch(mime_without_file="take")
    done = node_clients.run("mailgun_js.mjs", fake.url, KEY, DOMAIN)

    for name in ("send", "file", "batch", "mime"):
        assert done[name]["status"] == 200, done[name]
        assert done[name]["message"] == "Queued. Thank you."
        assert done[name]["id"].startswith("<")
    assert done["refused"] == {
        "status": 400,
        "details": "to parameter is not a valid address. please check documentation",
    }
    assert done["events"] == [3, 3, 1]
    assert done["logs"] == ["ops@example.org", "boss@example.org"]
    assert done["metrics"] == [7, 7]
    assert done["stats"] == [7, 7]
    assert done["tracking"] == [True, False]
    assert done["suppressions"] == {
        "walked": [f"r{number}@x.org" for number in range(5)],
        "code": 550,
        "gone": 200,
    }
    assert done["webhooks"]["listed"] == ["https://example.org/hook"]
    assert done["webhooks"]["updated"] == ["https://example.org/a", "https://example.org/b"]
    assert done["domains"] == {"listed": [DOMAIN], "state": "active"}
    assert done["templates"] == ["alarm"]
    assert done["tags"] == ["a", "b"]
    mails = fake.messages()
    assert [mail["text"] for mail in mails[4:6]] == ["1", "2"]
    assert [file["filename"] for file in mails[2]["attachments"]] == ["a.txt"]
    assert mails[-1]["html"] == "CRITICAL"


def test_nodemailer(fake: FakeMailgun) -> None:
    done = node_clients.run("nodemailer.mjs", fake.url, KEY, DOMAIN)

    assert done["sent"]["id"] == f"<own@{DOMAIN}>"
    assert done["refused"]["status"] == 400
    ops, boss = fake.messages()
    assert [ops["recipient"], boss["recipient"]] == ["ops@example.org", "boss@example.org"]
    assert "Ops <ops@example.org>" in ops["to"]
    assert list(ops["tags"]) == ["critical"]
    assert (ops["html"], ops["text"]) == ("<b>It is.</b>", "It is.")
    assert [file["filename"] for file in ops["attachments"]] == ["a.txt"]

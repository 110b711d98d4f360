"""The inbox in a browser's eyes."""

import re
from typing import Any

import pytest

from tests.unit.sandbox.mailgun.support import Client

HOSTILE = '<script>alert("x")</script>\' & more'
BROWSER = {"accept": "text/html,application/xhtml+xml"}


def page(client: Client, **parameters: Any) -> str:
    answer = client.get("/", params=parameters, headers=BROWSER)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


def test_an_empty_inbox_says_so(client: Client) -> None:
    assert "No mail yet." in page(client)


def test_mails_are_listed_newest_first(client: Client) -> None:
    client.send(subject="first of all")
    client.send(subject="second to come", o_tag="critical", o_testmode="yes")

    text = page(client)

    assert text.index("second to come") < text.index("first of all")
    assert '<span class="tag">critical</span>' in text
    assert '<span class="test">test mode</span>' in text


@pytest.mark.parametrize("view", ["", "html", "text", "headers", "source", "nonsense"])
def test_nothing_hostile_gets_into_the_page(client: Client, view: str) -> None:
    client.send(
        subject=HOSTILE,
        from_=f'"{HOSTILE.replace(chr(34), "")}" <alarms@alerts.example.com>',
        text=HOSTILE,
        html=f'{HOSTILE}"></iframe>{HOSTILE}',
        o_tag=HOSTILE,
        v_x=HOSTILE,
        h_X_Y=HOSTILE,
    )

    text = page(client, message="1", view=view, q="script")

    scripts = re.findall(r"<script[^>]*>", text)
    assert scripts == ['<script src="/_fake/static/inbox.js" defer>']
    assert "&lt;script&gt;alert" in text
    assert text.count("</iframe>") <= 1


def test_a_hostile_search_is_escaped_too(client: Client) -> None:
    client.send(subject="x")

    assert HOSTILE not in page(client, q=HOSTILE)


def test_the_rendered_mail_is_in_a_sandbox_that_runs_nothing(client: Client) -> None:
    client.send(html="<p>Hello</p>")

    answer = client.get("/", params={"message": "1"}, headers=BROWSER)

    assert re.search(r"<iframe sandbox title=[^>]* srcdoc=\"&lt;meta", answer.text)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("html", "&lt;p&gt;Hello&lt;/p&gt;"),
        ("text", ">Plain hello</pre>"),
        ("headers", "<th>X-Alarm</th><td>al1</td>"),
        ("source", "X-Alarm: al1"),
    ],
)
def test_each_view_shows_its_part(client: Client, view: str, expected: str) -> None:
    client.send(html="<p>Hello</p>", text="Plain hello", h_X_Alarm="al1")

    assert expected in page(client, message="1", view=view)


def test_a_mail_without_html_opens_as_text(client: Client) -> None:
    client.send(text="Plain hello")

    assert ">Plain hello</pre>" in page(client, message="1")
    assert "no HTML part" in page(client, message="1", view="html")


@pytest.mark.parametrize("query", ["disk", "DISK b@example.org", "warning", "d@x.com"])
def test_search_looks_everywhere(client: Client, query: str) -> None:
    client.send(subject="cpu", to="a@example.org")
    client.send(subject="disk", to="b@example.org", o_tag="warning", h_Message_Id="<d@x.com>")

    rows = page(client, q=query, part="rows")

    assert "disk" in rows
    assert "cpu" not in rows


def test_a_search_that_finds_nothing_says_so(client: Client) -> None:
    client.send()

    assert "Nothing found." in page(client, q="unheard-of")


def test_a_long_inbox_shows_the_newest_hundred(client: Client) -> None:
    client.send(to=[f"r{number}@example.org" for number in range(120)])

    rows = page(client, part="rows")

    assert rows.count("<li><a") == 100
    assert "The newest 100 are shown." in rows


def test_the_page_loads_nothing_from_elsewhere(client: Client) -> None:
    client.send(html="<p>Hello</p>")
    text = page(client, message="1")

    links = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert all(link.startswith(("/", "data:")) for link in links)
    for link in (one for one in links if one.startswith("/_fake/static/")):
        assert client.get(link).status_code == 200
    assert client.get("/_fake/static/none").status_code == 404

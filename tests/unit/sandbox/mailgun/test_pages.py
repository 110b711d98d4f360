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


def rows(client: Client, **parameters: Any) -> str:
    answer = client.get("/", params={**parameters, "part": "live"}, headers=BROWSER)
    assert answer.status_code == 200
    return str(answer.json()["rows"])


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

    assert "unsafe" not in answer.headers["content-security-policy"]
    frame = re.search(r'<iframe sandbox="([^"]*)"[^>]* src="([^"]+)"', answer.text)
    assert frame is not None
    assert frame[1] == "allow-popups allow-popups-to-escape-sandbox"
    mail = client.get(frame[2].replace("&amp;", "&"), headers=BROWSER)
    assert mail.text.endswith("<p>Hello</p>")
    policy = mail.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; ")
    assert "default-src 'none'" in policy
    assert "script" not in policy


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("html", 'src="/?message=1&amp;part=html"'),
        ("text", ">Plain hello</pre>"),
        ("headers", '<th scope="row">X-Alarm</th><td>al1</td>'),
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


@pytest.mark.parametrize(
    "query", ["disk", "DISK b@example.org", "warning", "d@x.com", "<d@x.com>", "evt-7", "is."]
)
def test_search_looks_everywhere(client: Client, query: str) -> None:
    client.send(subject="cpu", to="a@example.org", text="nothing")
    client.send(
        subject="disk",
        to="b@example.org",
        o_tag="warning",
        h_Message_Id="<d@x.com>",
        v_event_id="evt-7",
    )

    found = rows(client, q=query)

    assert "disk" in found
    assert "cpu" not in found


def test_search_knows_the_ids_of_events(client: Client) -> None:
    client.send(subject="cpu")
    client.send(subject="disk", to="b@example.org")
    wanted = client.events(recipient="b@example.org")[0]["id"]

    found = rows(client, q=wanted)

    assert "disk" in found
    assert "cpu" not in found


def test_a_state_is_what_happened_last(client: Client) -> None:
    rules = [
        {"match": {"recipient": "late@example.org"}, "temporary_failures": 1},
        {"match": {"recipient": "gone@example.org"}, "outcome": "permanent"},
        {"match": {"recipient": "wait@example.org"}, "outcome": "none"},
    ]
    assert client.post("/_fake/deliveries", json=rules).ok
    for name in ("late", "gone", "wait", "fine", "read"):
        client.send(to=f"{name}@example.org")
    client.fake.happen("opened", recipient="read@example.org")

    for state, name in {
        "delayed": "late",
        "failed": "gone",
        "accepted": "wait",
        "delivered": "fine",
        "opened": "read",
    }.items():
        found = rows(client, state=state)
        assert re.findall(r"(\w+)@example.org", found) == [name], state
        assert f'<span class="state {state}">' in found
    assert rows(client, state="nonsense").count("<b>") == 5


def test_the_timeline_tells_what_happened_with_code_text_and_times(client: Client) -> None:
    rule = {"outcome": "permanent", "code": 552, "message": "5.2.2 <Mailbox> full"}
    assert client.post("/_fake/deliveries", json=rule).ok
    client.send()

    text = page(client, message="1").partition('<ol id="timeline"')[2]

    assert text.index("<b>accepted</b>") < text.index("<b>permanent failure</b>")
    assert "552 5.2.2 &lt;Mailbox&gt; full" in text
    assert "reason bounce · mx.example.org" in text
    assert text.count("<time ") == 2
    for event in client.events():
        assert event["id"] in text


def test_news_are_told_once(client: Client) -> None:
    """An open mail's timeline and the list follow; without news there is no answer to read."""
    client.send()
    asked = {"message": "1", "part": "live"}
    first = client.get("/", params=asked, headers=BROWSER).json()
    asked["seen"] = first["version"]
    assert client.get("/", params=asked, headers=BROWSER).status_code == 204

    client.fake.happen("opened", recipient="ops@example.org")

    second = client.get("/", params=asked, headers=BROWSER).json()
    assert "<b>opened</b>" in second["timeline"]
    assert "opened" in second["state"]
    assert "opened" in second["rows"]
    client.fake.reset()
    client.send()
    asked["seen"] = first["version"]
    assert client.get("/", params=asked, headers=BROWSER).status_code == 200


def test_a_search_that_finds_nothing_says_so(client: Client) -> None:
    client.send()

    assert "Nothing found." in page(client, q="unheard-of")


def test_a_long_inbox_has_pages(client: Client) -> None:
    client.send(to=[f"r{number}@example.org" for number in range(250)])
    seen: list[str] = []
    address = "/"
    for _ in range(3):
        answer = client.get(address, headers=BROWSER).text
        seen += re.findall(r"(r\d+)@example.org</span>", answer)
        older = re.search(r'<a rel="next" href="([^"]+)">', answer)
        if older is None:
            break
        address = older[1].replace("&amp;", "&")

    assert older is None
    assert seen == [f"r{number}" for number in reversed(range(250))]
    assert '<a href="/">Newest</a>' in answer


def test_a_mail_that_was_dropped_is_said_to_be_gone(client: Client) -> None:
    assert "no longer kept" in page(client, message="7")
    asked = {"message": "7", "part": "live"}
    assert "no longer kept" in client.get("/", params=asked, headers=BROWSER).json()["timeline"]


def test_the_page_loads_nothing_from_elsewhere(client: Client) -> None:
    client.send(html="<p>Hello</p>")
    text = page(client, message="1")

    links = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert all(re.match(r"/(?!/)|data:|#", link) for link in links)
    for link in (one for one in links if one.startswith("/_fake/static/")):
        assert client.get(link).status_code == 200
    assert client.get("/_fake/static/none").status_code == 404

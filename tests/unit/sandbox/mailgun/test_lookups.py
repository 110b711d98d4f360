"""Events, logs, stored messages and the domain over real HTTP."""

from typing import Any

import pytest

from consumer.sandbox.mailgun import FakeMailgun, Options
from tests.support.clock import ManualClock
from tests.unit.sandbox.mailgun.support import DOMAIN, NOW, Client

EVENTS = f"/v3/{DOMAIN}/events"


def test_an_accepted_mail_is_accepted_then_delivered(client: Client) -> None:
    client.send(h_Message_Id="<a-17.1@alerts.example.com>", o_tag="critical", v_alert="17")

    delivered, accepted = client.events()

    assert (accepted["event"], delivered["event"]) == ("accepted", "delivered")
    assert accepted["message"]["headers"]["message-id"] == "a-17.1@alerts.example.com"
    assert accepted["message"]["recipients"] == ["ops@example.org"]
    assert accepted["user-variables"] == {"alert": "17"}
    assert accepted["tags"] == ["critical"]
    assert accepted["recipient-domain"] == "example.org"
    assert accepted["envelope"]["sender"] == "alarms@alerts.example.com"
    assert delivered["delivery-status"]["code"] == 250
    assert accepted["timestamp"] < delivered["timestamp"]
    assert accepted["id"] != delivered["id"]


def test_test_mode_is_flagged_and_delivered_with_650(client: Client) -> None:
    client.send(o_testmode="yes")

    delivered, accepted = client.events()

    assert accepted["flags"]["is-test-mode"] is True
    assert delivered["delivery-status"]["code"] == 650


def test_a_message_id_is_looked_up_without_brackets(client: Client) -> None:
    client.send(h_Message_Id="<one@alerts.example.com>")
    client.send(h_Message_Id="<two@alerts.example.com>")

    assert len(client.events(**{"message-id": "one@alerts.example.com"})) == 2
    assert client.events(**{"message-id": "<one@alerts.example.com>"}) == []
    assert client.events(**{"message-id": "one@alerts.example.com", "event": "failed"}) == []


@pytest.mark.parametrize(
    ("parameters", "subjects"),
    [
        ({"event": "accepted"}, ["disk", "cpu"]),
        ({"event": "accepted OR failed", "tags": "ok"}, ["disk"]),
        ({"event": "accepted", "subject": "NOT cpu"}, ["disk"]),
        ({"event": "accepted", "recipient": "a@example.org"}, ["cpu"]),
        ({"event": "accepted", "to": "a@example.org"}, ["cpu"]),
        ({"event": "accepted", "from": "alarms@alerts.example.com"}, ["disk", "cpu"]),
        ({"event": "accepted", "ascending": "yes"}, ["cpu", "disk"]),
        ({"event": "accepted", "ascending": "yes", "limit": "1"}, ["cpu"]),
        ({"severity": "permanent"}, []),
    ],
)
def test_filters(client: Client, parameters: dict[str, str], subjects: list[str]) -> None:
    client.send(subject="cpu", to="a@example.org", o_tag="critical")
    client.send(subject="disk", to="b@example.org", o_tag="ok")

    found = [event["message"]["headers"]["subject"] for event in client.events(**parameters)]

    assert found == subjects


def test_pages_are_followed_by_absolute_urls_whose_last_segment_is_the_token(
    client: Client,
) -> None:
    for subject in "123":
        client.send(subject=subject)
    parameters = {"ascending": "yes", "limit": "2", "event": "accepted"}

    page = client.get(EVENTS, params=parameters).json()
    assert sorted(page["paging"]) == ["first", "last", "next", "previous"]
    prefix = f"{client.fake.url}{EVENTS}/"
    assert all(
        url.startswith(prefix) and "/" not in url[len(prefix) :] and "?" not in url
        for url in page["paging"].values()
    )

    # One client follows the URL as it is, another sends the original parameters along.
    second = client.get(page["paging"]["next"]).json()
    also_second = client.get(page["paging"]["next"], params=parameters).json()
    end = client.get(second["paging"]["next"]).json()

    assert [_subjects(one) for one in (page, second, end)] == [["1", "2"], ["3"], []]
    assert also_second == second
    client.send(subject="4")
    assert _subjects(client.get(end["paging"]["next"]).json()) == ["4"]


def _subjects(page: dict[str, Any]) -> list[str]:
    return [event["message"]["headers"]["subject"] for event in page["items"]]


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        (EVENTS, {"begin": "lately", "ascending": "yes"}),
        (EVENTS, {"begin": "5", "end": "9", "ascending": "no"}),
        (EVENTS, {"limit": "many"}),
        (EVENTS, {"event": "(accepted"}),
        (f"{EVENTS}/invented", {}),
    ],
)
def test_a_query_that_means_nothing_is_refused(
    client: Client, path: str, parameters: dict[str, str]
) -> None:
    answer = client.get(path, params=parameters)

    assert answer.status_code == 400
    assert answer.json()["message"]


def test_pretty_is_indented(client: Client) -> None:
    assert '\n  "items"' in client.get(EVENTS, params={"pretty": "yes"}).text


def test_events_of_another_domain_are_not_shown() -> None:
    with FakeMailgun() as fake:
        client = Client(fake)
        with client.session:
            client.send()
            assert client.get("/v3/other.example.com/events").json()["items"] == []


def test_events_stay_invisible_for_the_visibility_delay() -> None:
    clock = ManualClock(NOW)
    with FakeMailgun(Options(event_delay_seconds=60, now=clock.now)) as fake:
        client = Client(fake)
        with client.session:
            client.send()
            assert client.events() == search(client)["items"] == []
            clock.advance(60)
            assert len(client.events()) == len(search(client)["items"]) == 2


def test_a_stored_message_is_found_by_the_events_storage_url(client: Client) -> None:
    client.send(text="Grüße", html="<p>Grüße</p>", h_X_Alarm="al1")
    url = client.events()[0]["storage"]["url"]

    parsed = client.get(url).json()
    mime = client.get(url, headers={"accept": "message/rfc2822"}).json()

    assert (parsed["body-plain"], parsed["body-html"]) == ("Grüße", "<p>Grüße</p>")
    assert ["X-Alarm", "al1"] in parsed["message-headers"]
    assert (parsed["Subject"], parsed["recipients"]) == ("CPU high", "ops@example.org")
    assert "body-mime" not in parsed
    assert mime["body-mime"].startswith("From: Alarms <alarms@alerts.example.com>\r\n")


def test_an_unknown_stored_message_is_not_found(client: Client) -> None:
    answer = client.get(f"/v3/domains/{DOMAIN}/messages/none")

    assert (answer.status_code, answer.json()) == (404, {"message": "Message not found"})


@pytest.mark.parametrize("version", ["v4", "v3"])
def test_the_domain_can_be_checked_at_the_start(client: Client, version: str) -> None:
    domain = client.get(f"/{version}/domains/{DOMAIN}").json()["domain"]
    unknown = client.get(f"/{version}/domains/other.example.com")
    client.session.auth = None
    stranger = client.get(f"/{version}/domains/{DOMAIN}")

    assert (domain["name"], domain["state"]) == (DOMAIN, "active")
    assert (unknown.status_code, unknown.json()) == (404, {"message": "Domain not found"})
    assert (stranger.status_code, stranger.json()) == (401, {"message": "Invalid private key"})


def rule(attribute: str, value: str, comparator: str = "=") -> dict[str, Any]:
    values = [{"label": value, "value": value}]
    return {"attribute": attribute, "comparator": comparator, "values": values}


def search(client: Client, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/analytics/logs", json={"filter": {"AND": list(rules)}, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("rules", "subjects"),
    [
        ([rule("domain", DOMAIN)], ["disk", "cpu"]),
        ([rule("domain", DOMAIN), rule("message_id", f"c@{DOMAIN}")], ["cpu"]),
        ([rule("message_id", f"<c@{DOMAIN}>")], []),
        ([rule("tag", "critical", "!=")], ["disk"]),
        ([rule("user_variables", '"alert": "17"', "contains")], ["cpu"]),
        ([rule("subject", "cpu", "not contains")], ["disk"]),
        ([rule("domain", "other.example.com")], []),
    ],
)
def test_logs_are_searched(
    client: Client, rules: list[dict[str, Any]], subjects: list[str]
) -> None:
    client.send(subject="cpu", h_Message_Id=f"<c@{DOMAIN}>", o_tag="critical", v_alert="17")
    client.send(subject="disk", h_Message_Id=f"<d@{DOMAIN}>", o_tag="ok")

    assert _subjects(search(client, *rules, events=["accepted"])) == subjects


def test_a_log_item_differs_from_an_event_where_mailguns_does(client: Client) -> None:
    client.send(v_alert="17")

    item = search(client, events=["accepted"])["items"][0]

    assert item["@timestamp"].endswith("Z")
    assert item["domain"] == {"name": DOMAIN}
    assert item["user-variables"] == '{"alert": "17"}'
    assert isinstance(item["storage"]["url"], list)


def test_logs_are_read_page_by_page(client: Client) -> None:
    for subject in "123":
        client.send(subject=subject)
    paging: dict[str, Any] = {"sort": "timestamp:asc", "limit": 2}

    first = search(client, events=["accepted"], pagination=paging)
    token = first["pagination"]["next"]
    second = search(client, events=["accepted"], pagination=paging | {"token": token})

    assert (_subjects(first), _subjects(second)) == (["1", "2"], ["3"])
    assert first["pagination"]["total"] == second["pagination"]["total"] == 3


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            {"filter": {"AND": [rule("test", "x")]}},
            "'test' is not a valid filter predicate attribute",
        ),
        ({"filter": {"AND": [rule("tag", "x", "~")]}}, "'~' is not a valid comparator of 'tag'"),
        ({"filter": {"AND": [{"attribute": "tag"}]}}, "the request is not valid JSON"),
        ({"start": "lately"}, "lately is not an RFC-2822 compliant date"),
        ({"duration": "long"}, "long is not a valid duration"),
        ([], "the request is not valid JSON"),
    ],
)
def test_a_search_that_means_nothing_is_refused(client: Client, body: Any, text: str) -> None:
    answer = client.post("/v1/analytics/logs", json=body)

    assert answer.status_code == 400
    assert text in answer.json()["message"]


def test_the_log_search_takes_times_and_durations(client: Client) -> None:
    client.send()
    past = {"start": "Thu, 01 Jan 2015 00:00:00 +0000", "end": "Fri, 02 Jan 2015 00:00:00 +0000"}

    assert search(client, **past)["items"] == []
    assert len(search(client, duration="1h")["items"]) == 2


def test_an_unknown_analytics_path_is_404_in_json(client: Client) -> None:
    answer = client.post("/v1/analytics/nothing", json={})

    assert (answer.status_code, answer.json()) == (404, {"error": "not found"})

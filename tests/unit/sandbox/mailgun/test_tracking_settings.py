"""A domain's tracking settings are kept."""

from typing import Any

import requests

from tests.unit.sandbox.mailgun.support import DOMAIN, TIMEOUT, Client

PATH = f"/v3/domains/{DOMAIN}/tracking"


def put(client: Client, name: str, **data: str) -> requests.Response:
    url = f"{client.fake.url}{PATH}/{name}"
    return client.session.put(url, data=data, timeout=TIMEOUT)


def settings(client: Client) -> dict[str, Any]:
    shown: dict[str, Any] = client.get(PATH).json()["tracking"]
    return shown


def test_nothing_is_tracked_at_first(client: Client) -> None:
    shown = settings(client)
    assert {name: shown[name]["active"] for name in ("open", "click", "unsubscribe")} == {
        "open": False,
        "click": False,
        "unsubscribe": False,
    }
    assert shown["web_scheme"] == "https"


def test_each_is_set_by_itself_and_what_is_not_named_stays(client: Client) -> None:
    answer = put(client, "open", active="yes", place_at_the_top="true")
    assert answer.json() == {
        "message": "Domain tracking settings have been updated",
        "open": {"active": True, "place_at_the_top": True},
    }
    assert put(client, "open", active="no").json()["open"] == {
        "active": False,
        "place_at_the_top": True,
    }
    assert put(client, "click", active="htmlonly").json()["click"] == {"active": True}
    assert put(client, "unsubscribe", text_footer="Bye").json()["unsubscribe"]["active"] is False
    shown = settings(client)
    assert (shown["click"]["active"], shown["unsubscribe"]["text_footer"]) == (True, "Bye")
    assert "%unsubscribe_url%" in shown["unsubscribe"]["html_footer"]


def test_a_state_that_does_not_exist_changes_nothing(client: Client) -> None:
    put(client, "click", active="true")
    assert put(client, "click", active="sometimes").status_code == 400
    assert settings(client)["click"] == {"active": True}


def test_settings_of_a_domain_that_does_not_exist(client: Client) -> None:
    answer = client.get("/v3/domains/other.example.com/tracking")
    assert (answer.status_code, answer.json()) == (404, {"message": "Domain not found"})

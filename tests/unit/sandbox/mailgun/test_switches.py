"""The switches: listed with their meaning, set by name, refused where they mean nothing."""

from dataclasses import fields

import pytest

from consumer.sandbox.mailgun.switches import BadSwitch, SwitchBoard, Switches
from tests.unit.sandbox.mailgun.support import Client


def test_every_switch_is_listed_with_its_position_default_and_meaning(client: Client) -> None:
    items = client.get("/_fake/switches").json()["items"]

    assert {item["name"] for item in items} == {entry.name for entry in fields(Switches)}
    assert all(item["position"] == item["default"] and item["meaning"] for item in items)


def test_a_switch_is_set_by_name_and_goes_back_at_a_reset(client: Client) -> None:
    answer = client.session.put(
        client.fake.url + "/_fake/switches",
        json={"time_scale": 60, "webhook_success": "2xx"},
        timeout=10,
    )

    assert answer.status_code == 200
    assert client.fake.world.switches.now == Switches(time_scale=60.0, webhook_success="2xx")
    client.post("/_fake/reset")
    assert client.fake.world.switches.now == Switches()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ([], "JSON object"),
        ({"colour": "red"}, "no switch colour"),
        ({"time_scale": 0}, "more than 0"),
        ({"time_scale": "fast"}, "of JSON type number"),
        ({"retry_after": 1}, "of JSON type boolean"),
        ({"rate_limit_status": 418}, "one of 429, 420"),
        ({"rate_limit_text": "words", "retry_after": True}, "one of date, seconds"),
    ],
)
def test_a_position_that_does_not_exist_changes_nothing(changes: object, text: str) -> None:
    board = SwitchBoard(Switches())

    with pytest.raises(BadSwitch, match=text):
        board.set(changes)

    assert board.now == Switches()

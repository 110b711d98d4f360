"""What becomes of a mail after it was accepted, as its events tell it."""

from collections.abc import Iterator
from typing import Any

import pytest

from consumer.sandbox.mailgun import FakeMailgun, Options
from consumer.sandbox.mailgun.deliveries import RETRY_WAITS
from consumer.sandbox.mailgun.delivery_status import MAX_AGE
from consumer.sandbox.mailgun.switches import Switches
from tests.support.clock import ManualClock
from tests.unit.sandbox.mailgun.support import DOMAIN, NOW, Client


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture(scope="module")
def running(clock: ManualClock) -> Iterator[FakeMailgun]:
    with FakeMailgun(Options(now=clock.now)) as fake:
        yield fake


@pytest.fixture
def client(running: FakeMailgun) -> Iterator[Client]:
    running.reset()
    client = Client(running)
    with client.session:
        yield client


def rule(client: Client, **values: Any) -> None:
    answer = client.post("/_fake/deliveries", json=values)
    assert answer.status_code == 200, answer.text


def told(client: Client, **parameters: Any) -> list[str]:
    """The events in the order of their time stamps, a failure with its severity and code."""
    parameters = {"ascending": "yes"} | parameters
    return [_short(event) for event in client.events(**parameters)]


def _short(event: dict[str, Any]) -> str:
    if event["event"] != "failed":
        return str(event["event"])
    return f"{event['severity']} {event['delivery-status']['code']}"


def test_temporary_failures_come_at_mailguns_intervals_and_then_the_delivery(
    client: Client, clock: ManualClock
) -> None:
    rule(client, temporary_failures=2, delay_seconds=5)
    client.send()

    assert told(client) == ["accepted"]
    clock.advance(5)
    assert told(client) == ["accepted", "temporary 451"]
    clock.advance(RETRY_WAITS[0])
    assert told(client) == ["accepted", "temporary 451", "temporary 451"]
    clock.advance(RETRY_WAITS[1])
    events = client.events(ascending="yes")
    assert [_short(event) for event in events][-1] == "delivered"
    assert [event["delivery-status"]["attempt-no"] for event in events[1:]] == [1, 2, 3]
    first = events[1]
    assert (first["log-level"], first["reason"]) == ("warn", "generic")
    assert first["delivery-status"]["retry-seconds"] == 600
    assert first["delivery-status"]["enhanced-code"] == "4.7.652"


def test_the_scale_makes_mailguns_waits_short(client: Client, clock: ManualClock) -> None:
    client.fake.switch(time_scale=600.0)
    rule(client, temporary_failures=1)
    client.send()

    assert told(client) == ["accepted", "temporary 451"]
    clock.advance(1)
    assert told(client) == ["accepted", "temporary 451", "delivered"]


def test_a_mail_that_fails_for_eight_hours_is_too_old(client: Client, clock: ManualClock) -> None:
    rule(client, outcome="expired")
    client.send()
    clock.advance(MAX_AGE)

    assert told(client) == ["accepted", *["temporary 451"] * 7, "permanent 602"]
    assert client.events(event="failed", limit=1)[0]["reason"] == "old"


def test_deliver_within_makes_it_give_up_earlier(client: Client, clock: ManualClock) -> None:
    rule(client, outcome="expired")
    client.send(o_deliver_within="30m")
    clock.advance(1800)

    assert told(client) == ["accepted", *["temporary 451"] * 3, "permanent 602"]


def test_a_bounce_is_a_suppression_from_then_on(client: Client) -> None:
    rule(client, outcome="permanent", recipient="gone@*", code=550, message="5.1.1 Gone")
    client.send(to="gone@example.org")
    client.send(to="gone@example.org")
    client.send(to="here@example.org")

    bounced, suppressed = client.events(event="failed", ascending="yes")
    assert (bounced["severity"], bounced["reason"], bounced["log-level"]) == (
        "permanent",
        "bounce",
        "error",
    )
    assert bounced["delivery-status"]["message"] == "5.1.1 Gone"
    assert bounced["delivery-status"]["bounce-type"] == "hard"
    assert (suppressed["reason"], suppressed["delivery-status"]["code"]) == ("suppress-bounce", 605)
    assert "mx-host" not in suppressed["delivery-status"]
    assert told(client, recipient="here@example.org") == ["accepted", "delivered"]


def test_a_rejected_mail_was_never_accepted_and_names_no_recipient(client: Client) -> None:
    rule(client, outcome="rejected")
    client.send()

    (event,) = client.events()
    assert (event["event"], event["log-level"]) == ("rejected", "warn")
    assert set(event["reject"]) == {"reason", "description"}
    assert "recipient" not in event
    assert event["message"]["headers"]["to"] == "ops@example.org"


def test_a_reader_opens_clicks_complains_and_unsubscribes(
    client: Client, clock: ManualClock
) -> None:
    steps = ["opened", "clicked", "complained", "unsubscribed"]
    rule(client, afterwards=steps, afterwards_seconds=10)
    client.send(v_alert="a-17")
    clock.advance(40)

    events = client.events(ascending="yes")
    assert [event["event"] for event in events] == ["accepted", "delivered", *steps]
    opened, clicked, complained, _ = events[2:]
    assert opened["client-info"]["device-type"] == "desktop"
    assert set(opened["message"]["headers"]) == {"message-id"}
    assert opened["user-variables"] == {"alert": "a-17"}
    assert clicked["url"].startswith("https://")
    assert complained["log-level"] == "warn"
    client.send()
    assert told(client)[-1] == "permanent 607"


def test_a_delayed_bounce_follows_the_delivery(client: Client, clock: ManualClock) -> None:
    rule(client, outcome="delayed_bounce", afterwards_seconds=30)
    client.send()
    clock.advance(30)

    assert told(client) == ["accepted", "delivered", "permanent 550"]
    (bounce,) = client.events(event="failed")
    assert (bounce["flags"]["is-delayed-bounce"], bounce["envelope"]) == (True, {})
    assert bounce["flags"]["is-authenticated"]


def test_nothing_may_follow_an_acceptance(client: Client, clock: ManualClock) -> None:
    rule(client, outcome="none", count=1)
    client.send()
    clock.advance(MAX_AGE)

    assert told(client) == ["accepted"]


def test_a_test_mode_mail_is_delivered_with_code_650_whatever_the_rules(client: Client) -> None:
    rule(client, outcome="permanent")
    client.send(o_testmode="yes")

    event = client.events(event="delivered")[0]
    assert event["flags"]["is-test-mode"]
    assert event["delivery-status"]["code"] == 650


@pytest.mark.parametrize(("honoured", "last"), [(True, "permanent 605"), (False, "delivered")])
def test_whether_test_mode_honours_suppressions_is_a_switch(
    client: Client, honoured: bool, last: str
) -> None:
    client.fake.switch(test_mode_suppresses=honoured)
    client.fake.world.suppressions.bounced(DOMAIN, "ops@example.org", "550", "")

    client.send(o_testmode="yes")

    assert told(client)[-1] == last


def test_a_rule_hits_by_domain_recipient_number_and_luck(client: Client) -> None:
    rule(client, outcome="none", domain="other.*")
    rule(client, outcome="none", probability=0)
    rule(client, outcome="permanent", reason="generic", count=1)
    client.send()
    client.send()

    assert told(client) == ["accepted", "permanent 550", "accepted", "delivered"]
    assert len(client.get("/_fake/deliveries").json()["items"]) == 2
    assert client.delete("/_fake/deliveries").json() == {"items": []}


def test_each_mail_of_a_batch_has_a_fate_of_its_own(client: Client) -> None:
    rule(client, outcome="permanent", recipient="b@*")
    client.send(to=["a@example.org", "b@example.org"], recipient_variables="{}")

    assert told(client, recipient="a@example.org") == ["accepted", "delivered"]
    assert told(client, recipient="b@example.org") == ["accepted", "permanent 550"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": "exploded"},
        {"afterwards": ["sang"]},
        {"delay_seconds": -1},
        {"delay_seconds": "long"},
        {"colour": "red"},
    ],
)
def test_a_wrong_rule_is_refused(client: Client, wrong: dict[str, Any]) -> None:
    assert client.post("/_fake/deliveries", json=wrong).status_code == 400
    assert client.get("/_fake/deliveries").json() == {"items": []}


def test_events_happen_on_demand(client: Client) -> None:
    client.send(h_Message_Id="<one@x.com>", to="a@example.org, b@example.org")
    wish = {"event": "opened", "message_id": "<one@x.com>", "details": {"ip": "198.51.100.7"}}

    answer = client.post("/_fake/events", json=wish)

    assert len(answer.json()["items"]) == 2
    assert [event["ip"] for event in client.events(event="opened")] == ["198.51.100.7"] * 2
    client.fake.happen("failed", recipient="a@example.org", details={"reason": "bounce"})
    (failed,) = client.events(event="failed")
    assert (failed["severity"], failed["delivery-status"]) == ("permanent", None)
    assert client.fake.world.suppressions.get(DOMAIN, "bounces", "a@example.org")


@pytest.mark.parametrize("wrong", [[], {"event": "sang"}, {"event": "opened", "recipient": "x"}])
def test_what_cannot_happen_is_refused(client: Client, wrong: object) -> None:
    assert client.post("/_fake/events", json=wrong).status_code == 400


def test_the_truth_knows_events_that_are_not_visible_yet(clock: ManualClock) -> None:
    options = Options(
        now=clock.now,
        event_delay_seconds=5,
        switches=Switches(event_delay_spread_seconds=3.0),
    )
    with FakeMailgun(options) as fake:
        client = Client(fake)
        with client.session:
            client.send()
            assert client.events() == []
            accepted, delivered = fake.events()
            assert (accepted["event"], delivered["webhook"]) == ("accepted", "delivered")
            assert all(NOW + 5 <= one["visible_at"] - clock.now() + NOW <= NOW + 8.1
                       for one in (accepted, delivered))  # fmt: skip
            found = client.get("/_fake/events", params={"after": accepted["serial"]}).json()
            assert [event["event"] for event in found["items"]] == ["delivered"]
            clock.advance(8.1)
            assert len(client.events()) == 2

"""The older statistics: the events counted by hour, day or month."""

from typing import Any

import pytest

from consumer.sandbox.mailgun.paging import BadQuery
from consumer.sandbox.mailgun.stats import Wish
from tests.unit.sandbox.mailgun.support import DOMAIN, NOW, Client

PATH = f"/v3/{DOMAIN}/stats/total"


def total(client: Client, *kinds: str, path: str = PATH) -> dict[str, Any]:
    answer = client.get(path, params={"event": kinds})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()["stats"][-1]
    return shown


def test_what_was_sent_is_counted_under_the_day_and_only_what_is_asked_for(client: Client) -> None:
    client.send()
    client.send()
    counted = total(client, "accepted", "delivered")
    assert counted.pop("time").endswith(" 00:00:00 UTC")
    assert counted == {
        "accepted": {"incoming": 0, "outgoing": 2, "total": 2},
        "delivered": {"smtp": 2, "http": 0, "optimized": 0, "total": 2},
    }


def test_the_accounts_total_is_that_of_all_domains(client: Client) -> None:
    client.send()
    client.post("/v4/domains", data={"name": "b.example.com", "force_active": "true"})
    path = "/v3/b.example.com/messages"
    client.post(path, data={"from": "a@b.example.com", "to": "ops@example.org", "text": "x"})
    assert total(client, "accepted")["accepted"]["total"] == 1
    assert total(client, "accepted", path="/v3/stats/total")["accepted"]["total"] == 2


def test_failures_are_told_apart(client: Client) -> None:
    client.fake.deliver(
        {"outcome": "permanent", "recipient": "gone@*", "temporary_failures": 1, "count": 1}
    )
    client.fake.switch(time_scale=1e9)
    client.send(to="gone@example.org")
    assert total(client, "failed")["failed"]["permanent"]["total"] == 1
    client.send(to="gone@example.org")
    failed = total(client, "failed")["failed"]
    assert failed["temporary"] == {"espblock": 0, "total": 1}
    told = {name: number for name, number in failed["permanent"].items() if number}
    assert told == {"bounce": 1, "suppress-bounce": 1, "total": 2}


def test_who_opens_twice_is_one_reader(client: Client) -> None:
    client.send()
    for kind in ("opened", "opened", "clicked"):
        client.fake.happen(kind, recipient="ops@example.org")
    counted = total(client, "opened", "clicked")
    assert counted["opened"] == {"total": 2, "unique": 1}
    assert counted["clicked"] == {"total": 1, "unique": 1}


@pytest.mark.parametrize(
    ("parameters", "first", "number"),
    [
        ({}, "Thu, 25 Dec 2025", 8),
        ({"duration": "1d"}, "Wed, 31 Dec 2025", 2),
        ({"duration": "2h", "resolution": "hour"}, "Wed, 31 Dec 2025 22:00", 3),
        ({"duration": "2m", "resolution": "month"}, "Sat, 01 Nov 2025", 3),
        ({"start": "Mon, 29 Dec 2025 12:00:00 UTC"}, "Mon, 29 Dec 2025 00:00", 4),
        ({"start": str(int(NOW) - 86_400), "end": str(int(NOW))}, "Wed, 31 Dec 2025", 2),
    ],
)
def test_every_interval_is_there_the_oldest_first(
    parameters: dict[str, str], first: str, number: int
) -> None:
    begins = Wish(parameters, ["accepted"], NOW).intervals()
    assert begins[0].strftime("%a, %d %b %Y %H:%M").startswith(first)
    assert len(begins) == number


@pytest.mark.parametrize(
    ("parameters", "kinds", "text"),
    [
        ({}, [], "event parameter is missing"),
        ({}, ["sent"], "'sent' is not a valid event"),
        ({"resolution": "year"}, ["accepted"], "'year' is not a valid resolution"),
        ({"start": "today"}, ["accepted"], "today is not an RFC-2822 compliant date"),
        ({"duration": "one day"}, ["accepted"], "one day is not a valid duration"),
    ],
)
def test_what_cannot_be_asked_for(parameters: dict[str, str], kinds: list[str], text: str) -> None:
    with pytest.raises(BadQuery, match=text):
        Wish(parameters, kinds, NOW)


@pytest.mark.parametrize("start", ["1", "9" * 30])
def test_times_that_are_too_far_away_are_refused(client: Client, start: str) -> None:
    asked = {"event": "accepted", "resolution": "hour", "start": start}
    assert client.get(PATH, params=asked).status_code == 400

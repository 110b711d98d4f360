"""The suppression lists over HTTP, and what they do to a send."""

from typing import Any
from urllib.parse import quote

import pytest
import requests

from consumer.sandbox.mailgun.suppressions import KINDS
from tests.unit.sandbox.mailgun.support import DOMAIN, TIMEOUT, Client

CREATED = "Thu, 11 Dec 2025 01:49:40 UTC"


def path(kind: str, value: str = "") -> str:
    return f"/v3/{DOMAIN}/{kind}" + (f"/{quote(value, safe='')}" if value else "")


def upload(client: Client, kind: str, text: str) -> requests.Response:
    return client.post(path(kind) + "/import", files={"file": ("list.csv", text.encode())})


@pytest.mark.parametrize(
    ("kind", "message", "record"),
    [
        (
            "bounces",
            "1 addresses have been added to the bounces table",
            {"address": "a+b@example.org", "code": "550", "error": ""},
        ),
        (
            "complaints",
            "1 complaint addresses have been added to the complaints table",
            {"address": "a+b@example.org"},
        ),
        (
            "unsubscribes",
            "1 addresses have been added to the unsubscribes table",
            {"address": "a+b@example.org", "tags": ["*"]},
        ),
    ],
)
def test_an_address_is_added_found_listed_and_removed(
    client: Client, kind: str, message: str, record: dict[str, Any]
) -> None:
    data = {"address": "a+b@example.org", "created_at": CREATED}
    record = record | {"created_at": CREATED}

    assert client.post(path(kind), data=data).json() == {"message": message}
    assert client.get(path(kind, "A+B@example.org")).json() == record
    assert client.get(path(kind)).json()["items"] == [record]
    removed = client.delete(path(kind, "a+b@example.org"))
    assert (removed.status_code, removed.json()["address"]) == (200, "a+b@example.org")
    missing = client.get(path(kind, "a+b@example.org"))
    assert missing.status_code == client.delete(path(kind, "a+b@example.org")).status_code == 404
    assert "ound" in missing.json()["message"]


def test_the_allowlist_takes_addresses_and_domains(client: Client) -> None:
    both = {"address": "a@example.org", "domain": "example.net", "reason": "ours"}

    assert client.post(path("whitelists"), data=both).json() == {
        "message": "Address/Domain has been added to the allowlists table",
        "type": "address",
        "value": "a@example.org",
    }
    client.post(path("whitelists"), data={"domain": "example.net"})
    entry = client.get(path("whitelists", "example.net")).json()
    assert (entry["type"], set(entry)) == ("domain", {"type", "value", "reason", "createdAt"})
    assert client.post(path("whitelists"), data={}).json() == {
        "message": "Missing mandatory parameter: address/domain"
    }
    assert client.delete(path("whitelists", "a@example.org")).json()["value"] == "a@example.org"


def test_many_are_added_as_json(client: Client) -> None:
    many = [{"address": f"r{number}@example.org", "code": 552} for number in range(1000)]

    assert client.post(path("bounces"), json=many).json() == {
        "message": "1000 addresses have been added to the bounces table"
    }
    assert client.get(path("bounces", "r7@example.org")).json()["code"] == "552"
    refused = client.post(path("bounces"), json=[*many, {"address": "one@too.many"}])
    assert (refused.status_code, refused.json()) == (
        400,
        {"message": "Batch size should be less than 1000"},
    )


@pytest.mark.parametrize("content", [[{"address": "nobody"}], [{}], [1], "x"])
def test_wrong_records_are_refused_whole(client: Client, content: object) -> None:
    good = {"address": "good@example.org"}
    records = [good, *content] if isinstance(content, list) else content

    assert client.post(path("complaints"), json=records).status_code == 400
    assert client.get(path("complaints")).json()["items"] == []


def test_pages_are_walked_by_their_links_in_both_directions(client: Client) -> None:
    many = [{"address": f"r{number:02}@example.org"} for number in range(25)]
    client.post(path("bounces"), json=many)

    def walk(answer: dict[str, Any], move: str) -> list[int]:
        sizes = []
        while answer["items"]:
            sizes.append(len(answer["items"]))
            seen.extend(item["address"][:3] for item in answer["items"])
            answer = client.get(answer["paging"][move]).json()
        return sizes

    seen: list[str] = []
    first = client.get(path("bounces"), params={"limit": 10}).json()
    assert walk(first, "next") == [10, 10, 5]
    assert seen == [f"r{number:02}" for number in range(25)]
    assert "?page=next&address=r09%40example.org" in first["paging"]["next"]
    seen = []
    last = client.get(first["paging"]["last"]).json()
    assert walk(last, "previous") == [10, 10, 5]
    assert sorted(seen) == [f"r{number:02}" for number in range(25)]
    assert client.get(last["paging"]["first"]).json()["items"] == first["items"]


def test_a_list_is_searched_by_how_addresses_begin_and_has_its_limit(client: Client) -> None:
    client.post(path("bounces"), json=[{"address": f"{name}@x.org"} for name in ("ann", "bob")])

    found = client.get(path("bounces"), params={"term": "AN"}).json()
    assert [item["address"] for item in found["items"]] == ["ann@x.org"]
    assert "term=AN" in found["paging"]["next"]
    assert client.get(path("bounces"), params={"limit": "x"}).status_code == 400
    capped = client.get(path("bounces"), params={"limit": 5000}).json()
    assert capped["paging"]["last"].endswith("limit=1000")


@pytest.mark.parametrize("kind", KINDS)
def test_a_csv_file_is_imported(client: Client, kind: str) -> None:
    answer = upload(client, kind, "address,tags,error\na@x.org,news,gone\nb@x.org,,\n")

    assert (answer.status_code, answer.json()) == (
        202,
        {"message": "file uploaded successfully for processing. standby..."},
    )
    items = client.get(path(kind)).json()["items"]
    assert [item.get("address") or item["value"] for item in items] == ["a@x.org", "b@x.org"]
    if kind == "unsubscribes":
        assert [item["tags"] for item in items] == [["news"], ["*"]]


def test_a_file_without_a_header_or_no_file_is_refused(client: Client) -> None:
    assert upload(client, "bounces", "a@x.org\n").json() == {"message": "while reading csv header"}
    assert client.post(path("bounces") + "/import", data={"file": "x"}).status_code == 400
    huge = "address\n" + "x" * (26 * 1024 * 1024)
    assert upload(client, "bounces", huge).status_code == 413


def test_a_list_is_cleared(client: Client) -> None:
    client.post(path("unsubscribes"), data={"address": "a@x.org"})
    client.post(path("bounces"), data={"address": "a@x.org"})

    assert client.delete(path("unsubscribes")).json() == {
        "message": "Unsubscribe addresses for this domain have been removed"
    }
    assert client.get(path("unsubscribes")).json()["items"] == []
    assert len(client.get(path("bounces")).json()["items"]) == 1


@pytest.mark.parametrize(
    ("kind", "reason", "code"),
    [
        ("bounces", "suppress-bounce", 605),
        ("unsubscribes", "suppress-unsubscribe", 606),
        ("complaints", "suppress-complaint", 607),
    ],
)
def test_a_send_to_a_suppressed_address_is_queued_and_fails(
    client: Client, kind: str, reason: str, code: int
) -> None:
    client.post(path(kind), data={"address": "Ops@example.org"})

    assert client.send().json()["message"] == "Queued. Thank you."
    accepted, failed = client.events(ascending="yes")
    assert (accepted["event"], failed["event"]) == ("accepted", "failed")
    assert (failed["severity"], failed["reason"]) == ("permanent", reason)
    assert failed["delivery-status"]["code"] == code


def test_an_unsubscribe_is_about_its_tags(client: Client) -> None:
    client.post(path("unsubscribes"), data={"address": "ops@example.org", "tag": ["news", "ads"]})

    client.send(o_tag="alarm")
    client.send(o_tag=["alarm", "news"])

    kinds = [event["event"] for event in client.events(ascending="yes")]
    assert kinds == ["accepted", "delivered", "accepted", "failed"]
    one = path("unsubscribes", "ops@example.org")
    assert client.delete(f"{one}?tag=news").status_code == 200
    assert client.get(one).json()["tags"] == ["ads"]
    assert client.delete(f"{one}?tag=news").json() == {
        "message": "Unsubscribe event for this tag does not exist"
    }
    client.delete(f"{one}?tag=ads")
    assert client.get(one).status_code == 404


def test_an_address_on_the_allowlist_does_not_enter_the_bounces(client: Client) -> None:
    client.post(path("whitelists"), data={"domain": "example.org"})
    client.fake.deliver({"outcome": "permanent"})
    client.send()
    client.send(to="a@example.net")

    items = client.get(path("bounces")).json()["items"]
    assert [item["address"] for item in items] == ["a@example.net"]
    assert (items[0]["code"], items[0]["error"]) == ("550", "5.1.1 No such user")


def test_each_domain_has_lists_of_its_own(client: Client) -> None:
    client.post(path("bounces"), data={"address": "ops@example.org"})

    other = client.session.get(client.fake.url + "/v3/other.example.com/bounces", timeout=TIMEOUT)
    assert (other.status_code, other.json()) == (
        404,
        {"message": "Domain not found: other.example.com"},
    )

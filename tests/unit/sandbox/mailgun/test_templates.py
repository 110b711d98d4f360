"""Stored templates: their calls, what they render to, sends with them."""

import json
from typing import Any

import pytest
import requests

from consumer.sandbox.mailgun.handlebars import BadTemplate, render
from tests.unit.sandbox.mailgun.support import DOMAIN, TIMEOUT, Client, make_form

PATH = f"/v3/{DOMAIN}/templates"


def call(client: Client, method: str, path: str, **more: Any) -> requests.Response:
    return client.session.request(method, client.fake.url + path, timeout=TIMEOUT, **more)


def create(client: Client, template: str = "<p>{{state}}</p>", **more: str) -> requests.Response:
    return client.post(PATH, data={"name": "Alarm", "template": template, **more})


def send(client: Client, **changes: Any) -> requests.Response:
    form = make_form(text=None, template="alarm", **changes)
    return client.post(f"/v3/{DOMAIN}/messages", data=form.fields)


def test_a_template_is_stored_read_described_and_deleted(client: Client) -> None:
    made = create(client, description="of alarms", createdBy="ann", tag="V1").json()

    assert made["message"] == "template has been stored"
    assert made["template"]["name"] == "alarm"
    assert made["template"]["version"]["tag"] == "v1"
    assert "version" not in client.get(f"{PATH}/ALARM").json()["template"]
    whole = client.get(f"{PATH}/alarm?active=yes").json()["template"]
    assert whole["version"]["template"] == "<p>{{state}}</p>"
    assert whole["createdBy"] == "ann"
    updated = call(client, "PUT", f"{PATH}/alarm", data={"description": "new"})
    assert updated.json()["template"] == {"name": "alarm"}
    assert client.get(PATH).json()["items"][0]["description"] == "new"
    assert client.delete(f"{PATH}/alarm").json()["message"] == "template has been deleted"
    assert client.get(f"{PATH}/alarm").status_code == 404
    create(client)
    assert client.delete(PATH).json() == {"message": "templates have been deleted"}
    assert client.get(PATH).json()["items"] == []


def test_versions_come_and_go_and_one_is_active(client: Client) -> None:
    create(client)
    versions = f"{PATH}/alarm/versions"

    made = client.post(versions, data={"tag": "V2", "template": "2", "active": "yes"}).json()
    assert made["message"] == "new version of the template has been stored"
    assert made["template"]["version"]["active"] is True
    listed = client.get(versions).json()["template"]["versions"]
    assert [(one["tag"], one["active"]) for one in listed] == [("initial", False), ("v2", True)]
    changed = call(client, "PUT", versions + "/v2", data={"template": "two"}).json()
    assert changed == {
        "message": "version has been updated",
        "template": {"name": "alarm", "version": {"tag": "v2"}},
    }
    one = client.get(versions + "/v2").json()["template"]["version"]
    assert (one["template"], one["active"]) == ("two", True)
    send(client, t_version="initial", t_variables='{"state": "OK"}')
    send(client)
    assert [mail["html"] for mail in client.fake.messages()] == ["<p>OK</p>", "two"]
    client.delete(versions + "/v2")
    assert client.get(versions + "/v2").status_code == 404
    assert send(client).status_code == 400


def test_forty_versions_are_the_limit(client: Client) -> None:
    create(client)
    for number in range(39):
        client.post(f"{PATH}/alarm/versions", data={"tag": f"v{number}", "template": "x"})

    answer = client.post(f"{PATH}/alarm/versions", data={"tag": "more", "template": "x"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "data",
    [
        {"template": "x"},
        {"name": "alarm", "template": "again"},
        {"name": "new", "template": "{{#if x}}"},
        {"name": "new", "template": "x", "headers": "{"},
    ],
)
def test_what_is_no_template_is_refused(client: Client, data: dict[str, str]) -> None:
    create(client)

    assert client.post(PATH, data=data).status_code == 400


def test_variables_of_the_call_win_over_those_of_the_mail(client: Client) -> None:
    create(client, "{{state}} {{metric.name}} <{{who}}> {{{raw}}}")
    send(
        client,
        v_state="OK",
        v_who="a&b",
        v_metric='{"name": "cpu"}',
        t_variables='{"state": "CRITICAL", "raw": "<b>"}',
        t_text="yes",
    )

    (mail,) = client.fake.messages()
    assert mail["html"] == "CRITICAL cpu <a&amp;b> <b>"
    assert "CRITICAL cpu" in mail["text"]
    key = mail["storage_key"]
    stored = client.get(f"/v3/domains/{DOMAIN}/messages/{key}").json()
    assert stored["X-Mailgun-Template-Name"] == "alarm"
    assert json.loads(stored["X-Mailgun-Template-Variables"])["who"] == "a&b"


def test_each_recipient_of_a_batch_gets_its_own(client: Client) -> None:
    create(client, "Hello {{name}}")
    variables = {f"{name}@x.org": {"name": name.title()} for name in ("ann", "bob")}

    send(
        client,
        to=list(variables),
        recipient_variables=json.dumps(variables),
        v_name="%recipient.name%",
    )

    assert [mail["html"] for mail in client.fake.messages()] == ["Hello Ann", "Hello Bob"]


def test_a_template_may_bring_its_sender_and_subject(client: Client) -> None:
    headers = {"From": "Robot <robot@x.org>", "Subject": "{{state}} & more", "Reply-To": "a@x.org"}
    create(client, headers=json.dumps(headers))

    answer = send(client, from_=None, subject=None, v_state="OK")

    assert answer.status_code == 200
    (mail,) = client.fake.messages()
    assert (mail["from"], mail["subject"]) == ("Robot <robot@x.org>", "OK & more")
    assert ["Reply-To", "a@x.org"] in [list(header) for header in mail["headers"]]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"template": "nothing"}, "template 'nothing' not found"),
        ({"t_version": "v9"}, "template 'alarm' not found"),
        ({"t_variables": "{"}, "'t:variables' parameter is not a valid JSON"),
        ({"html": "x"}, "Only one parameters 'html' or 'template' is allowed"),
    ],
)
def test_a_call_that_the_template_does_not_fit_is_refused(
    client: Client, changes: dict[str, Any], text: str
) -> None:
    create(client)
    form = make_form(**({"text": None, "template": "alarm"} | changes))

    answer = client.post(f"/v3/{DOMAIN}/messages", data=form.fields)

    assert (answer.status_code, answer.json()) == (400, {"message": text})
    assert client.fake.messages() == []


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{a}}{{!note}}{{!-- {{b}} --}}", "1"),
        ("{{missing}}|{{a.b}}|{{list.1.n}}", "||2"),
        ("{{{html}}}{{&html}}{{html}}", "<i><i>&lt;i&gt;"),
        ("{{#if a}}yes{{else}}no{{/if}}", "yes"),
        ("{{#if none}}yes{{else}}no{{/if}}", "no"),
        ("{{#unless none}}u{{/unless}}", "u"),
        ("{{#each list}}{{n}}{{#if last}}!{{/if}},{{/each}}", "1,2!,"),
        ("{{#each words}}{{this}}{{../a}} {{/each}}", "x1 y1 "),
        ("{{#each none}}x{{else}}nothing{{/each}}", "nothing"),
        ("{{#with deep}}{{er}}{{/with}}", "down"),
        ("{{#if a}}{{#if none}}x{{else}}y{{/if}}z{{else}}w{{/if}}", "yz"),
        ("{{#if none}}x{{else}}{{#if a}}y{{/if}}z{{/if}}", "yz"),
    ],
)
def test_handlebars(template: str, expected: str) -> None:
    variables = {
        "a": 1,
        "none": [],
        "html": "<i>",
        "list": [{"n": 1}, {"n": 2, "last": True}],
        "words": ["x", "y"],
        "deep": {"er": "down"},
    }

    assert render(template, variables) == expected


@pytest.mark.parametrize("template", ["{{#if a}}", "{{/if}}", "{{else}}", "{{#sing a}}{{/sing}}"])
def test_what_is_no_handlebars_is_refused(template: str) -> None:
    with pytest.raises(BadTemplate):
        render(template, {})

"""The script of faults: which call a fault hits, and how often."""

from typing import Any

import pytest

from consumer.sandbox.mailgun.fault_replies import throttled
from consumer.sandbox.mailgun.faults import BadScript, Fault, Script, parse_script
from tests.unit.sandbox.mailgun.support import DOMAIN, NOW


def script_of(*lines: dict[str, Any]) -> Script:
    script = Script()
    script.add(parse_script(list(lines)))
    return script


def take(script: Script, *recipients: str, domain: str = DOMAIN, when: str = "before") -> str:
    fault = script.take(when, "send", domain, recipients)
    return fault.kind if fault else "none"


def test_a_fault_hits_once_unless_it_says_otherwise() -> None:
    once, twice, ever = (
        script_of({"kind": "reset", **more}) for more in ({}, {"count": 2}, {"count": None})
    )

    assert [take(once) for _ in range(3)] == ["reset", "none", "none"]
    assert [take(twice) for _ in range(3)] == ["reset", "reset", "none"]
    assert [take(ever) for _ in range(3)] == ["reset"] * 3


def test_the_first_line_that_matches_is_used() -> None:
    script = script_of(
        {"kind": "hang", "match": {"recipient": "*@Example.net"}},
        {"kind": "reset", "match": {"domain": "other.example.com"}},
        {"kind": "html502"},
    )

    assert take(script, "a@example.org") == "html502"
    assert take(script, "a@example.org", "b@example.net") == "hang"
    assert take(script, "a@example.org") == "none"
    assert take(script, domain="other.example.com") == "reset"


def test_before_after_and_lookups_are_apart() -> None:
    script = script_of({"kind": "reset", "when": "after"}, {"kind": "status", "call": "lookup"})

    assert take(script) == "none"
    assert take(script, when="after") == "reset"
    assert script.take("before", "lookup", DOMAIN) == Fault(kind="status", call="lookup")


def test_a_seed_throws_the_same_dice_again() -> None:
    line = {"kind": "reset", "count": None, "probability": 0.5, "seed": 7}
    first, second = ([take(script) for _ in range(50)] for script in map(script_of, [line, line]))

    assert first == second
    assert set(first) == {"reset", "none"}


def test_what_remains_is_listed() -> None:
    script = script_of({"kind": "reset", "count": 3}, {"kind": "hang", "count": None})
    take(script)

    assert [(line["kind"], line["count"], line["served"]) for line in script.remaining()] == [
        ("reset", 2, 1),
        ("hang", None, 0),
    ]
    script.clear()
    assert script.remaining() == []


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ({"kind": "explode"}, "kind must be one of"),
        ({}, "argument: 'kind'"),
        ("reset", "a fault is a JSON object"),
        ({"kind": "reset", "when": "never"}, "when must be one of"),
        ({"kind": "reset", "call": "all"}, "call must be one of"),
        ({"kind": "throttle", "retry": "soon"}, "retry must be one of"),
        ({"kind": "reset", "count": 0}, "count must be 1 or more"),
        ({"kind": "reset", "probability": 2}, "probability must be between 0 and 1"),
        ({"kind": "status", "status": 42}, "status must be between 200 and 599"),
        ({"kind": "delay", "seconds": -1}, "seconds must not be negative"),
        ({"kind": "delay", "seconds": "long"}, "a fault cannot be made of this"),
        ({"kind": "reset", "colour": "red"}, "a fault has no colour"),
        ({"kind": "reset", "match": "all"}, "match is a JSON object"),
        ({"kind": "reset", "count": "many"}, "a fault cannot be made of this"),
    ],
)
def test_a_meaningless_line_is_refused(line: object, text: str) -> None:
    with pytest.raises(BadScript, match=text):
        parse_script([line])


def test_a_throttling_names_its_end_as_date_or_as_seconds() -> None:
    dated = Fault(kind="throttle", seconds=90)
    counted = Fault(kind="throttle", seconds=90, retry="seconds", why="account-requests-per-sec")

    assert throttled(dated, DOMAIN, NOW) == (
        "Domain alerts.example.com is not allowed to send: recipient limit exceeded, "
        "try again after Thu, 01 Jan 2026 00:01:30 UTC"
    )
    assert throttled(counted, DOMAIN, NOW) == (
        "Domain alerts.example.com is not allowed to send: account-requests-per-sec limit "
        "exceeded, try again after 90 seconds"
    )

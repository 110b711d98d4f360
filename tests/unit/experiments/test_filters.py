"""What a condition and the simple options mean, and how a wrong one is told."""

import pytest

from consumer.domain.alarm import State
from consumer.experiments.fields import FIELDS
from consumer.experiments.filters import Filter, FilterError, Wanted, parse_states
from tests.unit.experiments.seen_rig import make_seen, make_unreadable

EVENT = make_seen(
    entity={"label": "web-1", "metadata": {"rack": "7"}},
    check={"type": "remote.http"},
    attributes={"severity": "high"},
)


@pytest.mark.parametrize(
    "condition",
    [
        'state == "CRITICAL" && previous_state != "CRITICAL"',
        'state in ["CRITICAL", "WARNING"]',
        'entity_label.startsWith("web") && check_type.contains("http")',
        'entity_label.matches("^web-[0-9]+$")',
        'labels.rack == "7" && severity == "high"',
        "has(labels.rack) && !has(labels.floor)",
        'has(labels.floor) ? labels.floor == "1" : true',
        'time > timestamp("2014-02-11T00:00:00Z") && time.getHours() < 24',
        "timestamp < 1392138733811",
        'state != previous_state && previous_state != "" && !has(labels.state)',
        'has(labels.state) && labels.state == "red" || true',
        'topic == "alarm-events" && partition == 0 && offset < 5 && key == "key" && size > 0',
        "readable && !test",
        '["4", "7"].exists(rack, rack == labels.rack)',
        'labels.floor == "1" || tenant_id == "487000"',
    ],
)
def test_conditions_that_hold(condition: str) -> None:
    wanted = Filter(condition)
    assert wanted.matches(EVENT)
    assert wanted.failures == 0


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("", "wrong at the end"),
        ("state == ", r"wrong at the end \(line 1, character 10\)"),
        ('state = "OK"', "write =="),
        ('state == "OK" and test', r"before 'and test' \(line 1, character 15\).*write &&"),
        ('test ||\nstate == "OK" or test', r"line 2, character 15\).*write \|\|"),
        ('tenant == "x"', r"no name 'tenant' at character 1; did you mean tenant_id\? There are: "),
        ("nothing.like == it", "no name 'it'"),
        ('status.lower() == "x"', "no function 'lower' at character 8.*There are: contains, "),
        ("size(status)", "its answer is not true or false"),
        ("tenant_id > 5", "different types"),
        ("state == 'critical'", "no state 'critical'; there are: OK, WARNING, CRITICAL, UNKNOWN"),
        ('test || previous_state != "RED"', "no state 'RED'"),
        ('status.matches("[")', "not a valid regex"),
        ("1 / 0 == 1", "division by zero"),
        ("'x' == '" + "x" * 3_000 + "'", "at most 2000"),
        ("[1].all(a, [1].all(b, [1].all(c, true)))", "3 loops, at most 2"),
        ("(" * 900 + "1" + ")" * 900, "cannot be read|wrong"),
        ("__class__ == 1", "no name '__class__'"),
        ("state.__class__ == 1", "different types|no "),
    ],
)
def test_a_wrong_condition_is_told_in_one_line(condition: str, told: str) -> None:
    with pytest.raises(FilterError, match=told) as raised:
        Filter(condition)
    assert "\n" not in str(raised.value)


def test_an_event_that_cannot_be_asked_is_not_meant_and_counted() -> None:
    wanted = Filter('labels.floor == "1"')
    assert not wanted.matches(EVENT)
    assert not wanted.matches(EVENT)
    assert wanted.failures == 2
    assert "alarm-events 0/0: there is no 'floor'" in (wanted.first_failure or "")


def test_an_answer_of_another_type_counts_as_none() -> None:
    wanted = Filter("labels.rack")
    assert not wanted.matches(EVENT)
    assert wanted.first_failure == "alarm-events 0/0: the answer is str, not true or false"


def test_a_regular_expression_takes_linear_time() -> None:
    """Where Python's own would try for longer than the universe is old."""
    wanted = Filter('status.matches("^(a+)+$")')
    assert not wanted.matches(make_seen(status="a" * 200 + "!"))


def test_simple_options_are_combined_and_any_value_of_one_may_fit() -> None:
    wanted = Wanted(
        tenants=frozenset({"487000", "x"}),
        entities=frozenset({"enW3bSrv01"}),
        alarms=frozenset({"alBodyM4tc"}),
        states=frozenset({State.CRITICAL}),
    )
    assert Filter(None, wanted).matches(EVENT)
    assert Filter('severity == "high"', wanted).matches(EVENT)
    assert not Filter('severity == "low"', wanted).matches(EVENT)
    for other in ({"tenant_id": "1"}, {"entity_id": "1"}, {"alarm_id": "1"}, {"state": State.OK}):
        assert not Filter(None, wanted).matches(make_seen(**other))


def test_what_is_known_of_an_unreadable_record_decides() -> None:
    record = make_unreadable(tenant_id="487000")
    assert Filter().matches(record)
    assert Filter('!readable && tenant_id == "487000"').matches(record)
    assert Filter('problem.contains("not_json")').matches(record)
    assert not Filter(None, Wanted(tenants=frozenset({"1"}))).matches(record)
    assert not Filter('state == "OK"').matches(record)


@pytest.mark.parametrize("seen", [EVENT, make_unreadable()], ids=["event", "unreadable"])
def test_each_field_can_be_read_of_anything(seen: object) -> None:
    for name in FIELDS:
        wanted = Filter(f"{name} == {name}")
        assert wanted.matches(seen), name  # type: ignore[arg-type] # one of the two above


def test_states_are_read_in_any_case() -> None:
    assert parse_states(["ok", "Critical"]) == {State.OK, State.CRITICAL}
    with pytest.raises(FilterError, match="'red' is no state: write OK, WARNING, CRITICAL"):
        parse_states(["red"])

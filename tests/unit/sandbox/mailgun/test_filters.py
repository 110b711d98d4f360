"""Filter expressions of the Events API."""

import pytest

from consumer.sandbox.mailgun.compose import compose
from consumer.sandbox.mailgun.events import Event
from consumer.sandbox.mailgun.filters import BadFilter, event_filter
from consumer.sandbox.mailgun.mail import Stored
from tests.unit.sandbox.mailgun.support import DOMAIN, NOW, make_form


def make_event(kind: str = "accepted") -> Event:
    form = make_form(
        to="Ann Bee <ops@example.org>",
        subject="CPU high on Web 1",
        o_tag=["critical", "big shop"],
        h_Message_Id="<A-17.1@alerts.example.com>",
        text="x" * 500,
    )
    mail = compose(form, DOMAIN, NOW).mails[0]
    return Event(1, NOW, NOW, kind, Stored(1, NOW, "key", mail), {})


def passes(name: str, expression: str) -> bool:
    return event_filter([(name, expression)])(make_event())


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("event", "accepted"),
        ("event", "ACCEPTED"),
        ("event", "rejected OR accepted"),
        ("event", "NOT failed"),
        ("event", "NOT (failed OR rejected)"),
        ("event", ""),
        ("message-id", "A-17.1@alerts.example.com"),
        ("recipient", "ops@example.org"),
        ("recipients", "ops@example.org"),
        ("from", "alarms@alerts.example.com"),
        ("from", '"Alarms <alarms@alerts.example.com>"'),
        ("to", "ops@example.org"),
        ("to", "Bee"),
        ("subject", "high cpu"),
        ("subject", "cpu AND NOT disk"),
        ("subject", '"CPU high on Web 1"'),
        ("tags", "critical"),
        ("tags", 'critical AND "big shop"'),
        ("tags", "ok OR warning OR critical"),
        ("tags", "nothing AND ok OR critical"),
        ("size", ">100 <100000"),
    ],
)
def test_passes(name: str, expression: str) -> None:
    assert passes(name, expression)


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("event", "accept"),
        ("event", "NOT accepted"),
        ("message-id", "<A-17.1@alerts.example.com>"),
        ("message-id", "A-17"),
        ("recipient", "ops"),
        ("subject", '"CPU high"'),
        ("subject", "cpu disk"),
        ("tags", "crit"),
        ("tags", "big"),
        ("tags", "critical AND ok"),
        ("tags", "critical AND (ok OR warning)"),
        ("size", "<100"),
        ("size", "7"),
        ("severity", "permanent"),
        ("list", "news"),
        ("attachment", "a.txt"),
    ],
)
def test_does_not_pass(name: str, expression: str) -> None:
    assert not passes(name, expression)


def test_all_fields_have_to_hold_also_the_same_one_twice() -> None:
    keep = event_filter([("tags", "critical"), ("tags", "ok")])

    assert not keep(make_event())
    assert event_filter([("tags", "critical"), ("event", "accepted")])(make_event())


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("event", "a OR"),
        ("event", "OR a"),
        ("event", "NOT"),
        ("event", "(a"),
        ("event", "a)"),
        ("event", "()"),
        ("subject", '"open'),
        ("size", "big"),
    ],
)
def test_a_broken_expression_is_an_error(name: str, expression: str) -> None:
    with pytest.raises(BadFilter):
        passes(name, expression)

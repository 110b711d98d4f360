"""A provider that asks us to wait is as good as away, unless another carries or nothing waits."""

import pytest

from consumer.telemetry.health import Condition
from consumer.telemetry.readiness import Carriers, Load, readiness

FINE, AWAY = Condition(True), Condition(False, "refused")
ALONE, SMTP = Carriers(), Carriers({"mailgun": "smtp"}, after=30.0)


@pytest.mark.parametrize(
    ("seconds", "waiting", "carriers", "expected"),
    [
        (120.0, 12, ALONE, (False, "asked us to wait 120 s; 12 emails wait")),
        (120.0, 0, ALONE, (True, "asked us to wait 120 s; no email waits")),
        (4.0, 12, ALONE, (True, "ok; asked us to wait 4 s")),
        (120.0, 12, SMTP, (True, "asked us to wait 120 s; smtp carries")),
        (120.0, 0, SMTP, (True, "asked us to wait 120 s; smtp carries")),
        # The fallback does not take over for so short a wait.
        (20.0, 12, SMTP, (False, "asked us to wait 20 s; 12 emails wait")),
    ],
)
def test_a_wait_counts_while_emails_wait_for_it(
    seconds: float, waiting: int, carriers: Carriers, expected: tuple[bool, str]
) -> None:
    load = Load(in_doubt=0, waiting=waiting)
    ready, told = readiness({"mailgun": FINE}, {"mailgun": seconds}, carriers, load)
    assert (ready, told["mailgun"]) == expected


def test_a_wait_counts_before_the_transport_was_heard_of() -> None:
    """Another process was told so."""
    load = Load(in_doubt=0, waiting=1)
    assert not readiness({}, {"mailgun": 60.0}, ALONE, load)[0]


def test_a_fallback_that_asks_to_wait_or_is_away_carries_nothing() -> None:
    load, asked = Load(in_doubt=0, waiting=1), {"mailgun": 60.0}
    assert not readiness({"mailgun": FINE, "smtp": AWAY}, asked, SMTP, load)[0]
    assert not readiness({"mailgun": FINE}, asked | {"smtp": 60.0}, SMTP, load)[0]


def test_what_is_away_is_not_ready_whatever_it_asked_for() -> None:
    load = Load(in_doubt=0, waiting=0)
    ready, told = readiness({"mailgun": AWAY}, {"mailgun": 60.0}, ALONE, load)
    assert (ready, told["mailgun"]) == (False, "refused; asked us to wait 60 s")

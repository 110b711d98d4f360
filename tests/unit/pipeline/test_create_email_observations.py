"""What an email says of who saw the state, and whether that still counts."""

import pytest

from consumer.domain.alarm import Observation
from consumer.domain.catalog import Alarm, Check, Zone
from tests.support.factories import make_context
from tests.unit.pipeline.emails import NOW, TIMESTAMP, event_email


def test_observations_show_zone_age_and_whether_they_counted() -> None:
    def seen(zone: str | None, state: str, seconds_before: int) -> Observation:
        at = TIMESTAMP - seconds_before * 1000
        return Observation(
            monitoring_zone_id=zone, state=state, status=f"seen {zone}", timestamp=at
        )

    email = event_email(
        make_context(zones={"mzxyz": Zone(id="mzxyz", label="Paris (CDG)")}),
        observations=[seen("mzlon", "CRITICAL", 0), seen("mzxyz", "OK", 91), seen("mzq", "OK", 89)],
    )
    assert "CRITICAL - seen mzlon\nLondon (LON), 4 sec ago\n" in email.text
    assert "OK - seen mzxyz\nParis (CDG), 1 min 35 sec ago, too old to count\n" in email.text
    assert "OK - seen mzq\nmzq, 1 min 33 sec ago\n" in email.text
    assert email.html.count("too old to count") == 1


def test_agent_check_has_no_zone() -> None:
    observation = Observation(state="OK", status="fine", timestamp=TIMESTAMP)
    assert "OK - fine\nAgent, 4 sec ago\n" in event_email(observations=[observation]).text


def test_collector_that_is_not_up_is_told() -> None:
    observation = Observation(monitoring_zone_id="mzord", state="OK", collector_state="DOWN")
    email = event_email(observations=[observation])
    assert "Chicago (ORD)\nCollector: DOWN" in email.text
    assert "collector DOWN" in email.html


@pytest.mark.parametrize(
    ("criteria", "check_type", "seconds_before", "too_old"),
    [
        (None, "remote.http", 89, False),
        (None, "remote.http", 91, True),
        (None, "remote.ping", 269, False),
        (None, "remote.ping", 271, True),
        (":set consecutiveCount=2\nreturn ...", "remote.http", 179, False),
        (":set consecutiveCount=2\nreturn ...", "remote.http", 181, True),
        (":set consistencyLevel=ALL", "remote.http", 91, True),
    ],
)
def test_an_observation_counts_for_one_and_a_half_periods_per_consecutive_one(
    criteria: str | None, check_type: str, seconds_before: int, too_old: bool
) -> None:
    context = make_context(
        alarm=Alarm(id="al1", criteria=criteria), check=Check(id="ch1", type=check_type, period=60)
    )
    seen = Observation(state="OK", timestamp=TIMESTAMP - seconds_before * 1000)
    assert ("too old" in event_email(context, observations=[seen]).text) is too_old


def test_late_mail_does_not_call_all_observations_too_old() -> None:
    seen = Observation(state="CRITICAL", timestamp=TIMESTAMP)
    assert "too old" not in event_email(now_ms=NOW + 86_400_000, observations=[seen]).text


def test_without_a_known_period_nothing_is_called_too_old() -> None:
    context = make_context(check=Check(id="ch1"))
    seen = Observation(state="OK", timestamp=0)
    assert "too old" not in event_email(context, observations=[seen]).text

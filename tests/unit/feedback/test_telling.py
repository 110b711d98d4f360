"""A report names the route of its email, where the ledger still knows it."""

from typing import Any

import pytest

from consumer.domain.feedback import SentEmail
from consumer.domain.ledger import DeliveryRow, DeliveryState
from consumer.feedback.reading import read
from consumer.feedback.report import Report
from consumer.feedback.telling import tell
from tests.support.feedback import ATOM
from tests.support.reports import UID, document


def sent(**changes: Any) -> SentEmail:
    values: dict[str, Any] = {"uid": UID, "event_id": "e1", "atom": ATOM, "target_id": "nt"}
    values |= {"type": "email", "destination": "oncall@example.com", "message_id": "m1"}
    values |= {"transport": "mailgun", "state": DeliveryState.ACCEPTED, "attempt": 1}
    return SentEmail(row=DeliveryRow(**values | {"owner": "o", "fence": 1} | changes))


@pytest.mark.parametrize(
    ("email", "route"), [(sent(route="new"), "new"), (sent(), None), (None, None)]
)
def test_the_route_is_told(email: SentEmail | None, route: str | None) -> None:
    report = read(document())
    assert isinstance(report, Report)
    told = tell(report, email, "feedback-1")
    assert told is not None
    assert told.record.route == route

"""What follows from reports: addresses that get no email any more, and others who are told."""

import msgspec
import pytest

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.errors import BrokerUnavailable
from consumer.domain.follow_up import FALLBACK_CONTACT, follow_up_id, unreached_of
from consumer.domain.suppression import SuppressionList
from consumer.feedback.aftermath import ends_with_the_fallback, follow_up
from consumer.feedback.recorder import Entry
from consumer.formats import read
from tests.support.factories import make_event
from tests.support.feedback import DOMAIN, Rig
from tests.support.reports import AT, document, failed

EVENT = make_event()
ONCALL = "oncall@example.com"
TOPIC = "alarm-events"


@pytest.fixture
def telling(rig: Rig) -> Rig:
    """Others are told of bounces."""
    rig.events_topic = TOPIC
    rig.recorder = rig.another()
    rig.send()
    return rig


def written(rig: Rig) -> list[AlarmEvent]:
    """The events on the topic, as a consumer reads them."""
    return [
        event
        for topic, _, value, _ in rig.sink.records
        if topic == TOPIC
        for event in read(value).events
    ]


class TestFollowUps:
    def test_a_bounce_becomes_an_event_of_the_same_alarm(self, telling: Rig) -> None:
        telling.heard(failed("permanent"))
        (event,) = written(telling)
        assert (event.id, event.atom) == (follow_up_id(EVENT.id, ONCALL), EVENT.atom)
        assert (event.state, event.timestamp) == (State.CRITICAL, int(AT * 1000))
        unreached = unreached_of(event)
        assert unreached is not None
        assert (unreached.address, unreached.event_id) == (ONCALL, EVENT.id)
        assert "5.1.1 No such user" in unreached.why
        assert telling.sink.records[-1][1] == EVENT.atom.encode()

    @pytest.mark.parametrize(
        ("report", "number"),
        [
            (failed("permanent", "old"), 1),
            (failed("permanent", "suppress-bounce"), 1),
            (document("rejected"), 1),
            (failed("temporary"), 0),
            (document("delivered"), 0),
            (document("complained"), 0),
        ],
        ids=["given up", "suppressed", "rejected", "delayed", "delivered", "complained"],
    )
    def test_others_are_told_of_each_end_that_did_not_reach(
        self, telling: Rig, report: object, number: int
    ) -> None:
        telling.heard(report)
        assert len(written(telling)) == number

    def test_told_twice_it_is_written_once_and_after_a_crash_under_the_same_id(
        self, telling: Rig
    ) -> None:
        telling.heard(failed("permanent"))
        telling.polled(failed("permanent"))
        assert len(written(telling)) == 1
        # Another process that had not noted it yet; and what another bounce of it would be.
        telling.heard(failed("permanent") | {"id": "another"})
        first, second = written(telling)
        assert first.id == second.id

    def test_a_report_is_not_done_before_its_event_is_acknowledged(self, telling: Rig) -> None:
        telling.sink.refuse = lambda value: (
            BrokerUnavailable("away") if b"alarm-state-event" in (value or b"") else None
        )
        with pytest.raises(BrokerUnavailable):
            telling.heard(failed("permanent"))
        telling.sink.refuse = lambda _: None
        telling.heard(failed("permanent"))
        assert len(written(telling)) == 1

    def test_nobody_is_told_unless_the_operator_wants_it(self, rig: Rig) -> None:
        rig.send()
        rig.heard(failed("permanent"))
        assert not written(rig)

    def test_a_bounce_of_the_fallback_contact_ends_there(self, telling: Rig) -> None:
        telling.heard(failed("permanent"))
        (record,) = telling.sink.tracked
        assert record.notification is not None
        assert not ends_with_the_fallback(record)
        to = msgspec.structs.replace(record.notification, notification_id=FALLBACK_CONTACT)
        last = msgspec.structs.replace(record, notification=to)
        assert follow_up(last) is None
        assert ends_with_the_fallback(last)

    def test_a_record_without_all_ids_leads_to_nothing(self, telling: Rig) -> None:
        telling.heard(failed("permanent"))
        (record,) = telling.sink.tracked
        event = msgspec.structs.replace(record.event, alarm_id=None)
        assert follow_up(msgspec.structs.replace(record, event=event)) is None


class TestSuppressions:
    @pytest.mark.parametrize(
        ("report", "of"),
        [
            (failed("permanent", "suppress-bounce"), SuppressionList.BOUNCES),
            (failed("permanent", "suppress-complaint"), SuppressionList.COMPLAINTS),
            (failed("permanent", "suppress-unsubscribe"), SuppressionList.UNSUBSCRIBES),
            (failed("permanent", "suppressed-somehow"), SuppressionList.BOUNCES),
            (document("complained"), SuppressionList.COMPLAINTS),
            (document("unsubscribed"), SuppressionList.UNSUBSCRIBES),
        ],
    )
    def test_reports_say_at_once_who_gets_no_email(
        self, rig: Rig, report: dict[str, object], of: SuppressionList
    ) -> None:
        rig.send()
        rig.heard(report | {"recipient": "OnCall@example.com"})
        (entry,) = rig.ledger.suppressions.listed(DOMAIN, of)
        assert (entry.address, entry.since) == (ONCALL, AT // 1)
        assert entry.holds_back

    def test_a_hard_bounce_alone_is_left_to_mailgun(self, rig: Rig) -> None:
        """Its allowlist, and the kind of bounce, decide whether the address is listed."""
        rig.send()
        rig.heard(failed("permanent"), failed("temporary"))
        assert not rig.ledger.suppressions.holding_back(DOMAIN, [ONCALL])

    def test_mail_of_others_suppresses_nobody_here(self, rig: Rig) -> None:
        rig.recorder.record(
            [Entry(document=document("complained") | {"user-variables": {}}, source="poll")]
        )
        assert not rig.ledger.suppressions.holding_back(DOMAIN, [ONCALL])

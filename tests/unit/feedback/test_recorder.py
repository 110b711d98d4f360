"""Reports become tracking records: each once, acknowledged before it is noted, and settled."""

import json

import pytest
from jsonschema import Draft202012Validator

from consumer.domain.alarm import State
from consumer.domain.errors import BrokerUnavailable
from consumer.domain.ledger import DeliveryState
from consumer.domain.reasons import Kind
from consumer.feedback.recorder import Entry, Outcome
from consumer.wire import encode_tracking
from tests.contract.schemas.files import TRACKING, schema
from tests.support.feedback import ATOM, INSTALLATION, OWNER, Rig
from tests.support.reports import AT, UID, VARIABLES, document, failed

FOREIGN = "11111111-2222-5333-8444-555555555555"


def test_a_report_is_one_record_of_its_alarm(rig: Rig) -> None:
    rig.send()
    rig.end_event()
    assert rig.heard(document()) == [Outcome.RECORDED]
    ((topic, key, _, _),) = rig.sink.records
    assert (topic, key) == ("tracked", ATOM.encode())
    (record,) = rig.sink.tracked
    event, to, provider = record.event, record.notification, record.provider
    assert to is not None
    assert provider is not None
    assert (record.kind, record.at, record.worker) == (
        Kind.DELIVERED,
        int(AT * 1000),
        "feedback-1",
    )
    assert (event.id, event.tenant_id, event.entity_id, event.alarm_id, event.check_id) == (
        VARIABLES["event_id"],
        "487000",
        "enW3bSrv01",
        "alBodyM4tc",
        "chHttpW3b1",
    )
    assert (event.state, event.timestamp) == (State.CRITICAL, 1_392_138_733_810)
    assert (to.uid, to.notification_id, to.destination) == (UID, "ntExAmPl02", "oncall@example.com")
    assert (provider.event, provider.code, provider.enhanced_code) == ("delivered", 250, "2.0.0")
    assert provider.message_id == f"<{UID}@alerts.example.com>"
    assert record.outcome.success


def test_the_same_report_from_both_sides_is_one_record(rig: Rig) -> None:
    rig.send()
    assert rig.heard(document()) == [Outcome.RECORDED]
    assert rig.polled(document(), document("opened")) == [Outcome.KNOWN, Outcome.RECORDED]
    assert [record.kind for record in rig.sink.tracked] == [Kind.DELIVERED, Kind.OPENED]
    assert rig.documents == [
        ("webhook", Outcome.RECORDED),
        ("poll", Outcome.KNOWN),
        ("poll", Outcome.RECORDED),
    ]


def test_twice_in_one_batch_is_one_record(rig: Rig) -> None:
    rig.send()
    assert rig.polled(document(), document()) == [Outcome.RECORDED, Outcome.KNOWN]
    assert len(rig.sink.tracked) == 1


def test_a_record_that_kafka_did_not_take_is_not_noted(rig: Rig) -> None:
    rig.send()
    rig.sink.refuse = lambda _: BrokerUnavailable("away")
    with pytest.raises(BrokerUnavailable):
        rig.heard(document(), token="t1")
    rig.sink.refuse = lambda _: None
    assert rig.heard(document(), token="t1") == [Outcome.RECORDED]


def test_a_crash_before_the_note_writes_the_same_record_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers fold it by its id."""
    rig.send()
    monkeypatch.setattr(rig.ledger.feedback, "note", lambda *_: None)
    rig.heard(document())
    rig.another("feedback-2").record([Entry(document=document(), source="poll")])
    first, second = rig.sink.tracked
    assert first.id == second.id


def test_mail_of_others_is_left_alone(rig: Rig) -> None:
    """One with an id like ours, and without our variables: another service's."""
    others = document(**{"user-variables": {"uid": FOREIGN}})
    assert rig.polled(others, document(message={}, **{"user-variables": {}})) == [
        Outcome.FOREIGN,
        Outcome.FOREIGN,
    ]
    assert not rig.sink.records


def test_what_the_ledger_has_forgotten_is_told_by_what_the_email_carried(rig: Rig) -> None:
    assert rig.polled(document()) == [Outcome.RECORDED]
    ((_, key, _, _),) = rig.sink.records
    assert key == ATOM.encode()
    (record,) = rig.sink.tracked
    to = record.notification
    assert to is not None
    assert (record.event.id, record.event.state) == (VARIABLES["event_id"], State.CRITICAL)
    assert (to.uid, to.notification_id, to.destination) == (UID, "", "oncall@example.com")


def test_the_variables_of_a_forgotten_email_say_which_notification_of_the_plan_it_was(
    rig: Rig,
) -> None:
    ours = VARIABLES | {"target_id": "ntExAmPl02", "installation": INSTALLATION}
    assert rig.polled(document(**{"user-variables": ours})) == [Outcome.RECORDED]
    (record,) = rig.sink.tracked
    assert record.notification is not None
    assert record.notification.notification_id == "ntExAmPl02"


def test_mail_of_another_installation_on_the_same_domain_is_left_alone(rig: Rig) -> None:
    """It looks like ours, and like forgotten: only its own installation has it in a ledger."""
    theirs = document(**{"user-variables": VARIABLES | {"installation": "ffffffff"}})
    assert rig.polled(theirs) == [Outcome.FOREIGN]
    rig.send()
    assert rig.polled(theirs) == [Outcome.RECORDED], "what our ledger has is ours"


def test_an_unknown_word_and_no_document_are_counted_and_nothing_else(rig: Rig) -> None:
    assert rig.polled(document("teleported"), None) == [Outcome.UNKNOWN, Outcome.UNREADABLE]
    assert not rig.sink.records


def test_a_delay_is_told_with_the_next_attempt(rig: Rig) -> None:
    rig.send()
    rig.heard(failed("temporary", code=451, **{"retry-seconds": 600}))
    (record,) = rig.sink.tracked
    assert (record.kind, record.is_report) == (Kind.DEFERRED, True)
    assert (record.outcome.success, record.outcome.retryable) == (False, True)
    assert record.next_attempt_at == int((AT + 600) * 1000)


class TestTokens:
    def test_the_same_webhook_again_is_known(self, rig: Rig) -> None:
        rig.send()
        assert rig.heard(document(), token="t1") == [Outcome.RECORDED]
        assert rig.heard(document(), token="t1") == [Outcome.KNOWN]

    def test_a_token_that_comes_with_something_else_is_a_replay(self, rig: Rig) -> None:
        """The signature does not cover the document."""
        rig.send()
        rig.heard(document(), token="t1")
        assert rig.heard(document("complained"), token="t1") == [Outcome.REPLAYED]
        other = document(**{"user-variables": VARIABLES | {"uid": FOREIGN}})
        assert rig.heard(other, token="t1") == [Outcome.REPLAYED]
        assert [record.kind for record in rig.sink.tracked] == [Kind.DELIVERED]

    def test_also_when_both_come_at_once(self, rig: Rig) -> None:
        rig.send()
        outcomes = rig.heard(document(), document("complained"), token="t1")
        assert outcomes == [Outcome.RECORDED, Outcome.REPLAYED]

    def test_and_when_the_first_was_about_mail_of_others(self, rig: Rig) -> None:
        rig.send()
        rig.heard(document("teleported"), token="t1")
        assert rig.heard(document("teleported"), token="t1") == [Outcome.UNKNOWN]
        assert rig.heard(document(), token="t1") == [Outcome.REPLAYED]


class TestDoubts:
    @pytest.mark.parametrize(
        "state", [None, *(s for s in DeliveryState if s is not DeliveryState.SENDING)]
    )
    def test_a_report_says_that_mailgun_has_it(self, rig: Rig, state: DeliveryState | None) -> None:
        rig.send(state)
        rig.polled(document())
        row = rig.row()
        assert row.state is DeliveryState.ACCEPTED
        assert (row.owner, row.fence) == (OWNER, 1), "whose it is changes nothing about that"

    def test_accepted_settles_and_is_not_told(self, rig: Rig) -> None:
        """Who sent it tells that, and has the answer now."""
        rig.send(DeliveryState.IN_DOUBT)
        assert rig.polled(document("accepted")) == [Outcome.ACCEPTED]
        assert rig.row().state is DeliveryState.ACCEPTED
        assert rig.row().message == "Mailgun has it: accepted"
        assert not rig.sink.records

    def test_an_answer_that_is_lost_afterwards_takes_nothing_back(self, rig: Rig) -> None:
        rig.send(None)
        rig.polled(document("accepted"))
        rig.settle(DeliveryState.IN_DOUBT)
        assert rig.row().state is DeliveryState.ACCEPTED

    def test_what_mailgun_threw_away_is_left_to_the_lookup(self, rig: Rig) -> None:
        rig.send(DeliveryState.IN_DOUBT)
        assert rig.polled(document("rejected")) == [Outcome.RECORDED]
        assert rig.row().state is DeliveryState.IN_DOUBT

    def test_what_was_accepted_stays_as_it_was(self, rig: Rig) -> None:
        rig.send()
        before = rig.row()
        rig.clock.advance(60)
        rig.polled(document())
        assert rig.row() == before

    def test_it_is_settled_while_kafka_is_away(self, rig: Rig) -> None:
        rig.send(DeliveryState.IN_DOUBT)
        rig.sink.refuse = lambda _: BrokerUnavailable("away")
        with pytest.raises(BrokerUnavailable):
            rig.polled(document())
        assert rig.row().state is DeliveryState.ACCEPTED


def test_the_schema_of_the_topic_takes_each_kind_of_report(rig: Rig) -> None:
    rig.send()
    words = ("delivered", "opened", "clicked", "complained", "unsubscribed", "rejected")
    failures = (failed("temporary"), failed("permanent"), failed("permanent", "old"))
    rig.polled(*map(document, words), *failures)
    validator = Draft202012Validator(schema(TRACKING))
    for record in rig.sink.tracked:
        validator.validate(json.loads(encode_tracking(record)))
    assert len({record.kind for record in rig.sink.tracked}) == 9

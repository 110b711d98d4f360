"""What an earlier run had done of an event before it was gone: told, sent, or in doubt."""

from collections.abc import Iterator

import pytest

from consumer.domain.catalog import Plan, Target
from consumer.domain.identity import notification_uid
from consumer.domain.ledger import DeliveryState
from consumer.domain.reasons import Kind, Reason
from consumer.pipeline.pipeline import Prepared
from consumer.pipeline.resume import Known
from tests.support.factories import make_event, make_notification
from tests.support.pipeline import Bench

EVENT = make_event()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.ledger.close()


def prepare(bench: Bench) -> Prepared:
    (answer,) = bench.prepare(EVENT)
    assert isinstance(answer, Prepared)
    return answer


def known(bench: Bench) -> Known:
    """The only result there is; nothing is sent."""
    answer = prepare(bench)
    assert not answer.sends
    (found,) = answer.known
    assert found.notification == make_notification()
    return found


class TestResults:
    """They are told again, under the number of their attempt, and never sent."""

    @pytest.mark.parametrize(
        ("state", "kind", "reason"),
        [
            (DeliveryState.ACCEPTED, Kind.ACCEPTED, Reason.QUEUED),
            (DeliveryState.FAILED, Kind.FAILED, Reason.PROVIDER_REJECTED),
        ],
    )
    def test_of_an_attempt(
        self, bench: Bench, state: DeliveryState, kind: Kind, reason: Reason
    ) -> None:
        bench.earlier_run(state, attempt=2)
        found = known(bench)
        assert (found.result.kind, found.result.reason) == (kind, reason)
        assert found.attempt == 2
        assert found.result.transport == "mailgun"

    @pytest.mark.parametrize(
        ("state", "kind", "reason"),
        [
            (DeliveryState.SUPERSEDED, Kind.SUPERSEDED, Reason.STATE_MOVED_ON),
            (DeliveryState.EXPIRED, Kind.EXPIRED, Reason.TOO_OLD),
        ],
    )
    def test_of_an_attempt_that_was_not_made(
        self, bench: Bench, state: DeliveryState, kind: Kind, reason: Reason
    ) -> None:
        """The first attempt was deferred, the second given up before it was marked: it was the
        second that was tracked, and it is told under the same number again."""
        bench.earlier_run(state, attempt=1)
        found = known(bench)
        assert (found.result.kind, found.result.reason) == (kind, reason)
        assert found.attempt == 2

    def test_as_the_provider_said_it(self, bench: Bench) -> None:
        bench.earlier_run(
            DeliveryState.FAILED,
            reason="configuration",
            message="Forbidden",
            code=401,
            provider_id="<p>",
        )
        result = known(bench).result
        assert (result.reason, result.message) == (Reason.CONFIGURATION, "Forbidden")
        assert (result.code, result.provider_id) == (401, "<p>")

    def test_a_reason_of_another_version_does_not_stop_it(self, bench: Bench) -> None:
        bench.earlier_run(DeliveryState.FAILED, reason="word_of_tomorrow")
        assert known(bench).result.reason is Reason.PROVIDER_REJECTED

    def test_without_words_nothing_is_made_up(self, bench: Bench) -> None:
        bench.earlier_run(DeliveryState.ACCEPTED)
        assert known(bench).result.message == ""


class TestLeftBehind:
    """Marked, and then the process was gone: nobody knows whether the provider has it."""

    def test_it_is_to_be_looked_up_as_what_it_was(self, bench: Bench) -> None:
        """Under the Message-Id it was sent with, whatever the settings say by now."""
        bench.earlier_run(
            DeliveryState.SENDING, attempt=3, message_id="<old@elsewhere.example.com>"
        )
        answer = prepare(bench)
        (send,) = answer.sends
        assert send.doubt is not None
        assert send.doubt.transport == "mailgun"
        assert send.attempt == 3
        assert send.email.message_id == "<old@elsewhere.example.com>"
        assert not answer.known


class TestDeferred:
    def test_it_is_sent_again_as_the_next_attempt(self, bench: Bench) -> None:
        bench.earlier_run(DeliveryState.DEFERRED, attempt=2)
        answer = prepare(bench)
        (send,) = answer.sends
        assert send.attempt == 3
        assert send.email.message_id == f"<{send.notification.uid}@alerts.example.com>"
        assert not answer.known


class TestSeveralDestinations:
    def test_only_what_is_missing_is_made_and_sent(self, bench: Bench) -> None:
        targets = [
            Target(id=f"nt{n}", type="email", details={"address": f"a{n}@example.com"})
            for n in range(4)
        ]
        bench.catalog.put(Plan(id="npOnCall01", critical_state=[t.id for t in targets]), *targets)
        states = [DeliveryState.ACCEPTED, DeliveryState.SENDING, DeliveryState.DEFERRED]
        for n, state in enumerate(states):
            destination = f"a{n}@example.com"
            notification = make_notification(
                uid=notification_uid(EVENT.id, f"nt{n}", "email", destination),
                target_id=f"nt{n}",
                destination=destination,
            )
            bench.earlier_run(state, notification=notification)
        answer = prepare(bench)
        told = [(k.notification.target_id, k.result.kind) for k in answer.known]
        assert told == [("nt0", Kind.ACCEPTED)]
        sent = [(s.notification.target_id, s.attempt, s.doubt is not None) for s in answer.sends]
        assert sent == [("nt1", 1, True), ("nt2", 2, False), ("nt3", 1, False)]
        assert [s.email.to for s in answer.sends] == [f"a{n}@example.com" for n in (1, 2, 3)]
        assert bench.count("create_email", "passed") == 3


def test_a_copy_of_an_event_that_is_under_way_here_tells_nothing_of_its_sends(
    bench: Bench,
) -> None:
    """Its row says SENDING because it is being sent, not because somebody died."""
    bench.earlier_run(DeliveryState.SENDING)
    (answer,) = bench.prepare(EVENT, on_their_way={EVENT.atom: frozenset({EVENT.id})})
    assert isinstance(answer, Prepared)
    assert [ending.kind for ending in answer.endings] == [Kind.DUPLICATE]
    assert (list(answer.known), list(answer.sends)) == ([], [])

"""Memory stays bounded; counting stays right; events keep their order."""

from typing import Any

from consumer.sandbox.mailgun.compose import compose
from consumer.sandbox.mailgun.events import Event, Step
from consumer.sandbox.mailgun.options import Options
from consumer.sandbox.mailgun.store import Store
from tests.support.clock import ManualClock
from tests.unit.sandbox.mailgun.support import DOMAIN, NOW, make_form


def accept(store: Store, **changes: Any) -> None:
    store.accept(compose(make_form(**changes), DOMAIN, NOW).mails)


def every(_: object) -> bool:
    return True


def kinds(store: Store, **more: Any) -> list[str]:
    return [event.kind for event in store.events(every, limit=100, **more)]


def test_the_oldest_mails_go_first_and_totals_stay() -> None:
    store = Store(Options(max_messages=3))

    for number in range(5):
        accept(store, to=f"r{number}@example.org", subject=str(number))

    assert [stored.mail.subject for stored in store.messages(every, 10)] == ["4", "3", "2"]
    stats = store.stats()
    assert (stats["accepted_messages"], stats["kept_messages"]) == (5, 3)
    assert (stats["distinct_recipients"], stats["last_sequence"]) == (3, 5)


def test_bytes_are_bounded_too() -> None:
    store = Store(Options(max_bytes=10_000))

    for _ in range(20):
        accept(store, text="x" * 2_000)

    assert 1 <= store.stats()["kept_messages"] <= 4


def test_events_of_dropped_mails_go_in_portions() -> None:
    store = Store(Options(max_messages=10))

    for number in range(3_000):
        accept(store, h_Message_Id=f"<m{number}@example.com>")

    events = store.events(every, limit=10_000)
    assert 20 <= len(events) < 2 * 1_100
    assert events[-1].stored.mail.message_id == "m2999@example.com"
    assert kinds(store, message_id="m2999@example.com") == ["accepted", "delivered"]
    assert kinds(store, message_id="m1@example.com") == []


def test_a_dropped_mail_is_not_found_by_its_key() -> None:
    store = Store(Options(max_messages=1))
    accept(store)
    key = store.messages(every, 1)[0].key
    assert store.message(key) is not None

    accept(store)

    assert store.message(key) is None


def test_a_duplicate_is_the_same_id_at_the_same_recipient() -> None:
    store = Store(Options())

    for recipient in ("a@example.org", "b@example.org", "A@example.org"):
        accept(store, to=recipient, h_Message_Id="<same@example.com>")

    assert store.stats()["duplicate_messages"] == 1


def test_time_stamps_grow_even_if_the_clock_stands_or_goes_back() -> None:
    clock = ManualClock(NOW)
    store = Store(Options(now=clock.now))

    accept(store)
    clock.advance(-5)
    accept(store)

    stamps = [event.timestamp for event in store.events(every, limit=10)]
    assert stamps == sorted(set(stamps))


def test_an_event_is_invisible_until_its_delay_is_over() -> None:
    clock = ManualClock(NOW)
    store = Store(Options(now=clock.now, event_delay_seconds=30))
    accept(store)

    clock.advance(29)
    assert kinds(store) == []
    clock.advance(1)
    assert kinds(store) == ["accepted", "delivered"]


def test_a_scheduled_mail_is_delivered_when_its_time_comes() -> None:
    clock = ManualClock(NOW)
    store = Store(Options(now=clock.now))
    accept(store, subject="later", o_deliverytime=str(int(NOW) + 60))
    accept(store, subject="now")

    def seen() -> list[tuple[str, str]]:
        events: list[Event] = store.events(every, limit=10)
        return [(event.stored.mail.subject, event.kind) for event in events]

    assert seen() == [("later", "accepted"), ("now", "accepted"), ("now", "delivered")]
    clock.advance(60)
    assert seen()[-1] == ("later", "delivered")


def test_reset_forgets_everything() -> None:
    store = Store(Options())
    accept(store)

    store.reset()

    assert set(store.stats().values()) == {0}
    assert kinds(store) == []


def test_plans_for_dropped_mails_go_with_them() -> None:
    clock = ManualClock(NOW)
    later = [Step("accepted"), *(Step("delivered", 60.0 * hour) for hour in range(1, 9))]
    store = Store(Options(max_messages=2, now=clock.now), lambda _: later)

    for _ in range(100):
        accept(store)

    assert store.cancel(DOMAIN) <= 2 + 32 * 2 / 8
    clock.advance(3600)
    assert kinds(store).count("delivered") == 0

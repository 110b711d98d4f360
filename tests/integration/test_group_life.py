"""Members come, go, stand still and come back while sends are under way, on real Kafka."""

from pathlib import Path

from consumer.domain.reasons import Kind
from tests.support.fleet import Fleet, assert_promise_kept
from tests.support.kafka import Kafka, until
from tests.support.load import load


def test_join_and_leave_while_sends_are_under_way(tmp_path: Path, kafka: Kafka) -> None:
    """Partitions move twice in mid-run; what was under way is finished by who began it."""
    with Fleet(tmp_path, kafka) as fleet:
        records = load(250)
        fleet.slow_provider(0.8)
        fleet.feed(records)
        fleet.start("one")
        fleet.until_accepted(20)
        fleet.start("two")
        fleet.until_logged("two", "partitions.assigned")
        until(lambda: _accepted_by(fleet, "two"), "sends of the second")
        assert fleet.terminate("two") == 0
        fleet.slow_provider(0.0)
        fleet.until_done(250)
        assert fleet.moves("one", "revoked")
        assert_promise_kept(fleet, records)
        assert not fleet.tracked([Kind.IN_DOUBT])


def _accepted_by(fleet: Fleet, name: str) -> bool:
    return any(line["event"] == "transport.call" for line in fleet.log(name))


def test_static_member_comes_back_to_its_partitions(tmp_path: Path, kafka: Kafka) -> None:
    """A restart within the session timeout: nobody else loses or gets a partition."""
    with Fleet(tmp_path, kafka, settings="") as fleet:
        static = {"kafka.session_timeout_seconds": 8}
        records = load(200)
        fleet.start("one", static | {"kafka.group_instance_id": "first"})
        fleet.until_logged("one", "partitions.assigned")
        fleet.start("two", static | {"kafka.group_instance_id": "second"})
        fleet.until_logged("two", "partitions.assigned")
        until(lambda: len(_held(fleet, "one")) == 2, "two partitions for each")
        fleet.feed(records[:100])
        fleet.until_done(100)
        before = len(fleet.log("two"))
        assert fleet.terminate("one") == 0
        fleet.feed(records[100:])
        fleet.start("again", static | {"kafka.group_instance_id": "first"})
        fleet.until_logged("again", "partitions.assigned")
        fleet.until_done(200)
        assert fleet.moves("again", "assigned") == [sorted(_held(fleet, "one", before_end=True))]
        later = [line["event"] for line in fleet.log("two")[before:]]
        assert not [event for event in later if event.startswith("partitions.")]
        assert_promise_kept(fleet, records)


def _held(fleet: Fleet, name: str, *, before_end: bool = False) -> set[str]:
    """The partitions that its log says it has (before it gave all back on its way out)."""
    revoked = fleet.moves(name, "revoked")[: -1 if before_end else None]
    given = {p for move in fleet.moves(name, "assigned") for p in move}
    return given - {p for move in revoked for p in move}


def test_older_of_two_static_members_of_one_name_ends_and_says_why(
    tmp_path: Path, kafka: Kafka
) -> None:
    """It must not go on reading partitions that are its namesake's now."""
    with Fleet(tmp_path, kafka) as fleet:
        records = load(200)
        fleet.start("older", {"kafka.group_instance_id": "the-one"})
        fleet.until_logged("older", "partitions.assigned")
        fleet.start("newer", {"kafka.group_instance_id": "the-one"})
        assert fleet.until_ended("older") == 2
        assert "another process has joined the group as the-one" in fleet.text("older")
        fleet.feed(records)
        fleet.until_done(200)
        assert {record.worker for record in fleet.tracked()} == {"newer"}
        assert_promise_kept(fleet, records)


def test_process_frozen_beyond_its_session_takes_nothing_up_again(
    tmp_path: Path, kafka: Kafka
) -> None:
    """Its partitions are lost: it commits nothing of them, sends nothing, and joins anew."""
    with Fleet(tmp_path, kafka) as fleet:
        records = load(200)
        fleet.slow_provider(1.0)
        fleet.start_pair("one", "two")
        fleet.feed(records)
        fleet.freeze_in_mid_send("one", 33)
        fleet.slow_provider(0.0)
        fleet.until_done(200)
        committed = kafka.committed(fleet.group, fleet.events)
        fleet.thaw("one")
        fleet.until_logged("one", "partitions.lost")
        until(lambda: _assigned_after_loss(fleet, "one"), "partitions for the one that came back")
        assert kafka.committed(fleet.group, fleet.events) == committed
        assert fleet.terminate("one") == 0
        assert kafka.committed(fleet.group, fleet.events) == committed
        assert_promise_kept(fleet, records)


def _assigned_after_loss(fleet: Fleet, name: str) -> bool:
    told = [line for line in fleet.log(name) if line["event"].startswith("partitions.")]
    lost = [line["event"] for line in told].index("partitions.lost")
    return any(line["partitions"] for line in told[lost + 1 :])


def test_zombie_sends_nothing_that_another_took_over(tmp_path: Path, kafka: Kafka) -> None:
    """Frozen beyond its lease, but not its session, with sends queued: it keeps its partitions.

    Another group with the same ledger takes the alarms over, as far as the zombie did not send.
    """
    with Fleet(tmp_path, kafka) as fleet:
        records = load(200)
        patient = {"kafka.session_timeout_seconds": 30, "ledger.lease_seconds": 2}
        fleet.slow_provider(1.0)
        fleet.feed(records)
        fleet.start("zombie", patient)
        fleet.until_logged("zombie", "partitions.assigned")
        fleet.freeze_in_mid_send("zombie", 32)
        fleet.slow_provider(0.0)
        fleet.start("other", {"kafka.group_id": f"{fleet.group}-other"})
        fleet.until_accepted(200)
        sent_by_zombie = _calls(fleet, "zombie")
        fleet.thaw("zombie")
        fleet.until_done(200)
        events = len(records)
        until(
            lambda: sum(kafka.committed(f"{fleet.group}-other", fleet.events).values()) == events,
            "the other group's end",
        )
        # What was at the provider when it froze may get its answer; nothing new is posted.
        assert _calls(fleet, "zombie") <= sent_by_zombie + 32
        assert not fleet.moves("zombie", "lost")
        assert fleet.fake.stats()["duplicate_messages"] == 0
        assert_promise_kept(fleet, records)


def _calls(fleet: Fleet, name: str) -> int:
    return sum(line["event"] == "transport.call" for line in fleet.log(name))


def test_provider_slower_than_the_poll_interval_moves_no_partition(
    tmp_path: Path, kafka: Kafka
) -> None:
    """The poll thread turns on while senders wait, so the group never misses it."""
    with Fleet(tmp_path, kafka) as fleet:
        records = load(40)
        fleet.slow_provider(3.0)
        fleet.feed(records)
        fleet.start("one", {"kafka.max_poll_interval_seconds": 2, "delivery.senders": 40})
        fleet.until_done(40)
        assert [move for what in ("revoked", "lost") for move in fleet.moves("one", what)] == []
        assert len(fleet.moves("one", "assigned")) == 1
        assert_promise_kept(fleet, records)


def test_join_while_the_provider_is_slower_than_the_poll_interval(
    tmp_path: Path, kafka: Kafka
) -> None:
    """Waiting for what is under way on revoked partitions must not look like a dead poll loop.

    It goes on beyond the wait; its alarms stay locked, so the new owner waits for them.
    """
    with Fleet(tmp_path, kafka) as fleet:
        records = load(80)
        slow = {"kafka.max_poll_interval_seconds": 2, "delivery.senders": 40}
        fleet.slow_provider(4.0)
        fleet.feed(records)
        fleet.start("one", slow)
        fleet.until_asked(40)
        fleet.slow_provider(0.0)
        fleet.start("two", slow)
        fleet.until_logged("two", "partitions.assigned")
        fleet.until_done(80)
        assert not fleet.moves("one", "lost")
        assert_promise_kept(fleet, records)

"""Two answers about one record, held against each other."""

from typing import Any

import pytest

from consumer.domain.notification import Ending, SendOptions
from consumer.domain.reasons import Kind, Reason
from consumer.experiments.deciding import DecidedEmail, Decision
from consumer.experiments.shadow_asking import Answer, Unread
from consumer.experiments.shadow_differences import Difference, Outcome, compare
from tests.support.factories import make_email, make_event

PLACE = ("alarm-events", 0, 7)
STALE = Ending(kind=Kind.STALE, reason=Reason.OLDER_THAN_LAST, message="5 ms older")


def email(to: str = "oncall@example.com", **changes: Any) -> DecidedEmail:
    options = changes.pop("options", SendOptions())
    return DecidedEmail(
        email=make_email(to=to, **changes), options=options, target_id="nt", type="email"
    )


def decided(id_: str = "one", *emails: DecidedEmail, endings: tuple[Ending, ...] = ()) -> Decision:
    return Decision(event=make_event(id=id_), emails=emails, endings=endings)


def answer(*decisions: Decision) -> Answer:
    return Answer(decisions=decisions)


def difference(production: Decision, candidate: Decision) -> Difference:
    (found,) = compare(PLACE, answer(production), answer(candidate))
    assert found is not None
    return found


def test_equal_answers_differ_in_nothing_however_long_they_took() -> None:
    slow = Decision(event=make_event(id="one"), emails=[email()], seconds=9.0)
    assert compare(PLACE, answer(decided("one", email())), answer(slow)) == [None]


def test_an_event_that_ends_is_told_with_both_reasons_in_words() -> None:
    found = difference(decided("one", email()), decided("one", endings=(STALE,)))
    assert found.production == Outcome(what="email")
    assert found.candidate == Outcome(what="stale (older_than_last)", said="5 ms older")
    assert [(each.who, each.is_lost, each.is_added) for each in found.changes] == [
        ("oncall@example.com", True, False)
    ]
    assert found.pattern == ("email → stale (older_than_last)",)


def test_a_destination_that_ends_is_told_beside_others_that_do_not() -> None:
    refused = Ending(
        kind=Kind.FAILED,
        reason=Reason.INVALID_ADDRESS,
        message="no valid address",
        target_id="nt2",
        destination="b@example",
    )
    found = difference(
        decided("one", email("a@example.com"), email("b@example")),
        decided("one", email("a@example.com"), endings=(refused,)),
    )
    assert not found.decided_differently
    (change,) = found.changes
    assert (change.who, change.candidate.what) == ("b@example", "failed (invalid_address)")
    assert found.pattern == ("recipient: email → failed (invalid_address)",)


@pytest.mark.parametrize(
    ("changes", "option", "values"),
    [
        ({"options": SendOptions(transport="smtp")}, "transport", ("mailgun", "smtp")),
        ({"options": SendOptions(test_mode=True)}, "test_mode", ("off", "on")),
        ({"options": SendOptions(tracking=True)}, "tracking", ("off", "on")),
        ({"options": SendOptions(tags=("x",))}, "tags", ("critical", "critical, x")),
        ({"sender": "b@example.com"}, "sender", (make_email().sender, "b@example.com")),
        ({"template_error": "shop: broken"}, "template", ("works", "shop: broken")),
        (
            {"headers": (("A", "b"),)},
            "headers",
            ("Auto-Submitted: auto-generated\nX-Alarm-Id: alBodyM4tc", "A: b"),
        ),
    ],
)
def test_how_an_email_is_sent_is_compared(
    changes: dict[str, Any], option: str, values: tuple[str, str]
) -> None:
    found = difference(decided("one", email()), decided("one", email(**changes)))
    (changed,) = found.emails
    assert list(changed.options) == [option]
    assert changed.options[option] == values
    assert not changed.parts


@pytest.mark.parametrize("part", ["subject", "text", "html"])
def test_each_part_of_an_email_is_compared(part: str) -> None:
    found = difference(decided("one", email()), decided("one", email(**{part: "other"})))
    assert found.emails[0].parts == [part]
    assert found.pattern == (part,)


def test_events_of_a_record_are_paired_by_id_and_then_by_order() -> None:
    twins = [decided("twin", email()), decided("twin", endings=(STALE,))]
    found = compare(
        PLACE,
        answer(decided("old name", email()), *twins),
        answer(*twins, decided("new name", email())),
    )
    assert found == [None, None, None]
    lost = compare(PLACE, answer(*twins), answer(twins[0]))
    assert [each and each.candidate.what for each in lost] == [None, "nothing"]


def test_records_that_only_one_side_can_read_are_told() -> None:
    broken = Answer(unread=Unread(reason="not_json", detail="byte 1"))
    lost, invalid = compare(PLACE, answer(decided("one", email())), broken)
    assert lost is not None
    assert lost.candidate.what == "nothing"
    assert invalid is not None
    assert (invalid.candidate.what, invalid.candidate.said) == ("invalid (not_json)", "byte 1")
    assert compare(PLACE, broken, broken) == [None]


def test_what_strangers_wrote_is_one_visible_line() -> None:
    ending = Ending(
        kind=Kind.STALE, reason=Reason.OLDER_THAN_LAST, message="a\n\x1b[31mb" + "x" * 9_000
    )
    found = difference(decided("one", email()), decided("one", endings=(ending,)))
    assert "\n" not in found.candidate.said
    assert "\x1b" not in found.candidate.said
    assert len(found.candidate.said) <= 300

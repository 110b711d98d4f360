"""Whom an event is sent to, and why not."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.alarm import State
from consumer.domain.catalog import (
    Account,
    Alarm,
    Check,
    ContactPerson,
    Contacts,
    Entity,
    Target,
)
from consumer.domain.notification import Context, Ending, Notification
from consumer.domain.reasons import Kind, Reason
from consumer.pipeline.plan import Planned, plan, technical_contacts
from tests.support.factories import make_context, make_event

DELETED = 1_392_138_000_000


def email_target(id_: str, address: object, **changes: Any) -> Target:
    return Target(id=id_, type="email", details={"address": address}, **changes)


def to_targets(*targets: Target, listed: list[str] | None = None, **changes: Any) -> Context:
    """A plan that lists these targets, or `listed`."""
    found = {target.id: target for target in targets}
    return make_context(listed=listed or list(found), targets=found, **changes)


def planned(*targets: Target, **changes: Any) -> Planned:
    return plan(make_event(), to_targets(*targets, **changes))


def only_ending(found: Planned) -> Ending:
    assert not found.notifications
    (ending,) = found.endings
    return ending


class TestNobodyToTell:
    """Ends of the whole event."""

    CASES: Sequence[tuple[dict[str, Any], dict[str, Any], Kind, Reason]] = [
        ({"actions_enabled": False}, {}, Kind.DISABLED, Reason.ACTIONS_DISABLED),
        ({}, {"alarm": Alarm(id="a", deleted_at=DELETED)}, Kind.DISABLED, Reason.DELETED),
        ({}, {"check": Check(id="c", deleted_at=DELETED)}, Kind.DISABLED, Reason.DELETED),
        ({}, {"entity": Entity(id="e", deleted_at=DELETED)}, Kind.DISABLED, Reason.DELETED),
        ({}, {"alarm": Alarm(id="a", disabled=True)}, Kind.DISABLED, Reason.ALARM_DISABLED),
        ({}, {"check": Check(id="c", disabled=True)}, Kind.DISABLED, Reason.CHECK_DISABLED),
        ({}, {"suppressed_by": ("sp1", "sp2")}, Kind.SUPPRESSED, Reason.MAINTENANCE),
        ({}, {"listed": ()}, Kind.NO_RECIPIENTS, Reason.EMPTY_LIST),
    ]

    @pytest.mark.parametrize(("event", "context", "kind", "reason"), CASES)
    def test_reasons(
        self, event: dict[str, Any], context: dict[str, Any], kind: Kind, reason: Reason
    ) -> None:
        ending = only_ending(plan(make_event(**event), make_context(**context)))
        assert (ending.kind, ending.reason) == (kind, reason)
        assert ending.target_id is None

    @pytest.mark.parametrize("name", ["alarm", "check", "entity"])
    def test_what_was_deleted_is_named(self, name: str) -> None:
        row = {"alarm": Alarm, "check": Check, "entity": Entity}[name](id="x", deleted_at=DELETED)
        assert name in only_ending(plan(make_event(), make_context(**{name: row}))).message

    def test_the_windows_are_named(self) -> None:
        ending = only_ending(plan(make_event(), make_context(suppressed_by=("sp1", "sp2"))))
        assert ending.message == "Suppressed by sp1, sp2"

    def test_the_empty_list_is_named(self) -> None:
        ending = only_ending(plan(make_event(state=State.WARNING), make_context(listed=())))
        assert ending.message == "Plan npOnCall01 lists nobody for WARNING"

    def test_the_strongest_reason_is_told(self) -> None:
        """As the cases above are ordered: each is told before those below it."""
        event: dict[str, Any] = {}
        context: dict[str, Any] = {}
        for more_event, more_context, kind, reason in reversed(self.CASES):
            event |= more_event
            context |= more_context
            ending = only_ending(plan(make_event(**event), make_context(**context)))
            assert (ending.kind, ending.reason) == (kind, reason)


class TestDestinations:
    def test_one_email(self) -> None:
        """The uid is the one that the reference gives for this event and target."""
        (notification,) = plan(make_event(), make_context()).notifications
        assert notification == Notification(
            uid="3ea90999-0802-5011-8804-564c26bd77b7",
            event=make_event(),
            target_id="ntExAmPl02",
            type="email",
            destination="oncall@example.com",
            plan_id="npOnCall01",
        )

    def test_the_address_is_normalised_before_the_uid_is_made(self) -> None:
        found = planned(email_target("ntExAmPl02", "  oncall@EXAMPLE.com\n"))
        assert found.notifications[0].uid == "3ea90999-0802-5011-8804-564c26bd77b7"
        assert found.notifications[0].destination == "oncall@example.com"

    def test_the_plan_is_no_part_of_the_uid(self) -> None:
        first = planned(email_target("nt1", "a@example.com"))
        second = planned(email_target("nt1", "a@example.com"), plan_id="npOther")
        assert first.notifications[0].uid == second.notifications[0].uid

    def test_the_targets_label_says_whom_it_reaches(self) -> None:
        found = planned(email_target("nt1", "a@example.com", label="Night shift"))
        assert found.notifications[0].recipient_name == "Night shift"

    def test_the_plans_order_is_kept(self) -> None:
        targets = [email_target(f"nt{n}", f"a{n}@example.com") for n in range(5)]
        found = plan(make_event(), to_targets(*targets, listed=["nt3", "nt0", "nt4"]))
        assert [n.target_id for n in found.notifications] == ["nt3", "nt0", "nt4"]

    def test_one_address_is_told_once(self) -> None:
        found = planned(
            email_target("nt1", "a@example.com"),
            email_target("nt2", "a@EXAMPLE.com"),
            email_target("nt3", "A@example.com"),
        )
        assert [n.target_id for n in found.notifications] == ["nt1", "nt3"]
        (ending,) = found.endings
        assert (ending.kind, ending.reason) == (Kind.DUPLICATE, Reason.SAME_ADDRESS)
        assert (ending.target_id, ending.destination) == ("nt2", "a@example.com")

    @pytest.mark.parametrize(
        ("details", "destination"),
        [
            (None, None),
            ({}, None),
            ({"address": None}, None),
            ({"address": ["a@example.com"]}, None),
            ({"address": " "}, None),
            ({"address": "oncall"}, "oncall"),
            ({"address": "a@example.com, b@example.com"}, "a@example.com, b@example.com"),
        ],
    )
    def test_no_valid_address(
        self, details: dict[str, Any] | None, destination: str | None
    ) -> None:
        """The record shows what stands there, so that somebody can put it right."""
        ending = only_ending(planned(Target(id="nt1", type="email", details=details)))
        assert (ending.kind, ending.reason) == (Kind.FAILED, Reason.INVALID_ADDRESS)
        assert (ending.target_id, ending.type) == ("nt1", "email")
        assert ending.destination == destination

    def test_an_unknown_notification(self) -> None:
        ending = only_ending(plan(make_event(), make_context(listed=["ntGone"], targets={})))
        assert (ending.kind, ending.reason) == (Kind.FAILED, Reason.UNKNOWN_NOTIFICATION)
        assert ending.target_id == "ntGone"
        assert "npOnCall01 names ntGone" in ending.message

    @pytest.mark.parametrize(
        "type_",
        ["webhook", "pagerduty", "sms", "victorops", "managed", "atomHopper", "new", "Email", ""],
    )
    def test_an_unsupported_type_is_never_silent(self, type_: str) -> None:
        details = {"address": "a@example.com", "url": "https://example.com"}
        ending = only_ending(planned(Target(id="nt1", type=type_, details=details)))
        assert (ending.kind, ending.reason) == (Kind.FAILED, Reason.UNSUPPORTED_TYPE)
        assert (ending.target_id, ending.type) == ("nt1", type_)

    def test_one_bad_destination_does_not_stop_the_others(self) -> None:
        targets = (
            email_target("ntBad", "nobody"),
            Target(id="ntHook", type="webhook"),
            email_target("ntGood", "a@example.com"),
        )
        listed = ["ntGone", "ntBad", "ntHook", "ntGood"]
        found = plan(make_event(), to_targets(*targets, listed=listed))
        assert [n.target_id for n in found.notifications] == ["ntGood"]
        assert [e.target_id for e in found.endings] == ["ntGone", "ntBad", "ntHook"]


def person(email: str | None, *role: str, **names: str) -> ContactPerson:
    return ContactPerson(email_address=email, role=list(role), **names)


def account(*people: ContactPerson) -> Account:
    return Account(id="ac1", contacts=Contacts(contacts=list(people)))


CONTACTS = Target(id="ntTechnicalContactsEmail", type="technicalContactsEmail")


class TestTechnicalContacts:
    def test_every_technical_contact_is_a_destination(self) -> None:
        people = [
            person("p@example.com", "primary"),
            person("a@example.com", "billing", "technical", first_name="Ann", last_name="Lee"),
            person("b@example.com", "TECHNICAL", first_name="Bo"),
        ]
        found = planned(CONTACTS, account=account(*people))
        assert [n.destination for n in found.notifications] == ["a@example.com", "b@example.com"]
        assert [n.recipient_name for n in found.notifications] == ["Ann Lee", "Bo"]
        assert len({n.uid for n in found.notifications}) == 2
        assert {n.type for n in found.notifications} == {"technicalContactsEmail"}

    def test_without_one_it_is_the_primary_contact(self) -> None:
        people = [
            person("b@example.com", "billing"),
            person("p@example.com", "Primary"),
            person("q@example.com", "primary"),
        ]
        assert technical_contacts(account(*people)) == [people[1]]

    @pytest.mark.parametrize("nobody", [None, account(), account(person("b@x.example", "billing"))])
    def test_nobody_at_all_is_told(self, nobody: Account | None) -> None:
        ending = only_ending(planned(CONTACTS, account=nobody))
        assert (ending.kind, ending.reason) == (Kind.NO_RECIPIENTS, Reason.NO_CONTACTS)
        assert (ending.target_id, ending.type) == (CONTACTS.id, CONTACTS.type)

    def test_a_contact_without_address_does_not_stop_the_others(self) -> None:
        people = [person(None, "technical"), person("b@example.com", "technical")]
        found = planned(CONTACTS, account=account(*people))
        assert [n.destination for n in found.notifications] == ["b@example.com"]
        assert [e.reason for e in found.endings] == [Reason.INVALID_ADDRESS]

    def test_who_is_in_the_plan_as_well_is_told_once(self) -> None:
        found = planned(
            email_target("nt1", "a@example.com"),
            CONTACTS,
            account=account(person("a@example.com", "technical")),
        )
        assert [n.target_id for n in found.notifications] == ["nt1"]
        assert [e.reason for e in found.endings] == [Reason.SAME_ADDRESS]


IDS = ["nt1", "nt2", "nt3", "nt4", CONTACTS.id]
addresses = st.sampled_from(["a@example.com", "A@example.com", "b@example.com", "", "nobody", 7])
some_targets = st.fixed_dictionaries(
    {},
    optional={
        id_: st.builds(
            Target,
            id=st.just(id_),
            type=st.sampled_from(["email", "technicalContactsEmail", "webhook", "managed"]),
            details=st.none() | st.builds(lambda address: {"address": address}, addresses),
        )
        for id_ in IDS
    },
)
accounts = st.none() | st.lists(
    st.builds(
        ContactPerson,
        email_address=st.none() | st.sampled_from(["a@example.com", "c@example.com", "nobody"]),
        role=st.lists(st.sampled_from(["technical", "primary", "billing"]), max_size=2),
    ),
    max_size=4,
).map(lambda people: account(*people))


@given(st.lists(st.sampled_from(IDS), unique=True, min_size=1), some_targets, accounts)
def test_every_listed_target_comes_to_something_and_no_address_to_two(
    listed: list[str], targets: dict[str, Target], someone: Account | None
) -> None:
    context = make_context(listed=listed, targets=targets, account=someone)
    found = plan(make_event(), context)
    told = {n.target_id for n in found.notifications} | {e.target_id for e in found.endings}
    assert told == set(listed)
    destinations = [n.destination for n in found.notifications]
    assert len(set(destinations)) == len(destinations)
    assert len({n.uid for n in found.notifications}) == len(destinations)
    assert plan(make_event(), context) == found

"""What an email says."""

import pytest

from consumer.domain.alarm import Metric, Observation, State
from consumer.domain.catalog import Account, Check, Entity, Target
from consumer.domain.notification import Context
from consumer.pipeline.create_email import Draft, create_email
from tests.support.factories import make_context, make_event, make_notification
from tests.unit.pipeline.emails import NOW, RENDERER, TIMESTAMP, email_of, event_email


def test_subject_is_the_one_readers_and_their_filters_have_known() -> None:
    assert email_of().subject == "** CRITICAL: shop front page on shop-load-balancer **"


def test_test_event_says_so_in_the_subject_and_is_tagged() -> None:
    email = event_email(test=True)
    assert email.subject.startswith("[TEST] ** CRITICAL")
    assert "This is a test" in email.text
    assert "This is a test" in email.html
    assert email.tags == ("critical", "remote.http", "test")


def test_text_tells_state_place_time_and_cause() -> None:
    lines = email_of().text.splitlines()
    assert lines[0].strip("=") == " Messenger notification "
    assert lines[2:6] == [
        "CRITICAL (was OK)",
        "shop front page on shop-load-balancer",
        "",
        "  The page did not contain the expected text.",
    ]
    assert lines[7:12] == [
        "Entity:  shop-load-balancer (198.51.100.14)",
        "Check:   shop front page (remote.http)",
        "Alarm:   Body match",
        "Status:  CRITICAL (was OK)",
        "Date:    Tue 11 Feb 2014 17:12:13 UTC",
    ]


@pytest.mark.parametrize(
    "expected",
    [
        "CRITICAL",
        "was OK",
        "shop front page",
        "shop-load-balancer (198.51.100.14)",
        "(remote.http)",
        "Body match",
        "The page did not contain the expected text.",
        "Tue 11 Feb 2014 17:12:13 UTC",
        "oncall@example.com",
        "3ea90999-0802-5011-8804-564c26bd77b7",
    ],
)
def test_html_tells_the_same(expected: str) -> None:
    assert expected in email_of().html


def test_html_needs_nothing_from_elsewhere() -> None:
    html = email_of().html.lower()
    assert not any(word in html for word in ("<img", "src=", "url(", "@import", "<link"))
    assert 'content="light dark"' in html


def test_text_lines_fit_into_78_columns() -> None:
    long_status = "One of the many things that the page did not contain. " * 10
    email = event_email(
        status=long_status,
        attributes={"summary": long_status[:190]},
        observations=[Observation(monitoring_zone_id="mzlon", status=long_status)],
    )
    assert max(map(len, email.text.splitlines())) <= 78


def test_metrics_are_readable_beside_what_came() -> None:
    email = event_email(
        metrics={
            "duration": Metric(type="I", data=21196, unit="milliseconds"),
            "code": Metric(type="s", data="502", unit="unknown"),
        }
    )
    assert "duration:         21.2 s (21196 milliseconds)\n" in email.text
    assert "code:             502\n" in email.text
    assert "21.2 s" in email.html
    assert "(21196 milliseconds)" in email.html


def test_labels_of_foreign_sources_are_listed() -> None:
    email = event_email(attributes={"job": "api", "instance": "web-7:9100"})
    assert "job:              api\n" in email.text
    assert "web-7:9100" in email.html


def test_what_does_not_fit_is_counted() -> None:
    email = event_email(
        attributes={f"label{number}": "x" for number in range(33)},
        observations=[Observation(state="OK")] * 15,
    )
    assert "and 13 more" in email.text
    assert "and 3 more" in email.text
    assert "and 13 more" in email.html
    assert "and 3 more" in email.html


def test_last_known_state_stands_in_for_what_the_producer_does_not_say() -> None:
    silent = make_notification(event=make_event(state=State.OK, previous_state=None))
    assert "OK (was WARNING)" in email_of(silent, previous_state=State.WARNING).text
    assert "(was" not in email_of(silent).text
    told = make_notification(event=make_event(previous_state=State.OK))
    assert "CRITICAL (was OK)" in email_of(told, previous_state=State.WARNING).text


def test_repeated_state_reads_as_lasting() -> None:
    email = event_email(previous_state=State.CRITICAL)
    assert "CRITICAL (still)" in email.text
    assert "was CRITICAL" not in email.html


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://intelligence.example/cloud/alarm/al1?x=1&y=2", True),
        ("http://10.0.0.1/run%20book", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https://a.example/\r\nX: y", False),
        ('https://a.example/"onmouseover="x', False),
        ("https://a.example/\u202egpj", False),
        ("https://a.example/" + "x" * 2000, False),
        ("", False),
        (None, False),
    ],
)
def test_only_plain_web_addresses_become_links(link: str | None, shown: bool) -> None:
    entity = Entity(id="enW3bSrv01", label="lb", uri=link)
    email = event_email(make_context(entity=entity), link=link)
    assert ("Open details" in email.html) is shown
    assert email.html.count("href=") == (2 if shown else 0)
    assert ("Link:" in email.text) is shown


def test_ids_stand_in_for_labels_nobody_knows() -> None:
    nothing = Context(account=None, entity=None, check=None, alarm=None, plan=None, plan_id=None)
    email = email_of(context=nothing)
    assert email.subject == "** CRITICAL: chHttpW3b1 on enW3bSrv01 **"
    assert "Alarm:   alBodyM4tc" in email.text
    assert "because account 487000 sends CRITICAL" in email.text
    assert email.tags == ("critical",)


def test_degraded_late_and_replayed_are_noted() -> None:
    email = event_email(
        make_context(degraded=True), now_ms=TIMESTAMP + 2 * 3_600_000 + 60_000, replay=True
    )
    for note in ("names may be out of date", "the event is 2 h 1 min old", "was replayed"):
        assert note in email.text
        assert note in email.html


def test_another_systems_alarm_has_its_own_names() -> None:
    email = email_of(context=make_context(degraded=True, in_catalog=False))
    assert "out of date" not in email.text


def test_prompt_mail_has_no_notes() -> None:
    assert "\n* " not in email_of().text
    assert "Note:" not in email_of().html


def test_reader_learns_why_they_got_it() -> None:
    target = Target(id="ntExAmPl02", type="email", label="ops list")
    text = " ".join(email_of(context=make_context(targets={target.id: target})).text.split())
    assert (
        "because plan on call (npOnCall01) of account Example Shop (487000)"
        " sends CRITICAL to notification ops list (ntExAmPl02)."
    ) in text


def test_technical_contact_learns_that_they_are_one() -> None:
    email = email_of(make_notification(type="technicalContactsEmail", recipient_name="Ann Example"))
    assert "you are a technical contact of account Example Shop (487000)" in email.text.replace(
        "\n", " "
    )
    assert "Ann Example <oncall@example.com>" in email.text


def test_batch_keeps_its_order_and_mixes_nothing_up() -> None:
    event, context = make_event(), make_context()
    other = make_context(entity=Entity(id="en2", label="other-box"))
    drafts = [
        Draft(notification=make_notification(uid="a", event=event), context=context),
        Draft(
            notification=make_notification(uid="b", event=event, destination="b@example.com"),
            context=context,
        ),
        Draft(notification=make_notification(uid="c"), context=other),
    ]
    emails = create_email(drafts, RENDERER, NOW)
    assert [email.uid for email in emails] == ["a", "b", "c"]
    assert "<b@example.com>" in emails[1].text
    assert "<b@example.com>" not in emails[0].text
    assert "other-box" in emails[2].subject
    assert emails == [create_email([draft], RENDERER, NOW)[0] for draft in drafts]


def test_public_address_and_target_tell_where_to_look() -> None:
    context = make_context(
        entity=Entity(
            id="en1", label="lb", ip_addresses={"private0": "10.0.0.4", "public0_v4": "192.0.2.7"}
        ),
        check=Check(id="ch1", label="c", type="remote.http", target_hostname="www.shop.example"),
    )
    text = email_of(context=context).text
    assert "lb (192.0.2.7)" in text
    assert "Target:  www.shop.example" in text
    assert "Target:" not in event_email(context, target="192.0.2.7").text


def test_account_without_label_goes_by_its_tenant() -> None:
    email = email_of(context=make_context(account=Account(id="acT3stAcct")))
    assert "of account 487000 sends" in email.text.replace("\n", " ")

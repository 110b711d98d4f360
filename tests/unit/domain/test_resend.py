"""An event that a person has told once more is one of its own, and says which it repeats."""

from consumer import wire
from consumer.domain.notification import Ending
from consumer.domain.reasons import Kind, Reason
from consumer.domain.resend import Resent, resend, resent_of
from consumer.pipeline.track import About, track_ending
from tests.support.factories import make_event


def test_the_same_replay_makes_the_same_event_and_another_one_another() -> None:
    event = make_event()
    assert resend(event, "a", "why") == resend(event, "a", "why")
    ids = {event.id, resend(event, "a", "why").id, resend(event, "b", "why").id}
    assert len(ids) == 3


def test_it_is_the_same_but_for_that() -> None:
    event = make_event(attributes={"team": "web"})
    again = resend(event, "a", "why")
    assert (again.atom, again.timestamp, again.state) == (event.atom, event.timestamp, event.state)
    assert again.attributes["team"] == "web"
    assert again.replay


def test_who_only_writes_the_attributes_repeats_nothing() -> None:
    told = resend(make_event(), "a", "why").attributes
    assert resent_of(make_event(attributes=told)) is None


def test_its_tracking_records_say_what_it_repeats_and_why() -> None:
    event = make_event()
    ending = Ending(kind=Kind.STALE, reason=Reason.OLDER_THAN_LAST, message="late")
    about = About(event=resend(event, "lost", "why"), source=("t", 0, 1), worker="w")
    told = wire.decode_tracking(wire.encode_tracking(track_ending(about, ending, 1)))
    assert told.resent == Resent(event_id=event.id, reason="why", replay="lost")

"""Which transport an email takes, and how."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.alarm import State
from consumer.domain.ledger import DeliveryRow, DeliveryState
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.pipeline.deliver import (
    Route,
    choose_options,
    deliver,
    numbered,
    route_kept,
    tenant_bucket,
)
from tests.support.factories import make_email, make_event

DEFAULT = SendOptions(transport="smtp")
MAILGUN = SendOptions(transport="mailgun", tags=("phase-1",))
OTHER = SendOptions(transport="mailgun", tracking=True)


def chosen(*routes: Route, tenant: str = "487000", state: State = State.CRITICAL) -> SendOptions:
    return choose_options(make_event(tenant_id=tenant, state=state), routes, DEFAULT)


class TestRoutes:
    def test_without_routes_it_is_the_default(self) -> None:
        assert chosen() == DEFAULT

    def test_a_route_without_conditions_takes_all(self) -> None:
        assert chosen(Route(options=MAILGUN)) == MAILGUN

    def test_the_first_match_wins(self) -> None:
        no = Route(options=OTHER, tenants=frozenset({"1"}))
        assert chosen(no, Route(options=MAILGUN), Route(options=OTHER)) == MAILGUN

    def test_all_conditions_have_to_hold(self) -> None:
        route = Route(
            options=MAILGUN, tenants=frozenset({"487000"}), states=frozenset({State.CRITICAL})
        )
        assert chosen(route) == MAILGUN
        assert chosen(route, state=State.OK) == DEFAULT
        assert chosen(route, tenant="1") == DEFAULT

    def test_a_share_is_one_of_the_conditions(self) -> None:
        tenants = frozenset({"487000"})
        assert chosen(Route(options=MAILGUN, tenants=tenants, percent=100)) == MAILGUN
        assert chosen(Route(options=MAILGUN, tenants=tenants, percent=0)) == DEFAULT


class TestShares:
    TENANTS: Sequence[str] = [str(487_000 + n) for n in range(10_000)]

    @pytest.mark.parametrize("percent", [0, 0.5, 1, 5, 25, 50, 90, 99.5, 100])
    def test_a_share_is_met_within_a_point(self, percent: float) -> None:
        route = Route(options=MAILGUN, percent=percent)
        taken = sum(chosen(route, tenant=tenant) == MAILGUN for tenant in self.TENANTS)
        assert taken / len(self.TENANTS) * 100 == pytest.approx(percent, abs=1)

    def test_nobody_at_0_and_everybody_at_100(self) -> None:
        for percent, options in ((0, DEFAULT), (100, MAILGUN)):
            route = Route(options=MAILGUN, percent=percent)
            assert {chosen(route, tenant=t) == options for t in self.TENANTS} == {True}

    @given(st.text(), st.floats(0, 100), st.floats(0, 100))
    def test_raising_a_share_never_moves_a_tenant_back(
        self, tenant: str, one: float, other: float
    ) -> None:
        lower, higher = sorted([one, other])
        event = make_event(tenant_id=tenant)
        if Route(options=MAILGUN, percent=lower).matches(event):
            assert Route(options=MAILGUN, percent=higher).matches(event)

    @pytest.mark.parametrize(
        ("tenant", "bucket"), [("487000", 3836), ("487001", 1261), ("acT3stAcct", 6663), ("", 9876)]
    )
    def test_a_tenants_place_is_the_same_everywhere(self, tenant: str, bucket: int) -> None:
        """Other values would move tenants between transports with an update."""
        assert tenant_bucket(tenant) == bucket


class TestTestEvents:
    def test_they_are_sent_in_test_mode_and_tagged(self) -> None:
        options = choose_options(make_event(test=True), [Route(options=MAILGUN)], DEFAULT)
        assert options == SendOptions(transport="mailgun", test_mode=True, tags=("phase-1", "test"))

    def test_by_the_default_too(self) -> None:
        assert choose_options(make_event(test=True), [], DEFAULT).test_mode

    def test_others_are_not(self) -> None:
        assert not choose_options(make_event(), [Route(options=MAILGUN)], DEFAULT).test_mode


class Recorder:
    """A transport that takes everything down."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sent: list[tuple[Email, SendOptions]] = []

    def send(self, email: Email, options: SendOptions) -> SendResult:
        self.sent.append((email, options))
        return SendResult(
            kind=Kind.ACCEPTED, reason=Reason.QUEUED, message="taken", transport=self.name
        )

    def opens_in(self) -> float:
        return 0.0

    def close(self) -> None:
        """Nothing is open."""


def test_an_email_goes_once_through_the_transport_that_its_options_name() -> None:
    mailgun, smtp = Recorder("mailgun"), Recorder("smtp")
    email = make_email()
    (result,) = deliver([email], DEFAULT, {"mailgun": mailgun, "smtp": smtp})
    assert result.transport == "smtp"
    assert smtp.sent == [(email, DEFAULT)]
    assert mailgun.sent == []


class TestKept:
    """An event of which something may be out goes on as it began, whatever its share is by now."""

    ROUTES = (
        Route(options=msgspec.structs.replace(MAILGUN, route="new"), percent=0.0),
        Route(options=msgspec.structs.replace(OTHER, route="old")),
    )
    DEFAULT = msgspec.structs.replace(DEFAULT, route="default")

    @pytest.mark.parametrize(
        ("kept", "route"),
        [("new", "new"), ("default", "default"), (None, "old"), ("", "old"), ("gone", "old")],
    )
    def test_the_route_that_it_began_with_wins_while_there_is_one(
        self, kept: str | None, route: str
    ) -> None:
        assert choose_options(make_event(), self.ROUTES, self.DEFAULT, kept=kept).route == route

    @pytest.mark.parametrize(
        ("state", "changes", "kept"),
        [
            (DeliveryState.SENDING, {}, "new"),
            (DeliveryState.IN_DOUBT, {}, "new"),
            (DeliveryState.ACCEPTED, {}, "new"),
            # Surely not accepted: it is free, and need not wait for a transport that is broken.
            (DeliveryState.DEFERRED, {}, None),
            (DeliveryState.DEFERRED, {"possible_duplicate": True}, "new"),
            (DeliveryState.SENDING, {"route": None}, None),
            (DeliveryState.SENDING, {"route": numbered(1)}, None),
        ],
    )
    def test_what_may_be_out_keeps_its_route(
        self, state: DeliveryState, changes: dict[str, Any], kept: str | None
    ) -> None:
        values: dict[str, Any] = {
            "uid": "n1",
            "event_id": "e1",
            "atom": "a",
            "target_id": "t",
            "type": "email",
        }
        values |= {"destination": "a@example.com", "message_id": "m", "transport": "mailgun"}
        values |= {"state": state, "attempt": 1, "owner": "o", "fence": 1, "route": "new"}
        row = DeliveryRow(**values | changes)
        assert route_kept([row]) == kept
        free = msgspec.structs.replace(row, state=DeliveryState.DEFERRED, possible_duplicate=False)
        assert route_kept([free, row]) == kept

    def test_of_nothing_nothing_is_kept(self) -> None:
        assert route_kept([]) is None

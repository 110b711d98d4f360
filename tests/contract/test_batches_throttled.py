"""Batch calls under a real limit, over HTTP: what is left of it is used."""

from collections.abc import Iterator

import pytest

from consumer.domain.notification import SendOptions
from consumer.domain.reasons import Kind, Reason
from tests.contract.test_batches import ACCEPTED, REFUSED, Provider, told
from tests.support.factories import make_email
from tests.unit.adapters.mailgun.batches import make_emails

THROTTLED = {(Kind.DEFERRED, Reason.THROTTLED)}


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.mark.parametrize("text", ["date", "seconds"])
def test_what_is_left_of_a_limit_is_used_and_then_the_gate_closes(
    provider: Provider, text: str
) -> None:
    provider.fake.limit({"limit": 5, "per_seconds": 3600})
    provider.fake.switch(rate_limit_text=text)
    assert told(provider.send(make_emails(3))) == ACCEPTED
    assert told(provider.send(make_emails(3))) == REFUSED
    assert (provider.transport.batch_limit, provider.transport.opens_in()) == (2, 0)
    assert told(provider.send(make_emails(2))) == ACCEPTED
    assert told(provider.send(make_emails(2))) == THROTTLED
    assert provider.transport.opens_in() == 3600
    provider.clock.advance(3600)
    assert provider.transport.batch_limit == 1000
    assert told(provider.send(make_emails(5))) == ACCEPTED


def test_an_answer_that_does_not_say_what_is_left_closes_the_gate(provider: Provider) -> None:
    provider.fake.limit({"limit": 5, "per_seconds": 3600})
    provider.fake.switch(rate_limit_headers="none")
    assert told(provider.send(make_emails(6))) == THROTTLED
    assert provider.transport.send(make_email(), SendOptions()).calls == 0

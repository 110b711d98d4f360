"""A fake Mailgun for clients that others wrote."""

from collections.abc import Iterator

import pytest

from consumer.sandbox.mailgun import FakeMailgun, Options

DOMAIN = "alerts.example.com"
KEY = "key-of-a-test"
SIGNING_KEY = "signing-key-of-a-test"


@pytest.fixture(scope="module")
def running_fake() -> Iterator[FakeMailgun]:
    options = Options(api_keys={KEY: "full"}, domains={DOMAIN}, signing_key=SIGNING_KEY)
    with FakeMailgun(options) as fake:
        yield fake


@pytest.fixture
def fake(running_fake: FakeMailgun) -> FakeMailgun:
    running_fake.reset()
    return running_fake

"""One running fake for all tests of this folder; each test finds it empty."""

from collections.abc import Iterator

import pytest

from consumer.sandbox.mailgun import FakeMailgun, Options, Role
from tests.unit.sandbox.mailgun.support import DOMAIN, Client


@pytest.fixture(scope="session")
def running_fake() -> Iterator[FakeMailgun]:
    keys: dict[str, Role] = {"full-key": "full", "sending-key": "sending"}
    with FakeMailgun(Options(api_keys=keys, domains={DOMAIN})) as fake:
        yield fake


@pytest.fixture
def fake(running_fake: FakeMailgun) -> FakeMailgun:
    running_fake.reset()
    return running_fake


@pytest.fixture
def client(fake: FakeMailgun) -> Iterator[Client]:
    client = Client(fake)
    with client.session:
        yield client

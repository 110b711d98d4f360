"""For all tests: servers on demand, a clean environment, Hypothesis profiles."""

import os

import pytest
from hypothesis import settings

# What fails in there is told as in a test; before it is imported.
pytest.register_assert_rewrite("tests.support")

from tests.support.kafka_fixtures import kafka, own_kafka, proxied_kafka  # noqa: E402
from tests.support.postgres import own_postgres, postgres_server  # noqa: E402

__all__ = ["kafka", "own_kafka", "own_postgres", "postgres_server", "proxied_kafka"]

#: Variables that steer the tests themselves.
_OURS = ("MESSENGER_TEST_", "MESSENGER_MAILGUN_OPENAPI")

#: A fixture that needs a server, and the marker that its tests get.
_MARKERS = {
    "kafka": "kafka",
    "own_kafka": "kafka",
    "proxied_kafka": "kafka",
    "postgres_server": "postgres",
    "own_postgres": "postgres",
}

#: Folders of tests that start processes.
_LONG = ("acceptance", "chaos", "integration")

# No deadline: a busy machine is not a bug. CI draws the same examples each time.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for a server bears its marker: `-m "not kafka"` needs no discipline.

    Folders whose tests take seconds come first: the many quick ones then fill up both workers, and
    both end at the same time. Otherwise the order stays random.
    """
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in _MARKERS:
                item.add_marker(_MARKERS[fixture])
    items.sort(key=lambda item: item.path.parent.name not in _LONG)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own MESSENGER_* settings must not reach a test."""
    for name in list(os.environ):
        if name.startswith("MESSENGER_") and not name.startswith(_OURS):
            monkeypatch.delenv(name)

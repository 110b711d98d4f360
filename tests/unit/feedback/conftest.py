"""The rig, closed in the end."""

from collections.abc import Iterator

import pytest

from tests.unit.feedback.rig import Rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.close()

"""Every transport of a test is closed after it."""

from collections.abc import Iterator

import pytest

from tests.unit.adapters.smtp.rig import Rig


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while Rig.made:
        Rig.made.pop().transport.close()

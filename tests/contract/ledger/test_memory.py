# ruff: noqa: F403, F821  # the suite's own tests are the names that are imported
"""The stand-in of the unit tests keeps the ledger's rules: the suite's tests, once more, on it."""

import pytest

from tests.contract.ledger.test_claims import *
from tests.contract.ledger.test_closing import *
from tests.contract.ledger.test_reopening import *
from tests.contract.ledger.test_sending import *
from tests.support.worker_ledger import MemoryLedger

# What only a database has: other processes, a retention, an encoding.
del test_another_process_sees_the_claim
del test_many_at_once_beside_closing_consumers_do_not_deadlock
del test_same_fence_of_another_owner_is_in_doubt_too
del test_providers_words_are_stored_whatever_they_hold


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()

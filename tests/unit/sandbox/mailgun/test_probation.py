"""An account on probation sends small batches only."""

import pytest

from consumer.sandbox.mailgun.probation import probation_refusal


@pytest.mark.parametrize(("recipients", "most"), [(1, 10), (10, 10), (1000, None)])
def test_what_is_granted_is_not_refused(recipients: int, most: int | None) -> None:
    assert probation_refusal("d.example", recipients, most) is None


def test_more_is_refused_in_mailguns_words() -> None:
    assert probation_refusal("d.example", 11, 10) == (
        "Domain d.example is not allowed to send large batches yet"
    )

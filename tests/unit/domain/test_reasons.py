"""The vocabularies: closed, plain words, each with one place."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

import consumer.pipeline
from consumer.domain.reasons import Kind, Reason

STAGES = Path(consumer.pipeline.__file__).parent
#: These tell again what the ledger has of an earlier run.
RETELL = ("pipeline.py", "resume.py")


@pytest.mark.parametrize("vocabulary", [Kind, Reason])
def test_a_word_is_its_name_in_lower_case(vocabulary: type[StrEnum]) -> None:
    """They are labels of metrics and values on a topic."""
    assert [word.value for word in vocabulary] == [word.name.lower() for word in vocabulary]
    assert all(re.fullmatch("[a-z_]+", word) for word in vocabulary)


def test_no_reason_is_used_by_two_stages() -> None:
    users: dict[str, set[str]] = {}
    for stage in STAGES.glob("*.py"):
        if stage.name not in RETELL:
            for name in re.findall(r"Reason\.([A-Z_]+)", stage.read_text()):
                users.setdefault(name, set()).add(stage.stem)
    assert users, "no stage gives a reason: the test looks in the wrong place"
    assert {name: stages for name, stages in users.items() if len(stages) > 1} == {}

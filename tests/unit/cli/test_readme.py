"""The README's commands are commands, and its settings are sound."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from consumer.cli import app
from tests.unit.cli.conftest import Run

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)


def commands() -> Iterator[str]:
    for language, block in BLOCKS:
        for line in block.splitlines() if not language else ():
            for part in line.partition("#")[0].split("|"):
                if part.strip().startswith("messenger "):
                    yield part.partition(">")[0].strip().removesuffix("&").strip()


@pytest.mark.parametrize("line", dict.fromkeys(commands()))
def test_each_command_is_one(line: str) -> None:
    """Its options and arguments are parsed, and nothing is done."""
    words = shlex.split(line)[1:]
    command: Any = typer.main.get_command(app)
    context = command.make_context("messenger", [], resilient_parsing=True)
    while hasattr(command, "get_command"):
        command = command.get_command(context, words.pop(0))
        assert command is not None
    command.make_context("messenger", words)


def test_the_first_settings_are_sound_with_the_sample_catalog(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run("sandbox", "traffic", "--count", "1", "--catalog", "catalog")
    settings = next(block for language, block in BLOCKS if language == "toml")
    (tmp_path / "messenger.toml").write_text(settings, encoding="utf-8")
    ran = run("check-config", "-c", "messenger.toml")
    assert (ran.code, ran.out, ran.err) == (0, "messenger.toml: fine\n", "")

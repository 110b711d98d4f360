"""What the commands share: options, output, and how errors look."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

#: Where people read; data for other programs goes to stdout as plain lines.
console = Console(stderr=False, highlight=False, soft_wrap=True)
progress_console = Console(stderr=True, highlight=False)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Settings file (TOML). MESSENGER_SECTION__KEY in the environment wins over it.",
        envvar="MESSENGER_CONFIG",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]
YesOption = Annotated[
    bool, typer.Option("--yes", help="Do not ask; needed where there is no terminal.")
]


def end_in_order() -> None:
    """From now on SIGTERM and SIGHUP (a closed terminal) end the command as Ctrl-C does.

    SIGINT too: a shell has it ignored in what it starts in the background, and then nothing but
    SIGKILL would be left to whoever asks politely. `nohup` keeps its word.
    """
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if ending is not signal.SIGHUP or signal.getsignal(ending) is not signal.SIG_IGN:
            signal.signal(ending, signal.default_int_handler)


def complain(line: str) -> None:
    """One line on stderr, for a person."""
    print(f"messenger: {line}", file=sys.stderr)  # noqa: T201  # the command line's own voice


def fail(line: str, code: int = 1) -> typer.Exit:
    """Complain, and the exit to raise."""
    complain(line)
    return typer.Exit(code)


def ask(question: str, *, unasked: str, refused: str) -> None:
    """Go on only if a person says yes; ends the command otherwise.

    `unasked` is what to do where there is no terminal to ask at (exit code 2), `refused` what
    a no means (1).
    """
    if not sys.stdin.isatty():
        raise fail(unasked, 2)
    if not typer.confirm(question, err=True):
        raise fail(refused)

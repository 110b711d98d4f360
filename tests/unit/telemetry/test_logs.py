"""Logs: one JSON object a line, ours and the libraries'; secrets hidden whoever passes them."""

import io
import json
import logging
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from consumer.telemetry.logs import configure_logs, get_logger


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Logging is the process's: leave it as it was found."""
    names = ("", "messenger", "kafka")
    levels = {name: logging.getLogger(name).level for name in names}
    handlers = list(logging.getLogger().handlers)
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_is_one_line_with_its_name_its_fields_and_the_time(out: io.StringIO) -> None:
    configure_logs(stream=out)
    get_logger(worker="w1").info("app.started", topics=["a"])
    (line,) = lines(out)
    assert line["event"] == "app.started"
    assert (line["worker"], line["topics"], line["level"]) == ("w1", ["a"], "info")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "name",
    ["api_key", "MAILGUN_API_KEY", "sasl_password", "client_secret", "token", "Authorization"],
)
def test_a_field_that_sounds_like_a_secret_is_hidden(out: io.StringIO, name: str) -> None:
    configure_logs(stream=out)
    get_logger().info("called", **{name: "hush-hush"})
    get_logger(**{name: "hush-hush"}).warning("called")
    assert "hush-hush" not in out.getvalue()
    assert [line[name] for line in lines(out)] == ["[hidden]"] * 2


def test_secrets_are_hidden_for_people_too(out: io.StringIO) -> None:
    configure_logs(human=True, stream=out)
    get_logger().info("called", api_key="hush-hush")
    assert "hush-hush" not in out.getvalue()
    assert "called" in out.getvalue()


def test_an_exception_is_a_field_and_not_a_broken_line(out: io.StringIO) -> None:
    configure_logs(stream=out)
    try:
        int("two\nlines")
    except ValueError:
        get_logger().exception("went.wrong")
    (line,) = lines(out)
    assert "ValueError: invalid literal" in line["exception"]


def test_lines_of_libraries_have_the_same_form(out: io.StringIO) -> None:
    configure_logs(stream=out)
    logging.getLogger("some.library").warning("careful: %s", "x")
    logging.getLogger("some.library").info("not worth it")
    (line,) = lines(out)
    assert (line["event"], line["level"]) == ("careful: x", "warning")


@pytest.mark.parametrize(("level", "expected"), [("info", ["a", "b"]), ("warning", ["b"])])
def test_the_level_is_ours(out: io.StringIO, level: str, expected: list[str]) -> None:
    configure_logs(level, stream=out)
    get_logger().info("a")
    get_logger().warning("b")
    assert [line["event"] for line in lines(out)] == expected


def test_configuring_twice_writes_once(out: io.StringIO) -> None:
    configure_logs(stream=io.StringIO())
    configure_logs(stream=out)
    get_logger().info("a")
    assert len(lines(out)) == 1


def test_a_logger_may_be_made_before_logs_are_set_up(out: io.StringIO) -> None:
    structlog.reset_defaults()
    log = get_logger(worker="w1")
    configure_logs(stream=out)
    log.info("a")
    assert [(line["event"], line["worker"]) for line in lines(out)] == [("a", "w1")]


class Full(io.StringIO):
    """A disk without space, until some is made."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_line_that_cannot_be_written_is_lost_without_a_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A traceback for each would fill what little space there is, in no format."""
    out = Full()
    configure_logs(stream=out)
    get_logger().info("lost")
    out.full = False
    get_logger().info("written")
    assert [line["event"] for line in lines(out)] == ["written"]
    assert capsys.readouterr().err == ""


def test_a_line_that_is_a_defect_of_ours_is_still_heard_of(
    out: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(stream=out)
    logging.getLogger("some.library").error("%d", "no number")
    assert "Logging error" in capsys.readouterr().err
    get_logger().error("bad.key", told={(): "no name in JSON"})
    assert "Logging error" in capsys.readouterr().err
    get_logger().error("went.on")
    assert [line["event"] for line in lines(out)] == ["went.on"]


def test_lines_of_many_threads_do_not_mix(out: io.StringIO) -> None:
    configure_logs(stream=out)

    def log() -> None:
        for number in range(50):
            get_logger().info("ours", number=number)
            logging.getLogger("some.library").warning("theirs %d", number)

    threads = [threading.Thread(target=log) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    events = [line["event"] for line in lines(out)]
    assert (events.count("ours"), len(events)) == (200, 400)


class Odd:
    def __repr__(self) -> str:
        return "Odd"


@pytest.mark.parametrize("human", [False, True])
def test_a_line_is_as_the_standard_library_would_write_it(human: bool) -> None:
    """On its way through a logger of its own, with the same fields."""
    fields: dict[str, Any] = {"text": 'h\u00f6he "\n', "odd": Odd(), "none": None, "share": 0.1}
    ours, theirs = io.StringIO(), io.StringIO()
    configure_logs(human=human, stream=ours)
    get_logger(worker="w1").warning("called", **fields)
    configure_logs(human=human, stream=theirs)
    structlog.wrap_logger(
        logging.getLogger("some.library"),
        processors=[
            *structlog.get_config()["processors"],
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        worker="w1",
    ).warning("called", **fields)
    time = re.compile(r"[0-9T:.-]{20,}Z")
    assert time.sub("", ours.getvalue()) == time.sub("", theirs.getvalue()) != ""

"""Logs: JSON lines with a stable event name and fields. No field ever holds a secret."""

import json
import logging
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger

#: Fields whose value is never written, whatever a caller passes.
_SECRET_WORDS: Final = ("api_key", "password", "secret", "token", "authorization")
_HIDDEN: Final = "[hidden]"
#: What JSON has no form for is written as Python shows it.
_TO_JSON: Final = json.JSONEncoder(default=repr)


class _Lines(logging.StreamHandler[TextIO]):
    """The one writer for all lines: two on one stream would tear each other's.

    One that cannot be written (a full disk, a closed pipe) is lost, and nobody stops for it.
    """

    def __init__(self, stream: TextIO, renderer: Callable[..., str]) -> None:
        super().__init__(stream)
        self._render = renderer

    def write(self, /, **event: Any) -> None:
        """Write an event of ours, as `emit` writes a library's record."""
        try:
            line = self._render(None, "", event)
            self.acquire()
            try:
                self.stream.write(line + self.terminator)
                self.flush()
            finally:
                self.release()
        except Exception:  # noqa: BLE001  # as `emit` does it: who logs must not stop for it
            self.handleError(logging.makeLogRecord({"msg": event.get("event")}))

    #: What structlog calls.
    debug = info = warning = error = critical = write

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Print nothing in its place: on a disk that is nearly full, that would be all there is."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def configure_logs(
    level: str = "info", *, human: bool = False, stream: TextIO | None = None
) -> None:
    """Set up logging for the process: our events and the libraries' lines, one format.

    Ours go to the handler as they are. On the way through the standard library, where the
    libraries' come from, each took four times as long, and there is one for each email.
    """
    out = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    renderer: Any = structlog.dev.ConsoleRenderer(colors=out.isatty()) if human else _json
    handler = _Lines(out, renderer)
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: handler,
        cache_logger_on_first_use=False,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # The client tells each failed connection of each retry; we tell once that Kafka is away.
    logging.getLogger("kafka").setLevel(
        logging.WARNING if number <= logging.DEBUG else logging.CRITICAL
    )


def get_logger(**fields: Any) -> FilteringBoundLogger:
    """A logger whose lines all carry these fields.

    Once logs are set up it is put together here, and not anew for each line.
    """
    logger: FilteringBoundLogger = structlog.get_logger(**fields)
    return logger.bind() if structlog.is_configured() else logger


def hide_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Last defence: a field that sounds like a secret is not written."""
    for name in event:
        if _sounds_secret(name):
            event[name] = _HIDDEN
    return event


@lru_cache(maxsize=1024)
def _sounds_secret(name: str) -> bool:
    """Remembered: the names of fields are few, and come with each line."""
    return any(word in name.lower() for word in _SECRET_WORDS)


def _json(_logger: Any, _method: str, event: EventDict) -> str:
    return _TO_JSON.encode(event)

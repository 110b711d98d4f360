"""Logs: JSON lines with a stable event name and fields. No field ever holds a secret."""

import logging
import sys
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger

#: Fields whose value is never written, whatever a caller passes.
_SECRET_WORDS: Final = ("api_key", "password", "secret", "token", "authorization")
_HIDDEN: Final = "[hidden]"
#: The standard library's logger that all our lines go through.
_OURS: Final = "messenger"


class _Lines(logging.StreamHandler[TextIO]):
    """One that cannot be written (a full disk, a closed pipe) is lost, and nobody stops for it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Print nothing in its place: on a disk that is nearly full, that would be all there is."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def configure_logs(
    level: str = "info", *, human: bool = False, stream: TextIO | None = None
) -> None:
    """Set up logging for the process: our events and the libraries' lines, one format."""
    out = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=out.isatty())
        if human
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: logging.getLogger(_OURS),
        cache_logger_on_first_use=False,
    )
    # One handler for all: two writers on one stream would tear each other's lines.
    handler = _Lines(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(number)
    # The client tells each failed connection of each retry; we tell once that Kafka is away.
    logging.getLogger("kafka").setLevel(
        logging.WARNING if number <= logging.DEBUG else logging.CRITICAL
    )


def get_logger(**fields: Any) -> FilteringBoundLogger:
    """A logger whose lines all carry these fields."""
    logger: FilteringBoundLogger = structlog.get_logger(**fields)
    return logger


def hide_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Last defence: a field that sounds like a secret is not written."""
    for name in event:
        if any(word in name.lower() for word in _SECRET_WORDS):
            event[name] = _HIDDEN
    return event

"""Logs, metrics and health."""

from typing import Literal

from pydantic import Field

from consumer.settings.section import Section


class Telemetry(Section):
    """Logs, metrics and health."""

    host: str = "127.0.0.1"
    #: 0 takes a free port and logs which.
    port: int = Field(default=9464, ge=0, le=65_535)
    enabled: bool = True
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"

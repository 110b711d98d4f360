"""A transport in front of a mail server on loopback."""

from typing import Any, ClassVar

from consumer.adapters.smtp.client import SmtpTransport
from consumer.domain.notification import SendOptions, SendResult
from consumer.ports import AccessEntry
from tests.support.clock import ManualClock
from tests.support.factories import make_email
from tests.support.smtp import FakeSmtp

SECRET = "sesame-open-17"
OPTIONS = SendOptions(transport="smtp")


class Rig:
    """One transport; closed after the test."""

    made: ClassVar[list["Rig"]] = []

    def __init__(self, server: FakeSmtp, **changes: Any) -> None:
        self.server = server
        self.clock = ManualClock()
        self.told: list[AccessEntry] = []
        settings: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": server.port,
            "tls": "none",
            "connect_timeout": 2.0,
            "read_timeout": 2.0,
        }
        self.transport = SmtpTransport(
            clock=self.clock, access_log=self.told.append, **(settings | changes)
        )
        self.made.append(self)

    def send(self, **changes: Any) -> SendResult:
        return self.transport.send(make_email(**changes), OPTIONS)

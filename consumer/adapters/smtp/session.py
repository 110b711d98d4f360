"""One conversation with a mail server, command by command, so that each failure has its step."""

import smtplib
import ssl
from collections.abc import Callable
from typing import Literal, TypeVar

from consumer.adapters.smtp.mime import bare_address, transparent
from consumer.adapters.smtp.replies import Reply, Step

T = TypeVar("T")

Tls = Literal["starttls", "implicit", "none"]


class Refused(Exception):
    """The server answered, and not with what goes on."""

    def __init__(self, step: Step, reply: Reply) -> None:
        super().__init__(f"{reply.code} at {step}")
        self.step = step
        self.reply = reply


class Lost(Exception):
    """No answer came, or there is no connection."""

    def __init__(self, step: Step, cause: str) -> None:
        super().__init__(f"{step}: {cause}")
        self.step = step
        self.cause = cause


class Server:
    """Where to connect and how; makes sessions."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        tls: Tls,
        context: ssl.SSLContext | None,
        login: tuple[str, str] | None,
        connect_timeout: float,
        read_timeout: float,
    ) -> None:
        self.host = host
        self.port = port
        self.tls = tls
        self.context = context
        self.login = login
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout

    def connect(self) -> "Session":
        """A session that is ready for an email. Raises Refused or Lost."""
        session = Session(self)
        try:
            session.open()
        except BaseException:
            session.close()
            raise
        return session


class Session:
    """One connection; after each accepted or refused email it is ready for the next."""

    def __init__(self, server: Server) -> None:
        self._server = server
        if server.tls == "implicit":
            self._smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                timeout=server.connect_timeout, context=server.context
            )
        else:
            self._smtp = smtplib.SMTP(timeout=server.connect_timeout)
        #: Emails it has carried.
        self.used = 0

    def open(self) -> None:
        """Connect, greet, encrypt, log in."""
        server, smtp = self._server, self._smtp
        # smtplib checks the certificate against the name it was made with.
        smtp._host = server.host  # type: ignore[attr-defined]  # set by its constructor only
        self._do(Step.CONNECT, lambda: smtp.connect(server.host, server.port))
        assert smtp.sock is not None
        smtp.sock.settimeout(server.read_timeout)
        self._do(Step.GREETING, smtp.ehlo)
        if server.tls == "starttls":
            if not smtp.has_extn("starttls"):
                raise Refused(Step.TLS, Reply(502, "the server offers no STARTTLS"))
            self._do(Step.TLS, lambda: smtp.starttls(context=server.context))
            self._do(Step.GREETING, smtp.ehlo)
        if server.login is not None:
            user, password = server.login
            self._do(Step.LOGIN, lambda: smtp.login(user, password))

    def send(self, sender: str, to: str, message: bytes) -> Reply:
        """Hand over one email; the answer to its final dot, good or bad. Raises Refused or Lost."""
        smtp = self._smtp
        recipient = bare_address(to)
        utf8 = () if recipient.isascii() else ("SMTPUTF8",)
        if utf8 and not smtp.has_extn("smtputf8"):
            raise Refused(
                Step.RECIPIENT, Reply(553, "5.6.7 the server takes no address outside ASCII")
            )
        self._do(Step.SENDER, lambda: smtp.mail(bare_address(sender), utf8))
        self._do(Step.RECIPIENT, lambda: smtp.rcpt(recipient))
        self._do(Step.DATA, lambda: smtp.docmd("DATA"))
        self._guarded(Step.DATA, lambda: smtp.send(transparent(message)))
        # Apart from the rest: without it nothing was accepted, with it nobody knows.
        reply = self._guarded(Step.END, self._end)
        self.used += 1
        return reply

    def reset(self) -> bool:
        """Ready for another email; False: the connection is of no use."""
        try:
            return self._smtp.rset()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def close(self) -> None:
        """Without a goodbye: nobody waits for it."""
        self._smtp.close()

    def _end(self) -> Reply:
        self._smtp.send(b".\r\n")
        return _reply(self._smtp.getreply())

    def _do(self, step: Step, command: Callable[[], tuple[int, bytes]]) -> None:
        reply = self._guarded(step, lambda: _reply(command()))
        if not reply.is_positive:
            raise Refused(step, reply)

    def _guarded(self, step: Step, call: Callable[[], T]) -> T:
        try:
            return call()
        except smtplib.SMTPResponseException as error:
            raise Refused(step, _reply((error.smtp_code, error.smtp_error))) from None
        except ssl.SSLError as error:
            raise Refused(Step.TLS, Reply(554, f"{type(error).__name__}: {error}")) from None
        except smtplib.SMTPServerDisconnected as error:
            raise Lost(step, str(error)) from None
        except smtplib.SMTPException as error:
            # It offers no way to log in that we know.
            raise Refused(step, Reply(504, str(error))) from None
        except OSError as error:
            raise Lost(step, f"{type(error).__name__}: {error}") from None


def _reply(answer: tuple[int, bytes | str]) -> Reply:
    code, text = answer
    return Reply(code, text if isinstance(text, str) else text.decode(errors="replace"))

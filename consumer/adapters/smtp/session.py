"""One conversation with a mail server, command by command, so that each failure has its step."""

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Final, Literal

import msgspec

from consumer.adapters.network import plain
from consumer.adapters.smtp.dialing import dial, own_name
from consumer.adapters.smtp.login import Login
from consumer.adapters.smtp.mime import Envelope, transparent
from consumer.adapters.smtp.replies import Reply, Step

Tls = Literal["starttls", "implicit", "none"]

#: The other side, or what is between, ended a handshake. Other errors of TLS stay until somebody
#: changes the settings, or the server's certificate.
_BROKEN_OFF: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


class Refused(Exception):
    """The server answered, and not with what goes on."""

    def __init__(self, step: Step, reply: Reply) -> None:
        super().__init__(f"{reply.code} at {step}")
        self.step = step
        self.reply = reply


class _Ended(Exception):
    def __init__(self, step: Step, cause: str) -> None:
        super().__init__(f"{step}: {cause}")
        self.step = step
        self.cause = cause


class Lost(_Ended):
    """No answer came, or there is no connection."""


class Unfit(_Ended):
    """The server lacks what the settings ask for."""


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Where to connect and how; times in seconds."""

    host: str
    port: int
    tls: Tls
    #: None only where `tls` is none.
    context: ssl.SSLContext | None
    login: Login | None
    connect_timeout: float
    read_timeout: float
    monotonic: Callable[[], float]

    @property
    def where(self) -> str:
        """In each error: whom it is about."""
        return f"{self.host}:{self.port}"

    def connect(self) -> "Session":
        """A session that is ready for an email. Raises Refused, Lost or Unfit."""
        with _losing(Step.CONNECT):
            session = Session(self, self._reached())
        try:
            session.open()
        except BaseException:
            session.close()
            raise
        return session

    def encrypted(self, connection: socket.socket) -> socket.socket:
        """The same connection with the server's certificate checked. Raises Lost or Unfit."""
        assert self.context is not None
        try:
            return self.context.wrap_socket(connection, server_hostname=self.host)
        except _BROKEN_OFF as error:
            raise Lost(Step.TLS, plain(error)) from None
        except ssl.SSLError as error:
            raise Unfit(Step.TLS, plain(error)) from None
        except OSError as error:
            raise Lost(Step.TLS, plain(error)) from None

    def _reached(self) -> socket.socket:
        connection = dial(self.host, self.port, self.connect_timeout, self.monotonic)
        connection.settimeout(self.read_timeout)
        return self.encrypted(connection) if self.tls == "implicit" else connection


class Session:
    """One connection; it carries one email after the other."""

    def __init__(self, server: Server, connection: socket.socket) -> None:
        self._server = server
        self._smtp = smtplib.SMTP(local_hostname=own_name(connection))
        self._smtp.sock = connection
        #: The server has heard of an email, and not its end.
        self._begun = False

    def open(self) -> None:
        """Greet, encrypt, log in."""
        self._ask(Step.CONNECT, 2, self._smtp.getreply)
        self._ask(Step.GREETING, 2, self._smtp.ehlo)
        if self._server.tls == "starttls":
            self._start_tls()
        if self._server.login is not None:
            self._log_in(self._server.login)

    def send(self, envelope: Envelope, message: bytes) -> Reply:
        """Hand over one email; the answer to its final dot, whatever it is.

        Raises Refused or Lost: before that dot nothing was accepted, after it nobody knows.
        """
        smtp = self._smtp
        self._ask(Step.SENDER, 2, lambda: smtp.mail(envelope.sender))
        self._begun = True
        self._ask(Step.RECIPIENT, 2, lambda: smtp.rcpt(envelope.recipient))
        self._ask(Step.DATA, 3, lambda: smtp.docmd("DATA"))
        with _losing(Step.DATA):
            smtp.send(transparent(message))
        reply = self._answer(Step.END, (2,), lambda: smtp.docmd("."))
        self._begun = False
        return reply

    def is_ready(self) -> bool:
        """Whether another email may follow. After a refusal the server forgets what was begun."""
        if self._smtp.sock is None:
            return False
        if not self._begun:
            return True
        try:
            self._ask(Step.SENDER, 2, self._smtp.rset)
        except (Refused, Lost):
            return False
        self._begun = False
        return True

    def close(self) -> None:
        """With a goodbye (RFC 5321 4.1.1.10), whose answer nobody waits for."""
        with contextlib.suppress(OSError):
            self._smtp.putcmd("QUIT")
        self._smtp.close()

    def _start_tls(self) -> None:
        smtp = self._smtp
        if not smtp.has_extn("starttls"):
            # Somebody in between may have taken the offer out.
            raise Unfit(Step.TLS, "the server offers no STARTTLS")
        reply = self._ask(Step.TLS, 2, lambda: smtp.docmd("STARTTLS"))
        if reply.code != 220:
            raise Unfit(Step.TLS, f"the server answers STARTTLS with {reply.code}")
        assert smtp.sock is not None
        plain, smtp.sock = smtp.sock, None
        smtp.sock = self._server.encrypted(plain)
        # What was said before was said by nobody in particular: RFC 3207 4.2.
        smtp.file = None
        self._ask(Step.GREETING, 2, smtp.ehlo)

    def _log_in(self, login: Login) -> None:
        offered = self._smtp.esmtp_features.get("auth", "")
        reply = login.exchange(
            offered, lambda line: self._answer(Step.LOGIN, (2, 3), lambda: self._smtp.docmd(line))
        )
        if reply is None:
            raise Unfit(Step.LOGIN, "the server offers neither AUTH PLAIN nor AUTH LOGIN")
        if reply.code != 235:
            raise Refused(Step.LOGIN, reply)

    def _ask(self, step: Step, digit: int, command: Callable[[], tuple[int, bytes]]) -> Reply:
        """Raises Refused where the answer's first digit is another."""
        reply = self._answer(step, (digit,), command)
        if reply.digit != digit:
            raise Refused(step, reply)
        return reply

    def _answer(
        self, step: Step, digits: tuple[int, ...], command: Callable[[], tuple[int, bytes]]
    ) -> Reply:
        """`digits`: what goes on. After anything but that and a refusal the connection is closed:
        which answer belongs to which command cannot be told any more.
        """
        with _losing(step):
            try:
                code, raw = command()
            except smtplib.SMTPResponseException:
                # smtplib's own word, with a code that the server never said.
                code, raw = -1, b"a line that is too long"
        text = raw.decode(errors="replace")
        login = self._server.login
        reply = Reply(code, text if login is None else login.struck_from(text))
        if reply.digit not in (*digits, 4, 5) or reply.code == 421:
            self._smtp.close()
        return reply


@contextlib.contextmanager
def _losing(step: Step) -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPServerDisconnected as error:
        raise Lost(step, plain(error)) from None
    except OSError as error:
        raise Lost(step, plain(error)) from None

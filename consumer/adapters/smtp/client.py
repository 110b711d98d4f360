"""The SMTP transport: an email in, one `SendResult` out, each conversation measured and told."""

import ssl

import msgspec

from consumer.adapters.smtp.login import Login
from consumer.adapters.smtp.mime import Envelope, message_bytes, wire_address
from consumer.adapters.smtp.pool import Pool
from consumer.adapters.smtp.replies import Step, lost, not_called, read, unfit
from consumer.adapters.smtp.session import Lost, Refused, Server, Session, Tls, Unfit
from consumer.domain.errors import SettingsError
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import AccessEntry, AccessLog, Clock, Secret, not_logged


class SmtpTransport:
    """`Transport` over SMTP. Safe to share between threads.

    `send` gives ACCEPTED, FAILED, DEFERRED or IN_DOUBT and never raises for what the server or
    the network do. It makes one attempt and never waits for a better moment.
    """

    name: str = "smtp"

    def __init__(
        self,
        *,
        host: str,
        port: int,
        clock: Clock,
        tls: Tls = "starttls",
        ca_file: str | None = None,
        username: str | None = None,
        password: Secret | str | None = None,
        access_log: AccessLog = not_logged,
        pool_size: int = 16,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
    ) -> None:
        """Times in seconds; `pool_size` bounds the connections. Raises SettingsError."""
        secret = password if isinstance(password, str | None) else password.get_secret_value()
        self._clock = clock
        self._access_log = access_log
        self._server = Server(
            host=host,
            port=port,
            tls=tls,
            context=None if tls == "none" else _context(ca_file),
            login=None if username is None or secret is None else Login(username, secret),
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            monotonic=clock.monotonic,
        )
        self._pool = Pool(pool_size, clock.monotonic)

    def __repr__(self) -> str:
        return f"SmtpTransport(host={self._server.host!r}, port={self._server.port})"

    def send(self, email: Email, options: SendOptions) -> SendResult:
        """Hand over one email in one conversation."""
        if options.test_mode:
            return _rejected("smtp has no test mode: not sent")
        if self._pool.is_closed:
            return not_called(Kind.DEFERRED, Reason.UNREACHABLE, "the transport is closed")
        sender, recipient = wire_address(email.sender), wire_address(email.to)
        if sender is None:
            wrong = "the sender is no address that SMTP takes (check from_address)"
            return not_called(Kind.DEFERRED, Reason.CONFIGURATION, wrong)
        if recipient is None:
            return _rejected("the address is none that SMTP takes")
        envelope = Envelope(sender, recipient)
        message = message_bytes(email, envelope, self._clock.now())
        with self._pool.place():
            started = self._clock.monotonic()
            result = self._attempt(email.message_id, envelope, message)
            milliseconds = (self._clock.monotonic() - started) * 1000
        self._tell(email, result, milliseconds)
        return msgspec.structs.replace(result, duration_ms=round(milliseconds))

    def greet(self) -> SendResult | None:
        """Connect, encrypt and log in, as before an email; None: the server would take one."""
        try:
            self._server.connect().close()
        except (Lost, Unfit, Refused) as error:
            return self._ended(error)
        return None

    def opens_in(self) -> float:
        """A mail server asks nobody to wait beforehand."""
        return 0.0

    def close(self) -> None:
        """Close idle connections; later sends are deferred as unreachable."""
        self._pool.close()

    def _attempt(self, message_id: str, envelope: Envelope, message: bytes) -> SendResult:
        """Over a connection that waits, or a new one. The server may have ended the waiting one:
        it shows at the first command, when nothing was said about this email yet.
        """
        try:
            session = self._pool.take()
            if session is not None:
                try:
                    return self._through(session, message_id, envelope, message)
                except (Lost, Refused) as error:
                    if not _ended_before(error):
                        raise
            return self._through(self._server.connect(), message_id, envelope, message)
        except (Lost, Unfit, Refused) as error:
            return self._ended(error, message_id)

    def _ended(self, error: Lost | Unfit | Refused, message_id: str = "") -> SendResult:
        """What a conversation that ended before its email was taken means."""
        if isinstance(error, Refused):
            return read(error.step, error.reply, message_id)
        means = lost if isinstance(error, Lost) else unfit
        return means(error.step, f"{self._server.where}: {error.cause}")

    def _through(
        self, session: Session, message_id: str, envelope: Envelope, message: bytes
    ) -> SendResult:
        try:
            reply = session.send(envelope, message)
        except Refused:
            self._pool.give_back(session)
            raise
        except BaseException:
            session.close()
            raise
        self._pool.give_back(session)
        return read(Step.END, reply, message_id)

    def _tell(self, email: Email, result: SendResult, milliseconds: float) -> None:
        self._access_log(
            AccessEntry(
                transport=self.name,
                domain=self._server.host,
                uid=email.uid,
                message_id=email.message_id,
                kind=result.kind,
                reason=result.reason,
                status=result.code,
                milliseconds=milliseconds,
            )
        )


def _rejected(message: str) -> SendResult:
    return not_called(Kind.FAILED, Reason.PROVIDER_REJECTED, message)


def _ended_before(error: Lost | Refused) -> bool:
    """421 is what a server says that has just closed an idle connection."""
    if error.step is not Step.SENDER:
        return False
    return isinstance(error, Lost) or error.reply.code == 421


def _context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise SettingsError([f"smtp.ca_file: cannot be read: {error}"]) from error

"""The SMTP transport: an email in, one `SendResult` out, each conversation measured and told."""

import base64
import ssl
import threading

import msgspec

from consumer.adapters.smtp.mime import message_bytes
from consumer.adapters.smtp.replies import Step, lost, read, said
from consumer.adapters.smtp.session import Lost, Refused, Server, Session, Tls
from consumer.domain.errors import SettingsError
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import AccessEntry, AccessLog, Clock, Secret, not_logged

#: A connection unused for longer is not used again: servers end idle ones, RFC 5321 4.5.3.2.7
#: asks for five minutes of patience, many have less.
_MAX_IDLE_SECONDS = 20.0
#: A server that has just closed an idle connection says so at this step.
_FIRST = Step.SENDER


class SmtpTransport:
    """`Transport` over SMTP. Safe to share between threads.

    `send` gives ACCEPTED, FAILED, DEFERRED or IN_DOUBT and never raises for what the server or
    the network do. It makes one attempt and never waits.
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
        login = None if username is None or secret is None else (username, secret)
        self._secrets = _told_forms(login)
        self._clock = clock
        self._access_log = access_log
        self._server = Server(
            host=host,
            port=port,
            tls=tls,
            context=None if tls == "none" else _context(ca_file),
            login=login,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
        )
        self._slots = threading.BoundedSemaphore(pool_size)
        self._lock = threading.Lock()
        #: Those that wait for the next email, with the moment of their last one.
        self._idle: list[tuple[float, Session]] = []

    def __repr__(self) -> str:
        return f"SmtpTransport(host={self._server.host!r}, port={self._server.port})"

    def send(self, email: Email, options: SendOptions) -> SendResult:
        """Hand over one email in one conversation."""
        if options.test_mode:
            return said(
                Kind.FAILED, Reason.PROVIDER_REJECTED, "a mail server has no test mode: not sent"
            )
        started = self._clock.monotonic()
        with self._slots:
            result = self._attempt(email)
        milliseconds = (self._clock.monotonic() - started) * 1000
        result = msgspec.structs.replace(
            result,
            message=self._without_secrets(result.message),
            duration_ms=round(milliseconds),
        )
        self._tell(email, result, milliseconds)
        return result

    def opens_in(self) -> float:
        """A mail server asks nobody to wait beforehand."""
        return 0.0

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, session in idle:
            session.close()

    def _attempt(self, email: Email) -> SendResult:
        session = self._take_idle()
        if session is not None:
            result = self._through(session, email, reused=True)
            if result is not None:
                return result
        try:
            session = self._server.connect()
        except Lost as error:
            return lost(error.step, error.cause)
        except Refused as error:
            return read(error.step, error.reply, email.message_id)
        result = self._through(session, email, reused=False)
        assert result is not None
        return result

    def _through(self, session: Session, email: Email, *, reused: bool) -> SendResult | None:
        """One email over one connection. None: the server had ended it before, nothing was said."""
        message = message_bytes(email, self._clock.now())
        try:
            reply = session.send(email.sender, email.to, message)
        except Lost as error:
            session.close()
            if reused and error.step is _FIRST:
                return None
            return lost(error.step, error.cause)
        except Refused as error:
            if reused and error.step is _FIRST and error.reply.code == 421:
                session.close()
                return None
            self._give_back(session, clean=False)
            return read(error.step, error.reply, email.message_id)
        self._give_back(session, clean=True)
        return read(Step.END, reply, email.message_id)

    def _take_idle(self) -> Session | None:
        now = self._clock.monotonic()
        with self._lock:
            while self._idle:
                used_at, session = self._idle.pop()
                if now - used_at <= _MAX_IDLE_SECONDS:
                    return session
                session.close()
        return None

    def _give_back(self, session: Session, *, clean: bool) -> None:
        """Between two emails only: after a refusal the server has to forget what was begun."""
        if clean or session.reset():
            with self._lock:
                self._idle.append((self._clock.monotonic(), session))
        else:
            session.close()

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

    def _without_secrets(self, message: str) -> str:
        """A server may echo what it was told."""
        for secret in self._secrets:
            message = message.replace(secret, "***")
        return message


def _told_forms(login: tuple[str, str] | None) -> tuple[str, ...]:
    """The password as it goes over the wire: AUTH LOGIN, AUTH PLAIN, and as it is."""
    if login is None:
        return ()
    user, password = login
    plain = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    return (plain, base64.b64encode(password.encode()).decode(), password)


def _context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise SettingsError([f"smtp.ca_file: cannot be read: {error}"]) from error

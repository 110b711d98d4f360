"""The Mailgun transport: an email in, one `SendResult` out, each call measured and reported."""

import base64
from collections.abc import Callable
from typing import Protocol

import msgspec

from consumer.adapters.mailgun import replies
from consumer.adapters.mailgun.gate import Gate
from consumer.adapters.mailgun.payload import encode, form_of
from consumer.adapters.mailgun.replies import Verdict
from consumer.adapters.mailgun.session import AnswerLost, MailgunSession, NotSent
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import Clock


class Secret(Protocol):
    """A value that has to be asked for, so that it is not printed by accident (pydantic's)."""

    def get_secret_value(self) -> str: ...


class AccessEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the provider: a line of the access log, a sample of the metrics."""

    transport: str
    domain: str
    uid: str
    message_id: str
    kind: Kind
    reason: Reason
    #: HTTP status; None: there was no answer.
    status: int | None
    milliseconds: float


#: The wait after a throttling answer that names no time. Sending limits count by the minute or
#: the hour; a few seconds cost one more refused call at the most.
_UNTOLD_WAIT_SECONDS = 5.0

#: Takes every call as it ends. It must not raise: the email is out by then.
AccessLog = Callable[[AccessEntry], None]


def _not_logged(_entry: AccessEntry) -> None:
    """For a transport that nobody watches."""


class MailgunTransport:
    """`Transport` over Mailgun's HTTP API, for one sending domain. Safe to share between threads.

    `send` gives ACCEPTED, FAILED, DEFERRED or IN_DOUBT and never raises for what Mailgun or the
    network do. It makes one call and never waits: what is deferred comes back by itself.
    """

    name: str = "mailgun"

    def __init__(
        self,
        *,
        base_url: str,
        domain: str,
        api_key: Secret | str,
        clock: Clock,
        access_log: AccessLog = _not_logged,
        pool_size: int = 16,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        ca_file: str | None = None,
    ) -> None:
        """Times in seconds. `pool_size` is the number of senders. Raises SettingsError.

        30 s for an answer: Mailgun publishes no limit, its clients use 30 or 60; each answer
        given up too early costs a look-up of a send in doubt.
        """
        key = api_key if isinstance(api_key, str) else api_key.get_secret_value()
        self._domain = domain
        self._clock = clock
        self._access_log = access_log
        self._secrets = (base64.b64encode(f"api:{key}".encode()).decode(), key)
        self._gate = Gate(clock)
        self._session = MailgunSession(
            base_url=base_url,
            domain=domain,
            api_key=key,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            pool_size=pool_size,
            monotonic=clock.monotonic,
            ca_file=ca_file,
        )

    def __repr__(self) -> str:
        return f"MailgunTransport(domain={self._domain!r})"

    def send(self, email: Email, options: SendOptions) -> SendResult:
        """Send one email with one call, or none while Mailgun asked the domain to wait."""
        wait = self._gate.opens_in()
        if wait:
            return self._held(wait)
        form = form_of(email, options)
        result = self._throttled(self._measured_call(email, encode(form.fields)))
        if not form.dropped:
            return result
        left_out = f"left out, Mailgun limits options to 16 kB: {', '.join(form.dropped)}"
        return msgspec.structs.replace(result, message=f"{result.message} ({left_out})")

    def opens_in(self) -> float:
        """Seconds for which Mailgun asked the whole domain to wait; 0: it did not."""
        return self._gate.opens_in()

    def close(self) -> None:
        """Close idle connections; later sends are deferred as unreachable."""
        self._session.close()

    def _throttled(self, result: SendResult) -> SendResult:
        """A throttled result closes the gate, and says when another attempt makes sense."""
        if result.reason is not Reason.THROTTLED:
            return result
        now = self._clock.now()
        wait = _UNTOLD_WAIT_SECONDS if result.retry_at is None else result.retry_at - now
        return msgspec.structs.replace(result, retry_at=now + self._gate.close(wait))

    def _held(self, wait: float) -> SendResult:
        return SendResult(
            kind=Kind.DEFERRED,
            reason=Reason.THROTTLED,
            message="not called: the provider asked the whole domain to wait",
            transport=self.name,
            retry_at=self._clock.now() + wait,
            calls=0,
        )

    def _measured_call(self, email: Email, body: bytes) -> SendResult:
        started = self._clock.monotonic()
        verdict = self._call(email.message_id, body)
        milliseconds = (self._clock.monotonic() - started) * 1000
        self._access_log(
            AccessEntry(
                transport=self.name,
                domain=self._domain,
                uid=email.uid,
                message_id=email.message_id,
                kind=verdict.kind,
                reason=verdict.reason,
                status=verdict.code,
                milliseconds=milliseconds,
            )
        )
        return SendResult(
            kind=verdict.kind,
            reason=verdict.reason,
            message=self._without_secrets(verdict.message),
            transport=self.name,
            provider_id=verdict.provider_id,
            code=verdict.code,
            retry_at=verdict.retry_at,
            duration_ms=round(milliseconds),
        )

    def _call(self, message_id: str, body: bytes) -> Verdict:
        try:
            answer = self._session.post(body)
        except NotSent as error:
            return Verdict(kind=Kind.DEFERRED, reason=Reason.UNREACHABLE, message=str(error))
        except AnswerLost as error:
            return Verdict(kind=Kind.IN_DOUBT, reason=Reason.ANSWER_LOST, message=str(error))
        return replies.read(
            answer.status,
            answer.headers,
            answer.body,
            message_id=message_id,
            now=self._clock.now(),
        )

    def _without_secrets(self, message: str) -> str:
        """A wrong base URL may lead to a server that echoes our headers in its error text."""
        for secret in self._secrets:
            message = message.replace(secret, "***")
        return message

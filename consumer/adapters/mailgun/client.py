"""The Mailgun transport: an email in, one `SendResult` out, each call measured and reported."""

import base64
import random
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec

from consumer.adapters.mailgun import replies
from consumer.adapters.mailgun.gate import Gate
from consumer.adapters.mailgun.payload import encode, form_of
from consumer.adapters.mailgun.replies import Verdict
from consumer.adapters.mailgun.retrying import RetryPolicy
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
    #: Number of the call within one send, from 1.
    attempt: int


#: Takes every call as it ends. It must not raise: the email is out by then.
AccessLog = Callable[[AccessEntry], None]


def _not_logged(_entry: AccessEntry) -> None:
    """For a transport that nobody watches."""


class MailgunTransport:
    """`Transport` over Mailgun's HTTP API, for one sending domain. Safe to share between threads.

    `send` gives ACCEPTED, FAILED, DEFERRED or IN_DOUBT and never raises for what Mailgun or the
    network do. Deferred sends are repeated here for a short time (`retrying.py`).
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
        attempts: int = 3,
        retry_seconds: float = 30.0,
        ca_file: str | None = None,
        random_fraction: Callable[[], float] = random.random,
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
        self._policy = RetryPolicy(
            clock=clock,
            gate=Gate(),
            attempts=attempts,
            total_seconds=retry_seconds,
            random_fraction=random_fraction,
        )
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
        """Send one email; may take several calls, and waits between them."""
        form = form_of(email, options)
        call = partial(self._measured_call, email, encode(form.fields))
        result = self._policy.run(call, self.name)
        if not form.dropped:
            return result
        left_out = f"left out, Mailgun limits options to 16 kB: {', '.join(form.dropped)}"
        return msgspec.structs.replace(result, message=f"{result.message} ({left_out})")

    def close(self) -> None:
        """Close idle connections; later sends are deferred as unreachable."""
        self._session.close()

    def _measured_call(self, email: Email, body: bytes, attempt: int) -> SendResult:
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
                attempt=attempt,
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

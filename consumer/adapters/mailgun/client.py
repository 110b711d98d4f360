"""The Mailgun transport: an email in, one `SendResult` out, each call measured and reported."""

from typing import Final

import msgspec

from consumer.adapters.mailgun import replies
from consumer.adapters.mailgun.address import checked_domain
from consumer.adapters.mailgun.gate import Gate
from consumer.adapters.mailgun.key import Key
from consumer.adapters.mailgun.payload import encode, form_of
from consumer.adapters.mailgun.session import AnswerLost, MailgunSession, NotSent
from consumer.adapters.mailgun.verdict import Verdict
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import AccessEntry, AccessLog, Clock, Secret, not_logged

_FORM: Final = "application/x-www-form-urlencoded"


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
        access_log: AccessLog = not_logged,
        pool_size: int = 16,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        ca_file: str | None = None,
    ) -> None:
        """Times in seconds. `pool_size` is the number of senders. Raises SettingsError.

        30 s for an answer: Mailgun publishes no limit, its clients use 30 or 60; each answer
        given up too early costs a look-up of a send in doubt.
        """
        self._key = Key(api_key, "mailgun.api_key")
        self._path = f"/v3/{checked_domain(domain)}/messages"
        self._domain = domain
        self._clock = clock
        self._access_log = access_log
        self._gate = Gate(clock)
        self._session = MailgunSession(
            base_url=base_url,
            key=self._key,
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
        wait = self._gate.close_until(result.retry_at)
        return msgspec.structs.replace(result, retry_at=self._clock.now() + wait)

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
            message=self._key.struck_from(verdict.message),
            transport=self.name,
            provider_id=verdict.provider_id,
            code=verdict.code,
            retry_at=verdict.retry_at,
            duration_ms=round(milliseconds),
        )

    def _call(self, message_id: str, body: bytes) -> Verdict:
        try:
            answer = self._session.request("POST", self._path, body, _FORM)
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

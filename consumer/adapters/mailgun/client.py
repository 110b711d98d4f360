"""The Mailgun transport: emails in, a `SendResult` for each out, every call measured and told."""

import secrets
from collections.abc import Callable, Hashable, Sequence
from typing import Final

import msgspec

from consumer.adapters.mailgun import batch, batch_replies, replies
from consumer.adapters.mailgun.address import checked_domain
from consumer.adapters.mailgun.batch_limit import BatchLimit
from consumer.adapters.mailgun.gate import Gate
from consumer.adapters.mailgun.key import Key
from consumer.adapters.mailgun.multipart import content_type, encode_multipart
from consumer.adapters.mailgun.payload import encode, form_of
from consumer.adapters.mailgun.session import Answer, AnswerLost, MailgunSession, NotSent
from consumer.adapters.mailgun.verdict import Verdict
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import AccessEntry, AccessLog, Clock, Secret, not_logged

_FORM: Final = "application/x-www-form-urlencoded"
#: Mailgun answers 413 above 52.4 MiB.
_MAX_BODY_BYTES: Final = 50 * 2**20
#: Characters of emails in one call: more than a thousand of usual size. In JSON a character takes
#: one to six bytes, so the body keeps to its limit; and a call that is lost puts no more in doubt,
#: nor does a slow line need more than seconds to take it.
_BATCH_BYTES: Final = 8 * 2**20


class MailgunTransport:
    """`BatchTransport` over Mailgun's HTTP API, for one sending domain. Thread-safe.

    Sending gives ACCEPTED, FAILED, DEFERRED or IN_DOUBT and never raises for what Mailgun or the
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
        batch_limit: int = batch.MAX_RECIPIENTS,
    ) -> None:
        """Times in seconds. `pool_size` is the number of senders. Raises SettingsError.

        `batch_limit` is how many emails one call may carry.

        30 s for an answer: Mailgun publishes no limit, its clients use 30 or 60; each answer
        given up too early costs a look-up of a send in doubt.
        """
        self._key = Key(api_key, "mailgun.api_key")
        self._domain = checked_domain(domain)
        self._path = f"/v3/{self._domain}/messages"
        self._clock = clock
        self._access_log = access_log
        self._gate = Gate(clock)
        self._batch_limit = BatchLimit(clock, batch_limit)
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
        result = self._call([email], encode(form.fields), _FORM, self._read(email))
        if not form.dropped:
            return result
        left_out = f"left out, Mailgun limits options to 16 kB: {', '.join(form.dropped)}"
        return msgspec.structs.replace(result, message=f"{result.message} ({left_out})")

    @property
    def batch_limit(self) -> int:
        """How many emails one call may carry: as configured, or as Mailgun's answers taught."""
        return self._batch_limit.emails

    @property
    def batch_bytes(self) -> int:
        """How many bytes of emails (`Email.size`) one call may carry."""
        return _BATCH_BYTES

    def together(self, email: Email, options: SendOptions) -> Hashable | None:
        """What all emails of one call have in common; None: this one has to go alone."""
        return batch.together(email, options, self._domain)

    def send_batch(self, emails: Sequence[Email], options: SendOptions) -> Sequence[SendResult]:
        """Send all with one call; none while Mailgun asked to wait, or where one cannot do it."""
        wait = self._gate.opens_in()
        if wait:
            return [self._held(wait)] * len(emails)
        boundary = secrets.token_hex(16)
        try:
            body = self._batch_body(emails, options, boundary)
        except Exception as why:  # noqa: BLE001  # nothing is written yet: smaller parts find out
            return [self._not_together(why)] * len(emails)
        result = self._call(emails, body, content_type(boundary), self._read_batch(emails))
        if result.kind is not Kind.ACCEPTED:
            return [result] * len(emails)
        return [msgspec.structs.replace(result, provider_id=email.message_id) for email in emails]

    def opens_in(self) -> float:
        """Seconds for which Mailgun asked the whole domain to wait; 0: it did not."""
        return self._gate.opens_in()

    def close(self) -> None:
        """Close idle connections; later sends are deferred as unreachable."""
        self._session.close()

    def _batch_body(self, emails: Sequence[Email], options: SendOptions, boundary: str) -> bytes:
        if len(emails) > self.batch_limit:
            raise batch.NotTogether(f"one call may carry {self.batch_limit} emails at the moment")
        body = encode_multipart(batch.batch_of(emails, options), boundary)
        if len(body) > _MAX_BODY_BYTES:
            raise batch.NotTogether("together they are larger than what Mailgun takes")
        return body

    def _not_together(self, why: Exception) -> SendResult:
        said = str(why) if isinstance(why, batch.NotTogether) else f"{type(why).__name__} in a form"
        return SendResult(
            kind=Kind.DEFERRED,
            reason=Reason.BATCH_REFUSED,
            message=f"not called: {said}",
            transport=self.name,
            calls=0,
        )

    def _held(self, wait: float) -> SendResult:
        return SendResult(
            kind=Kind.DEFERRED,
            reason=Reason.THROTTLED,
            message="not called: the provider asked the whole domain to wait",
            transport=self.name,
            retry_at=self._clock.now() + wait,
            calls=0,
        )

    def _call(
        self, emails: Sequence[Email], body: bytes, form: str, read: Callable[[Answer], Verdict]
    ) -> SendResult:
        """One call, which ends in the access log, and in a closed gate if Mailgun asks for it."""
        started = self._clock.monotonic()
        verdict = self._post(body, form, read)
        milliseconds = (self._clock.monotonic() - started) * 1000
        self._access_log(
            AccessEntry(
                transport=self.name,
                domain=self._domain,
                uid=emails[0].uid,
                message_id=emails[0].message_id,
                kind=verdict.kind,
                reason=verdict.reason,
                status=verdict.code,
                milliseconds=milliseconds,
                emails=len(emails),
            )
        )
        return SendResult(
            kind=verdict.kind,
            reason=verdict.reason,
            message=self._key.struck_from(verdict.message),
            transport=self.name,
            provider_id=verdict.provider_id,
            code=verdict.code,
            retry_at=self._retry_at(verdict),
            duration_ms=round(milliseconds),
        )

    def _post(self, body: bytes, form: str, read: Callable[[Answer], Verdict]) -> Verdict:
        try:
            answer = self._session.request("POST", self._path, body, form)
        except NotSent as error:
            return Verdict(kind=Kind.DEFERRED, reason=Reason.UNREACHABLE, message=str(error))
        except AnswerLost as error:
            return Verdict(kind=Kind.IN_DOUBT, reason=Reason.ANSWER_LOST, message=str(error))
        return read(answer)

    def _read(self, email: Email) -> Callable[[Answer], Verdict]:
        return lambda answer: replies.read(
            answer.status,
            answer.headers,
            answer.body,
            message_id=email.message_id,
            now=self._clock.now(),
        )

    def _read_batch(self, emails: Sequence[Email]) -> Callable[[Answer], Verdict]:
        def read(answer: Answer) -> Verdict:
            said = batch_replies.read(
                answer.status,
                answer.headers,
                answer.body,
                message_ids={email.message_id for email in emails},
                now=self._clock.now(),
            )
            if said.at_most is not None and said.until is not None:
                self._batch_limit.narrow(said.at_most, said.until - self._clock.now())
            elif said.at_most is not None:
                self._batch_limit.learn(said.at_most)
            return said.verdict

        return read

    def _retry_at(self, verdict: Verdict) -> float | None:
        """A throttled result closes the gate, and says when another attempt makes sense."""
        if verdict.reason is not Reason.THROTTLED:
            return verdict.retry_at
        return self._clock.now() + self._gate.close_until(verdict.retry_at)

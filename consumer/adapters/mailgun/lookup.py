"""Asking Mailgun what became of a send whose answer was lost."""

import math

from consumer.adapters.mailgun import lookup_replies
from consumer.adapters.mailgun.address import checked_domain
from consumer.adapters.mailgun.gate import Gate
from consumer.adapters.mailgun.key import Key
from consumer.adapters.mailgun.lookup_questions import Api, Question, question
from consumer.adapters.mailgun.session import AnswerLost, MailgunSession, NotSent
from consumer.adapters.mailgun.verdict import Verdict
from consumer.domain.errors import LookupUnavailable
from consumer.domain.notification import Email, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import AccessEntry, AccessLog, Clock, Secret, not_logged

#: A page of events; each may carry 4 kB of our own variables beside some 2 kB of Mailgun's.
_MAX_PAGE_BYTES = 2**21


class MailgunLookup:
    """`Lookup` over Mailgun's Events or Logs API, for one sending domain. Thread-safe.

    It has a gate of its own: Mailgun counts lookups and sends apart.
    """

    def __init__(
        self,
        *,
        base_url: str,
        domain: str,
        lookup_key: Secret | str,
        api: Api = "events",
        clock: Clock,
        access_log: AccessLog = not_logged,
        connect_timeout: float = 5.0,
        read_timeout: float = 10.0,
        pool_size: int = 4,
        ca_file: str | None = None,
    ) -> None:
        """Times in seconds. A sending key will not do: it cannot read. Raises SettingsError.

        10 s for an answer: a lookup given up too early is made again, and costs nothing else.
        """
        self._key = Key(lookup_key, "mailgun.lookup_key")
        self._domain = checked_domain(domain)
        self._api: Api = api
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
            max_answer_bytes=_MAX_PAGE_BYTES,
        )

    def __repr__(self) -> str:
        return f"MailgunLookup(domain={self._domain!r}, api={self._api!r})"

    def find(self, email: Email, sent_at: float) -> SendResult | None:
        """As `Lookup.find`. One call, or none while Mailgun asked lookups to wait."""
        if self._gate.opens_in():
            raise self._unavailable("not asked")
        asked = question(
            self._api, self._domain, email.message_id, sent_at=sent_at, now=self._clock.now()
        )
        started = self._clock.monotonic()
        verdict = self._ask(asked, email)
        milliseconds = (self._clock.monotonic() - started) * 1000
        self._log(email, verdict, milliseconds)
        message = self._key.struck_from(verdict.message)
        if verdict.kind is Kind.DEFERRED:
            if verdict.reason is Reason.THROTTLED:
                self._gate.close_until(verdict.retry_at)
            raise self._unavailable(message)
        if verdict.kind is Kind.IN_DOUBT:
            return None
        return SendResult(
            kind=verdict.kind,
            reason=verdict.reason,
            message=message,
            transport="mailgun",
            provider_id=verdict.provider_id,
            duration_ms=round(milliseconds),
        )

    def close(self) -> None:
        """Close idle connections; later lookups are unavailable."""
        self._session.close()

    def _ask(self, asked: Question, email: Email) -> Verdict:
        try:
            answer = self._session.request(
                asked.method, asked.path, asked.body, asked.content_type, only_reads=True
            )
        except NotSent as error:
            return Verdict(kind=Kind.DEFERRED, reason=Reason.UNREACHABLE, message=str(error))
        except AnswerLost as error:
            return Verdict(kind=Kind.DEFERRED, reason=Reason.ANSWER_LOST, message=str(error))
        return lookup_replies.read(
            self._api,
            answer.status,
            answer.headers,
            answer.body,
            message_id=email.message_id,
            recipient=email.to,
            now=self._clock.now(),
        )

    def _log(self, email: Email, verdict: Verdict, milliseconds: float) -> None:
        self._access_log(
            AccessEntry(
                transport="mailgun",
                domain=self._domain,
                uid=email.uid,
                message_id=email.message_id,
                kind=verdict.kind,
                reason=verdict.reason,
                status=verdict.code,
                milliseconds=milliseconds,
                call="lookup",
            )
        )

    def _unavailable(self, why: str) -> LookupUnavailable:
        """With the wait, where Mailgun asked for one."""
        wait = self._gate.opens_in()
        held = f"; Mailgun wants lookups to wait {math.ceil(wait)} s" if wait else ""
        return LookupUnavailable(f"Mailgun's {self._api} cannot be read: {why}{held}")

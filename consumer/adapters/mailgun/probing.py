"""Asking Mailgun what a key may do. Nothing is sent, and nothing is changed."""

import uuid
from typing import Final

from consumer.adapters.mailgun import lookup_replies, replies
from consumer.adapters.mailgun.address import checked_domain
from consumer.adapters.mailgun.key import Key
from consumer.adapters.mailgun.lookup_questions import Api, question
from consumer.adapters.mailgun.session import Answer, AnswerLost, MailgunSession, NotSent
from consumer.adapters.mailgun.verdict import Verdict
from consumer.domain.reasons import Kind, Reason
from consumer.ports import Clock, Secret

_FORM: Final = "application/x-www-form-urlencoded"
#: What Mailgun says to a form without an email in it, once it has let the key in.
_EMPTY_FORM: Final = "parameter is missing"


class MailgunProbe:
    """One key and one sending domain, asked about once."""

    def __init__(
        self,
        *,
        base_url: str,
        domain: str,
        key: Secret | str,
        clock: Clock,
        connect_timeout: float = 5.0,
        read_timeout: float = 10.0,
    ) -> None:
        """Times in seconds. Raises SettingsError."""
        self._key = Key(key, "mailgun.api_key")
        self._domain = checked_domain(domain)
        self._clock = clock
        self._session = MailgunSession(
            base_url=base_url,
            key=self._key,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            pool_size=1,
            monotonic=clock.monotonic,
        )

    def may_read(self, api: Api = "events") -> Verdict | None:
        """Whether emails can be looked up with the key; None: they can."""
        now = self._clock.now()
        nobodys = f"{uuid.uuid4()}@{self._domain}"
        asked = question(api, self._domain, nobodys, sent_at=now, now=now)
        answer = self._ask(asked.method, asked.path, asked.body, asked.content_type)
        if isinstance(answer, Verdict):
            return answer
        verdict = lookup_replies.read(
            api,
            answer.status,
            answer.headers,
            answer.body,
            message_id=nobodys,
            recipient="",
            now=now,
        )
        return None if verdict.kind is Kind.IN_DOUBT else self._told(verdict)

    def may_send(self) -> Verdict | None:
        """Whether emails can be sent with the key; None: they can.

        An empty form is posted: who may not send is told so, all others that the form is empty.
        """
        answer = self._ask("POST", f"/v3/{self._domain}/messages", b"", _FORM)
        if isinstance(answer, Verdict):
            return answer
        verdict = replies.read(
            answer.status, answer.headers, answer.body, message_id="", now=self._clock.now()
        )
        empty = answer.status == 400 and _EMPTY_FORM in verdict.message
        return None if empty else self._told(verdict)

    def close(self) -> None:
        self._session.close()

    def _ask(self, method: str, path: str, body: bytes, content_type: str) -> Answer | Verdict:
        try:
            return self._session.request(
                "GET" if method == "GET" else "POST", path, body, content_type, only_reads=True
            )
        except NotSent as error:
            return Verdict(kind=Kind.DEFERRED, reason=Reason.UNREACHABLE, message=str(error))
        except AnswerLost as error:
            return Verdict(kind=Kind.DEFERRED, reason=Reason.ANSWER_LOST, message=str(error))

    def _told(self, verdict: Verdict) -> Verdict:
        return Verdict(
            kind=verdict.kind,
            reason=verdict.reason,
            message=self._key.struck_from(verdict.message),
            code=verdict.code,
        )

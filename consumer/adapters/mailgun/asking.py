"""One question to Mailgun's API and its answer taken apart; refusals in words for the operator."""

import math
from typing import Final

from consumer.adapters.mailgun.answers import Reply, take_apart
from consumer.adapters.mailgun.gate import Gate
from consumer.adapters.mailgun.key import Key
from consumer.adapters.mailgun.lookup_questions import Question
from consumer.adapters.mailgun.session import AnswerLost, MailgunSession, NotSent
from consumer.adapters.mailgun.verdict import clipped
from consumer.domain.errors import LookupUnavailable
from consumer.ports import Clock, Secret

#: A page of 1,000 entries with the words of their bounces.
_MAX_BYTES: Final = 2**23
_ADVICE: Final = {
    401: " (check the key: it must be one that may do this)",
    403: " (throttled, or the key may not do this: a sending key cannot)",
    404: " (check mailgun.domain and the region in mailgun.base_url)",
}


class Asking:
    """Calls what is neither a send nor a lookup; one call at a time.

    Whatever is asked may be asked twice: a call whose connection broke is repeated once.
    """

    def __init__(
        self,
        *,
        base_url: str,
        key: Secret | str,
        key_setting: str,
        what: str,
        clock: Clock,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        ca_file: str | None = None,
    ) -> None:
        """`what` is asked for, in words; times in seconds. Raises SettingsError."""
        self._key = Key(key, key_setting)
        self._what = what
        self._clock = clock
        self._gate = Gate(clock)
        self._session = MailgunSession(
            base_url=base_url,
            key=self._key,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            pool_size=1,
            monotonic=clock.monotonic,
            ca_file=ca_file,
            max_answer_bytes=_MAX_BYTES,
        )

    def ask(self, question: Question) -> Reply:
        """The answer, whatever its status. Raises LookupUnavailable where there is none, and
        after a throttling one, whose time `opens_in` then tells."""
        try:
            answer = self._session.request(
                question.method,
                question.path,
                question.body,
                question.content_type,
                only_reads=True,
            )
        except (NotSent, AnswerLost) as error:
            raise self.unavailable(str(error)) from error
        reply = take_apart(answer.status, answer.headers, answer.body)
        if reply.throttled:
            self._gate.close_until(reply.retry_at(self._clock.now()))
            raise self.unavailable(said(reply))
        return reply

    def opens_in(self) -> float:
        """Seconds for which Mailgun asked not to be called; 0: it may be."""
        return self._gate.opens_in()

    def unavailable(self, why: str) -> LookupUnavailable:
        wait = self.opens_in()
        held = f"; Mailgun wants us to wait {math.ceil(wait)} s" if wait else ""
        return LookupUnavailable(f"Mailgun's {self._what}: {self._key.struck_from(why)}{held}")

    def close(self) -> None:
        self._session.close()


def said(reply: Reply) -> str:
    """Status and words of an answer, and what to do about it, if anything."""
    return clipped(f"HTTP {reply.status}: {reply.text}") + _ADVICE.get(reply.status, "")

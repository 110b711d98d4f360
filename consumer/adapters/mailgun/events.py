"""Reading what happened to a domain's emails, from Mailgun's Events or Logs API."""

import math

from consumer.adapters.mailgun import event_pages
from consumer.adapters.mailgun.address import checked_domain
from consumer.adapters.mailgun.answers import Reply, take_apart
from consumer.adapters.mailgun.gate import Gate
from consumer.adapters.mailgun.key import Key
from consumer.adapters.mailgun.lookup_questions import Api
from consumer.adapters.mailgun.session import Answer, AnswerLost, MailgunSession, NotSent
from consumer.adapters.mailgun.verdict import clipped
from consumer.domain.errors import LookupUnavailable
from consumer.domain.feedback import EventsPage
from consumer.ports import Clock, Secret

#: A page of 300 events; each may carry 4 kB of variables beside some 2 kB of Mailgun's.
_MAX_PAGE_BYTES = 2**23

_ADVICE = {
    401: " (check mailgun.lookup_key: it must be allowed to read events)",
    403: " (throttled, or mailgun.lookup_key may not read events)",
    404: " (check mailgun.domain and the region in mailgun.base_url)",
}


class MailgunEvents:
    """`feedback.ports.ProviderEvents` for one sending domain."""

    def __init__(
        self,
        *,
        base_url: str,
        domain: str,
        lookup_key: Secret | str,
        api: Api = "events",
        clock: Clock,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        ca_file: str | None = None,
    ) -> None:
        """Times in seconds. A sending key will not do: it cannot read. Raises SettingsError."""
        self._key = Key(lookup_key, "mailgun.lookup_key")
        self._domain = checked_domain(domain)
        self._api: Api = api
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
            max_answer_bytes=_MAX_PAGE_BYTES,
        )

    def __repr__(self) -> str:
        return f"MailgunEvents(domain={self._domain!r}, api={self._api!r})"

    def page(self, begin: float, end: float, after: str | None = None) -> EventsPage:
        """One page of the events from `begin` to `end`, epoch seconds, or the one `after` it.

        Raises LookupUnavailable; after a throttling answer `opens_in` says for how long.
        """
        asked = event_pages.ask(self._api, self._domain, begin, end, after)
        try:
            answer = self._session.request(
                asked.method, asked.path, asked.body, asked.content_type, only_reads=True
            )
        except (NotSent, AnswerLost) as error:
            raise self._unavailable(str(error)) from error
        return self._read(answer)

    def opens_in(self) -> float:
        """Seconds for which Mailgun asked not to be called; 0: it may be."""
        return self._gate.opens_in()

    def close(self) -> None:
        self._session.close()

    def _read(self, answer: Answer) -> EventsPage:
        reply = take_apart(answer.status, answer.headers, answer.body)
        if answer.status != 200:
            if reply.throttled:
                self._gate.close_until(reply.retry_at(self._clock.now()))
            raise self._unavailable(_said(reply))
        page = event_pages.read(self._api, reply.document)
        if page is None:
            raise self._unavailable(f"{_said(reply)} (no page of Mailgun's {self._api})")
        return page

    def _unavailable(self, why: str) -> LookupUnavailable:
        wait = self.opens_in()
        held = f"; Mailgun wants us to wait {math.ceil(wait)} s" if wait else ""
        text = self._key.struck_from(why)
        return LookupUnavailable(f"Mailgun's {self._api} cannot be read: {text}{held}")


def _said(reply: Reply) -> str:
    return clipped(f"HTTP {reply.status}: {reply.text}") + _ADVICE.get(reply.status, "")

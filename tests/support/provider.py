"""A provider that outlives its callers: it knows what it was asked and what it accepted."""

import threading

from consumer.domain.errors import LookupUnavailable
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason


class FakeProvider:
    """Transport and lookup in one, shared by all workers of a test. Thread-safe."""

    name = "mailgun"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Uids of the emails, in the order in which their requests and acceptances came.
        self.calls: list[str] = []
        self.accepted: list[str] = []
        #: The answer about these is lost next time; whether the email is accepted all the same.
        self._losing: dict[str, bool] = {}
        #: How many lookups get no answer before one does.
        self.unanswered = 0

    def lose(self, uid: str, *, accepted: bool) -> None:
        """The next answer about this email does not arrive."""
        with self._lock:
            self._losing[uid] = accepted

    def take(self, uid: str, *, accepted: bool) -> None:
        """A request arrives."""
        with self._lock:
            self.calls.append(uid)
            if accepted:
                self.accepted.append(uid)

    def send(self, email: Email, options: SendOptions) -> SendResult:
        with self._lock:
            accepted = self._losing.pop(email.uid, None)
        self.take(email.uid, accepted=accepted is not False)
        if accepted is None:
            return self._said(Kind.ACCEPTED, Reason.QUEUED, email)
        return self._said(Kind.IN_DOUBT, Reason.ANSWER_LOST)

    def opens_in(self) -> float:
        return 0.0

    def find(self, email: Email, sent_at: float) -> SendResult | None:
        with self._lock:
            if self.unanswered:
                self.unanswered -= 1
                raise LookupUnavailable("the lookup timed out")
            found = email.uid in self.accepted
        return self._said(Kind.ACCEPTED, Reason.FOUND, email) if found else None

    def close(self) -> None: ...

    def _said(self, kind: Kind, reason: Reason, email: Email | None = None) -> SendResult:
        return SendResult(
            kind=kind,
            reason=reason,
            message=reason.value,
            transport=self.name,
            provider_id=None if email is None else email.message_id,
        )

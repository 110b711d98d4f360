"""Mailgun's lists of addresses that it keeps emails from, for one sending domain."""

from typing import Final

from consumer.adapters.mailgun import suppression_pages
from consumer.adapters.mailgun.address import checked_domain
from consumer.adapters.mailgun.asking import Asking, said
from consumer.adapters.mailgun.lookup_questions import Question
from consumer.domain.errors import MessengerError
from consumer.domain.suppression import SuppressedAddress, SuppressionList, SuppressionPage

#: Refusals that are about the entry, not about the key, the domain or the moment.
_ENTRY_REFUSED: Final = (400, 413, 422)
#: A domain that is not there, in the words of its 404; any other is about the entry.
_NO_DOMAIN: Final = "domain"


class MailgunSuppressions:
    """`feedback.ports.ProviderSuppressions`."""

    def __init__(self, asking: Asking, domain: str) -> None:
        """Raises SettingsError for a domain that is none."""
        self._asking = asking
        self._domain = checked_domain(domain)

    def page(self, of: SuppressionList, after: str | None = None) -> SuppressionPage:
        reply = self._asking.ask(suppression_pages.ask(self._domain, of, after))
        page = suppression_pages.read(of, reply.document, after) if reply.status == 200 else None
        if page is None:
            raise self._asking.unavailable(said(reply))
        return page

    def add(self, entry: SuppressedAddress) -> None:
        reply = self._asking.ask(suppression_pages.addition(self._domain, entry))
        if reply.status in _ENTRY_REFUSED:
            raise MessengerError(f"Mailgun does not take {entry.address}: {said(reply)}")
        if reply.status != 200:
            raise self._asking.unavailable(said(reply))

    def remove(self, of: SuppressionList, address: str) -> bool:
        path = suppression_pages.removal_path(self._domain, of, address)
        reply = self._asking.ask(Question(method="DELETE", path=path))
        if reply.status == 404 and not reply.text.lower().startswith(_NO_DOMAIN):
            return False
        if reply.status != 200:
            raise self._asking.unavailable(said(reply))
        return True

    def opens_in(self) -> float:
        return self._asking.opens_in()

    def close(self) -> None:
        self._asking.close()

"""Who is next: one tenant after the other, and in one call all that may go together.

A storm of one tenant must not make another's single alarm wait, so tenants take turns, email by
email; also inside a call that carries many. Within a tenant what may go together waits in one
queue, first come first served, and the queues take turns.
"""

from collections import OrderedDict, deque
from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import Final, Protocol

import msgspec

from consumer.worker.work import Sending, Work

#: So many emails of a tenant, to addresses that a call already has, are passed over in search of
#: others. An alarm storm often goes to one address; going through all of it for each call would be
#: waste.
_PASSED_OVER: Final = 200


class Room(msgspec.Struct, frozen=True):
    """How much one call may carry."""

    emails: int
    #: Sum of `Email.size`.
    size: int


#: One email, by itself.
ALONE: Final = Room(1, 0)


class Company(Protocol):
    """Says what may go in one call; quick, for the lanes' lock is held meanwhile."""

    def company(self, sending: Sending) -> Hashable | None:
        """Equal for all that may go together; None: this one goes alone."""

    def room(self, sending: Sending) -> Room:
        """How much a call may carry of those that go with this one, now."""


class Solitude:
    """Everyone goes alone."""

    def company(self, _sending: Sending) -> None:
        return None

    def room(self, _sending: Sending) -> Room:
        return ALONE


class Turns:
    """Sends that are ready. Not thread-safe: the lanes' lock guards it."""

    def __init__(self, company: Company) -> None:
        self._company = company
        #: By tenant, the tenant to serve next first; then by what its emails have in common.
        self._tenants: OrderedDict[str, OrderedDict[Hashable, deque[Sending]]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Sending]:
        for queues in self._tenants.values():
            for queue in queues.values():
                yield from queue

    def push(self, sending: Sending, *, first: bool = False) -> None:
        """At the end of its queue, or in front: it was taken and given back."""
        sending.company = self._company.company(sending)
        queues = self._tenants.setdefault(sending.work.event.tenant_id, OrderedDict())
        queue = queues.setdefault(sending.company, deque())
        if first:
            queue.appendleft(sending)
        else:
            queue.append(sending)
        self._count += 1

    def pop(self) -> Sequence[Sending]:
        """The next one, and what may go with it in one call: distinct addresses, tenants in turn,
        each address in the order in which its emails came. Nothing when nothing waits."""
        first = self._pop_first()
        if first is None:
            return []
        room = self._company.room(first)
        company = first.company
        if company is None or room.emails < 2:
            return [first]
        call = _Call(first, room)
        sharing = [t for t, queues in self._tenants.items() if company in queues][: room.emails]
        tenants = deque(sharing)
        while tenants and len(call.sendings) < room.emails:
            tenant = tenants.popleft()
            if call.take_one(self._tenants[tenant][company]):
                self._count -= 1
                self._tenants.move_to_end(tenant)
                tenants.append(tenant)
        call.put_back()
        for tenant in sharing:
            self._tidy(tenant, company)
        return call.sendings

    def forget(self, gone: Collection[Work]) -> None:
        """These events were taken out of their lanes."""
        works = set(map(id, gone))
        for tenant, queues in list(self._tenants.items()):
            for company, queue in list(queues.items()):
                left = [sending for sending in queue if id(sending.work) not in works]
                self._count -= len(queue) - len(left)
                queue.clear()
                queue.extend(left)
                self._tidy(tenant, company)

    def _pop_first(self) -> Sending | None:
        """Its tenant and its queue go to the end of their turns."""
        if not self._tenants:
            return None
        tenant, queues = next(iter(self._tenants.items()))
        company, queue = next(iter(queues.items()))
        sending = queue.popleft()
        self._count -= 1
        queues.move_to_end(company)
        self._tenants.move_to_end(tenant)
        self._tidy(tenant, company)
        return sending

    def _tidy(self, tenant: str, company: Hashable) -> None:
        """Nothing that is empty stays."""
        queues = self._tenants[tenant]
        if not queues[company]:
            del queues[company]
        if not queues:
            del self._tenants[tenant]


class _Call:
    """What one call is going to carry."""

    def __init__(self, first: Sending, room: Room) -> None:
        self.sendings = [first]
        self._addresses = {_address(first)}
        self._left = room.size - first.send.email.size
        #: By queue, those whose addresses the call has already.
        self._aside: dict[int, tuple[deque[Sending], list[Sending]]] = {}

    def take_one(self, queue: deque[Sending]) -> bool:
        """Take the first that fits; False when none does."""
        _, aside = self._aside.setdefault(id(queue), (queue, []))
        while queue and len(aside) < _PASSED_OVER:
            sending = queue.popleft()
            if _address(sending) in self._addresses:
                aside.append(sending)
                continue
            if sending.send.email.size > self._left:
                queue.appendleft(sending)
                return False
            self.sendings.append(sending)
            self._addresses.add(_address(sending))
            self._left -= sending.send.email.size
            return True
        return False

    def put_back(self) -> None:
        """What was passed over is first of its queue again."""
        for queue, aside in self._aside.values():
            queue.extendleft(reversed(aside))


def _address(sending: Sending) -> str:
    return sending.send.email.to.lower()

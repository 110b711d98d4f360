"""One process's part in the rollout: it goes by the shares in the ledger, and takes its turn as the
guard."""

import threading
from types import TracebackType
from typing import Final, Self

from consumer.domain.errors import LedgerUnavailable
from consumer.domain.rollout import Share, Shares
from consumer.ports import Clock
from consumer.rollout.guard import Standing, Watched
from consumer.rollout.observing import RolloutObserving
from consumer.rollout.ports import RolloutStore, Turns
from consumer.rollout.shares import LiveRoutes
from consumer.rollout.watching import guard_rules, in_words, look_at, watched
from consumer.settings import Settings, routes_of

#: Seconds between two looks at the shares: so late does a process hear of a change.
_LOOK: Final = 2.0
_TURN: Final = "rollout guard"
#: A process that died loses its turn as the guard after so many times that it did not look.
_MISSED: Final = 3.0


class Rollout:
    """A context manager: inside it `routes` are as they were set last.

    Without a named route nothing can be set, and nothing is done.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        owner: str,
        worker: str,
        store: RolloutStore,
        turns: Turns,
        clock: Clock,
        observing: RolloutObserving,
        stop: threading.Event,
    ) -> None:
        """`stop`: the process is to end; then it is not waited for a ledger that is away."""
        self.routes = LiveRoutes(routes_of(settings.routes))
        self._has_names = any(route.name is not None for route in settings.routes)
        self._rules = guard_rules(settings.rollout.guard)
        self._interval = settings.rollout.guard.interval_seconds
        self._watched = watched(settings)
        self._owner = owner
        self._worker = worker
        self._store = store
        self._turns = turns
        self._clock = clock
        self._observing = observing
        self._stop = stop
        self._ended = threading.Event()
        self._judge_at = 0.0
        self._thread = threading.Thread(target=self._run, name="rollout", daemon=True)

    def __enter__(self) -> Self:
        """Waits for a ledger that is away: what a guard took back must not go by the file."""
        if self._has_names:
            while not self.look() and not self._stop.wait(_LOOK):
                pass
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """A call of a ledger that does not answer is left behind: it changes nothing of ours."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def look(self) -> bool:
        """Go by the shares that hold now; False: the ledger is away, and the last ones stay."""
        try:
            self._take(self._store.shares())
        except LedgerUnavailable as error:
            self._observing.dependency("ledger", False, str(error))
            return False
        return True

    def guard(self) -> None:
        """If it is our turn, take back what is worse than the others. Raises LedgerUnavailable."""
        seconds = _MISSED * max(self._interval, _LOOK)
        if not self._turns.take_turn(_TURN, self._owner, seconds):
            return
        shares = self._store.shares()
        self._take(shares)
        taken_back = [self._guard(each, shares.get(each.name)) for each in self._watched.values()]
        if any(taken_back):
            self._take(self._store.shares())

    def _run(self) -> None:
        while not self._ended.wait(_LOOK):
            if self.look() and self._watched and self._clock.monotonic() >= self._judge_at:
                self._judge_at = self._clock.monotonic() + self._interval
                try:
                    self.guard()
                except LedgerUnavailable as error:
                    self._observing.dependency("ledger", False, str(error))
        self._leave()

    def _leave(self) -> None:
        if self._watched:
            try:
                self._turns.leave_turn(_TURN, self._owner)
            except LedgerUnavailable:
                return

    def _take(self, shares: Shares) -> None:
        for share in self.routes.take(shares):
            self._observing.changed(share)
        self._observing.routes(self.routes())

    def _guard(self, one: Watched, share: Share | None) -> bool:
        now = self._clock.now()
        judgement = look_at(self._store, self._rules, one, self.routes(), share, now)
        if judgement.standing is not Standing.WORSE:
            return False
        back = Share(
            route=one.name,
            number=1 if share is None else share.number + 1,
            percent=0.0,
            tenants=None if share is None else share.tenants,
            by=f"the guard, by {self._worker}",
            why=in_words(judgement, self._rules),
            tripped=True,
        )
        if not self._store.change(back):
            # A person set it in this very moment: that share is judged by its own emails.
            return False
        self._observing.moved_back(back)
        return True

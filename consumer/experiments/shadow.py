"""A candidate beside production: the same records to both, and what is different.

Nothing of this is told to anybody: no offset is committed, no ledger written, no email sent, but
for those to a sandbox that a person asked for.
"""

from collections.abc import Callable, Iterable

from consumer.domain.ledger import AtomState
from consumer.domain.record import Record
from consumer.experiments.shadow_asking import Answer, Asked, Question
from consumer.experiments.shadow_differences import compare
from consumer.experiments.shadow_ledger import Beginnings
from consumer.experiments.shadow_tally import Tally
from consumer.pipeline.receive import ReceiveSettings, receive


class Shadow:
    """Both sides, asked about one record after the other.

    `beginnings`: where alarms stood before; None: of all alarms nothing is known. `on_answer` gets
    what the candidate would do with each record.
    """

    def __init__(
        self,
        production: Asked,
        candidate: Asked,
        rules: ReceiveSettings,
        *,
        beginnings: Beginnings | None = None,
        on_answer: Callable[[Answer], None] = lambda _answer: None,
    ) -> None:
        """`rules`: how production reads records."""
        self._production = production
        self._candidate = candidate
        self._rules = rules
        self._beginnings = beginnings
        self._on_answer = on_answer
        self._tally = Tally()

    def run(self, records: Iterable[Record]) -> Tally:
        """Ask about each record in its turn. Raises DependencyError."""
        for record in records:
            self._ask(record)
        return self._tally

    def _ask(self, record: Record) -> None:
        question = Question(record=record, known=self._known(record))
        answers = self._production.answer(question), self._candidate.answer(question)
        self._tally.add(answers, compare(record.position, *answers))
        self._on_answer(answers[1])

    def _known(self, record: Record) -> list[AtomState]:
        if self._beginnings is None:
            return []
        (received,) = receive([record], self._rules)
        return self._beginnings.of(received.events)

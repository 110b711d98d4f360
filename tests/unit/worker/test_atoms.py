"""What the process remembers of atoms: newer than the ledger while events are on their way."""

from consumer.worker.atoms import Atoms
from tests.support.worker import event, locked

A = event("e1").atom
#: In lanes.
BUSY = frozenset({A})
FREE: frozenset[str] = frozenset()


def test_the_newest_event_that_entered_is_the_progress() -> None:
    atoms = Atoms()
    atoms.entered(locked(event("e1")), 0)
    atoms.entered(locked(event("e2")), 0)
    assert atoms.progress({A, "unknown"})[A].last_event_id == "e2"


def test_an_atom_only_asked_for_has_no_progress_and_is_given_back_all_the_same() -> None:
    atoms = Atoms()
    atoms.asked([A], 10)
    assert atoms.progress({A}) == {}
    assert atoms.idle(1, 11, FREE) == [A]


def test_an_atom_is_idle_a_while_after_its_last_event_and_with_an_empty_lane() -> None:
    atoms = Atoms()
    atoms.entered(locked(event("e1")), 10)
    assert atoms.idle(1, 10.9, FREE) == []
    assert atoms.idle(1, 11, BUSY) == []
    assert atoms.idle(1, 11, FREE) == [A]
    atoms.forget(A)
    assert (len(atoms), atoms.idle(0, 11, FREE)) == (0, [])


def test_asking_again_keeps_it_from_being_idle() -> None:
    atoms = Atoms()
    atoms.entered(locked(event("e1")), 10)
    atoms.asked([A], 11)
    assert atoms.idle(1, 11.5, FREE) == []
    assert atoms.progress({A})[A].last_event_id == "e1"


def test_rewound_to_the_last_event_left_the_ones_behind_it_count_no_longer() -> None:
    atoms = Atoms()
    for id_ in ("e1", "e2", "e3"):
        atoms.entered(locked(event(id_)), 0)
    atoms.rewind(A, locked(event("e1")))
    assert atoms.progress({A})[A].last_event_id == "e1"


def test_rewound_to_nothing_the_ledger_counts_and_the_atom_is_still_given_back() -> None:
    atoms = Atoms()
    atoms.entered(locked(event("e1")), 0)
    atoms.rewind(A, None)
    assert atoms.progress({A}) == {}
    assert atoms.idle(0, 0, FREE) == [A]

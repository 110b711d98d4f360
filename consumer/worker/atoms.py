"""What this process knows of the atoms it holds. Only the poll thread touches it.

While an atom is ours, our own memory of it is newer than the ledger's answer: events that are
on their way are not closed there yet. When nothing of it has been seen for a moment it is
given back, and forgotten.
"""

from collections.abc import Collection, Container, Mapping

from consumer.pipeline.lock import Locked, Progress


class _Atom:
    __slots__ = ("progress", "touched")

    def __init__(self) -> None:
        #: None: nothing of it is on its way, what the ledger says counts.
        self.progress: Progress | None = None
        self.touched = 0.0


class Atoms:
    """Atoms that may be ours, and their progress."""

    def __init__(self) -> None:
        self._atoms: dict[str, _Atom] = {}

    def __len__(self) -> int:
        return len(self._atoms)

    def progress(self, atoms: set[str]) -> Mapping[str, Progress]:
        known = {a: self._atoms[a].progress for a in atoms if a in self._atoms}
        return {a: progress for a, progress in known.items() if progress is not None}

    def asked(self, atoms: Collection[str], now: float) -> None:
        """The ledger is asked for these; whatever becomes of that, they are to be given back."""
        for name in atoms:
            self._atoms.setdefault(name, _Atom()).touched = now

    def entered(self, locked: Locked, now: float) -> None:
        """An event goes into its lane."""
        atom = self._atoms.setdefault(locked.event.atom, _Atom())
        atom.progress = locked.progress
        atom.touched = now

    def rewind(self, name: str, last: Locked | None) -> None:
        """Events were taken out of its lane; `last` is the newest one left in there, if any."""
        atom = self._atoms.setdefault(name, _Atom())
        atom.progress = None if last is None else last.progress

    def forget(self, atom: str) -> None:
        """It was given back."""
        self._atoms.pop(atom, None)

    def idle(self, seconds: float, now: float, in_lanes: Container[str]) -> list[str]:
        """Atoms of which nothing has been seen for a while and nothing waits in lanes."""
        return [
            name
            for name, atom in self._atoms.items()
            if now - atom.touched >= seconds and name not in in_lanes
        ]

"""How much of a job's training is done, in steps and epochs: each training counts once, however many trials read it."""

from __future__ import annotations


class Work:
    """Adds up trainings by their lineages: `target` epochs of so many `steps`, of which some are `reached`."""

    def __init__(self) -> None:
        self._lineages: dict[str, tuple[int, int, int]] = {}
        self.steps_done = self.steps = self.epochs_done = self.epochs = 0

    def __contains__(self, lineage: str) -> bool:
        return lineage in self._lineages

    def put(self, lineage: str, target: int, steps: int, reached: int = 0) -> None:
        """Take in a training, in place of what was known of it."""
        self._count(lineage, -1)
        self._lineages[lineage] = (target, steps, max(0, min(reached, target)))
        self._count(lineage, 1)

    def reach(self, lineage: str, epoch: int, *, ended: bool = False) -> None:
        """Take in how far a training is; of one that has ended for good no more epochs are to come."""
        target, steps, _ = self._lineages[lineage]
        self.put(lineage, max(0, min(target, epoch)) if ended else target, steps, epoch)

    def reached(self, lineage: str) -> int:
        """Return the epochs that are trained."""
        return self._lineages[lineage][2]

    def steps_reached(self, lineage: str) -> int:
        """Return the steps that are made."""
        _, steps, reached = self._lineages[lineage]
        return reached * steps

    def steps_of(self, lineage: str) -> int:
        """Return the steps of an epoch."""
        return self._lineages[lineage][1]

    def _count(self, lineage: str, sign: int) -> None:
        target, steps, reached = self._lineages.get(lineage, (0, 0, 0))
        self.epochs += sign * target
        self.epochs_done += sign * reached
        self.steps += sign * target * steps
        self.steps_done += sign * reached * steps

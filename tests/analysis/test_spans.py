"""What trained a lineage, from rows that were written as workers came and went."""

from __future__ import annotations

from gridsearch.analysis.spans import spans, trained_as
from gridsearch.config.events import Formation, Place
from gridsearch.store.rows import TrainingRow


def row(strategy: str, epoch: int, recorded: int, others: int = 2) -> TrainingRow:
    places = tuple(Place(str(other), epoch, 20) for other in range(others if strategy != "alone" else 0))
    return TrainingRow("0", epoch, recorded, 1, Formation(strategy, "a processor", 1, "2.0", places))


def told(rows: list[TrainingRow], epoch: int) -> list[tuple[str, int, int]]:
    return [(span.formation.strategy, span.first, span.last) for span in spans(rows, epoch)]


def test_formations_follow_each_other() -> None:
    rows = [row("stacked", 0, -1), row("concatenated", 4, 3), row("alone", 8, 7)]
    assert told(rows, 2) == [("stacked", 0, 2)]
    assert told(rows, 7) == [("stacked", 0, 3), ("concatenated", 4, 7)]
    assert told(rows, 10) == [("stacked", 0, 3), ("concatenated", 4, 7), ("alone", 8, 10)]


def test_what_is_trained_once_more_made_only_what_came_after() -> None:
    # Ten epochs were recorded when its checkpoints were lost; killed again at epoch 5, it went on from there.
    rows = [row("stacked", 0, -1), row("concatenated", 0, 10), row("alone", 6, 10)]
    assert told(rows, 10) == [("stacked", 0, 10)]
    assert told(rows, 12) == [("concatenated", 0, 5), ("alone", 6, 12)]


def test_a_checkpoint_that_was_ahead_of_the_store_was_made_by_who_made_it() -> None:
    # Killed when seven epochs were in the checkpoint and five in the store: the next worker reports them first.
    rows = [row("stacked", 0, -1), row("alone", 8, 7)]
    assert told(rows, 7) == [("stacked", 0, 7)]


def test_what_is_not_known_from_the_beginning_is_not_known() -> None:
    assert told([], 3) == []
    assert told([row("stacked", 4, 3)], 8) == []


def test_it_is_said_in_words() -> None:
    rows = [row("stacked", 0, -1, 32), row("stacked", 4, 3, 32), row("alone", 8, 7)]
    assert trained_as(spans(rows, 6)) == "as one of 32 (stacked)"
    assert trained_as(spans(rows, 9)) == (
        "as one of 32 (stacked) to epoch 3, then as one of 32 (stacked) to epoch 7, then alone to epoch 9"
    )

"""What was searched: data, model, axes, how many trials, and on what they were trained."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gridsearch.analysis.labels import label
from gridsearch.analysis.running import running
from gridsearch.config.events import RESULT_STATES, TrialState
from gridsearch.config.losses import BCE, CROSS_ENTROPY, OF_NUMBERS
from gridsearch.config.record import JobRecord
from gridsearch.quantities import counted, duration
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.grid import Grid
from gridsearch.visualization.document.parts import Section, Table
from gridsearch.visualization.document.phrases import listed, paragraph, sentence, words
from gridsearch.visualization.wording import limit

#: Of an axis of more values the first and the last are named.
_MOST_VALUES = 16
_PARTS = {"train": "to train on", "validation": "for validation", "test": "for the test", "unused": "left unused"}
_REPEATS = {
    "weights": "each time from other weights, on the same images in the same order",
    "split": "each time with another split and order of the images",
    "both": "each time from other weights, with another split and order of the images",
}
#: What became of trials: of one, and of several.
_BECAME = {
    TrialState.COMPLETED: ("completed", "completed"),
    TrialState.STOPPED: ("stopped early", "stopped early"),
    TrialState.DIVERGED: ("diverged", "diverged"),
    TrialState.FAILED: ("failed", "failed"),
    TrialState.CANCELLED: ("was cancelled", "were cancelled"),
    TrialState.RUNNING: ("is still running", "are still running"),
    TrialState.PENDING: ("is not trained yet", "are not trained yet"),
}
_INTERRUPTED = {TrialState.RUNNING: ("was interrupted", "were interrupted")}


def searched(found: Findings) -> Section:
    """Return the section."""
    record = found.data.job.record
    return Section(
        "What was searched",
        (
            *paragraph(sentence(record.description) if record.description else ""),
            *paragraph(*_subject(found)),
            *_axes(found),
            *paragraph(*_trials(found)),
            *_fixed(record),
            *paragraph(*_training(found)),
            *_run(found),
        ),
    )


def _subject(found: Findings) -> Iterator[str]:
    record = found.data.job.record
    what = {"function": "runs the training function", "command": "runs the command"}.get(
        record.training, "trains the models" if len(record.models) > 1 else "trains the model"
    )
    data = f" on the data set {record.dataset_text}" if record.dataset else ""
    yield f"This job {what} {listed(record.models or ('?',))}{data}."
    if record.images:
        parts = [f"{number:,} {_PARTS.get(name, name)}" for name, number in record.images.items() if number]
        none = "" if record.images.get("test", 1) else "; none are set aside for the test"
        yield f"Of its examples there are {listed(parts)}{', in each fold' if record.folds else ''}{none}."
    if record.image_shape:
        yield f"Each example has the shape {' x '.join(map(str, record.image_shape))}."
    if record.classes:
        yield _targets(found, record.classes)


def _targets(found: Findings, count: int) -> str:
    """Say what is to be predicted of an example, with so many outputs of a model: the losses tell, and the metrics."""
    losses = set(map(str, found.data.job.record.values("loss"))) or {CROSS_ENTROPY}
    if losses <= {BCE}:
        several = f"Each may belong to any number of {count:,} classes, or to none."
        return several if count > 1 else "Each belongs to one class or does not."
    if losses <= set(OF_NUMBERS):
        return f"For each, {counted(count, 'number is', 'numbers are')} to be predicted."
    if losses <= {CROSS_ENTROPY} or any(row.val_accuracy is not None for row in found.data.rows):
        return f"They belong to {counted(count, 'class', 'classes')}."
    # What a loss of the user's makes of them nobody knows.
    return f"A model gives {counted(count, 'number')} for each."


def _axes(found: Findings) -> Iterator[Table]:
    data = found.data
    rows = []
    for axis, column in zip(data.axes, data.axis_columns, strict=True):
        texts = [data.shown(column, label(value)) for value in axis.values]
        shown = texts if len(texts) <= _MOST_VALUES else [*texts[: _MOST_VALUES - 2], "…", texts[-1]]
        rows.append([words(column), f"{len(texts):,}", ", ".join(shown)])
    if rows:
        yield Table(Grid(["axis", "number", "values"], [False, True, False], rows), "The axes and their values", (2,))


def _trials(found: Findings) -> Iterator[str]:
    record, glance = found.data.job.record, found.glance
    trials = counted(glance.total, "trial")
    if record.search_text:
        yield f"Not every combination was tried, but {record.search_text}, in {trials}."
    elif not record.axes:
        yield f"There is no axis: {trials} in all."
    else:
        yield _grid(found)
    if record.repeats > 1:
        yield f"Each point is trained {record.repeats} times, {_REPEATS[record.repeat_over]}."
    if record.folds:
        yield f"Each is trained in {record.folds} folds, each of which validates on other images."
    best = "highest" if found.data.objective.highest else "lowest"
    yield f"Trials are ranked by the {best} {found.score}{_when(found)}."
    if glance.limits:
        bounds = [f"{words(name)} at most {limit(value)}" for name, value in glance.limits]
        yield f"To be the best, a trial must have {listed(bounds)}; {_over(found)}."


def _grid(found: Findings) -> str:
    record, total = found.data.job.record, found.glance.total
    points = math.prod(len(axis.values) for axis in record.axes)
    of_each = record.repeats * (record.folds or 1)
    if points * of_each == total:
        each = "" if of_each == 1 else f" and {counted(total, 'trial')}"
        return f"The grid of all their combinations has {counted(points, 'trial' if of_each == 1 else 'point')}{each}."
    return (
        f"Of their {counted(points, 'combination')} not each is a trial of its own, by the rules of the job or as some"
        f" setting has no effect there: there are {counted(total, 'trial')}."
    )


def _when(found: Findings) -> str:
    if found.data.objective.at == "best":
        return " of any of their epochs"
    if found.without_epochs:
        return ""
    return (
        " at the epoch of their lowest validation loss" if found.data.job.record.restored else " after their last epoch"
    )


def _over(found: Findings) -> str:
    over = found.glance.over
    return f"{counted(over, 'trial exceeds', 'trials exceed')} that" if over else "no trial exceeds that"


def _fixed(record: JobRecord) -> Iterator[Table]:
    rows = [[words(name), label(value)] for name, value in record.fixed.items()]
    if rows:
        yield Table(Grid(["setting", "value"], [False, False], rows), "Settings that are the same in every trial", (1,))


def _training(found: Findings) -> Iterator[str]:
    glance = found.glance
    yield _became(found)
    if glance.training_seconds > 0:
        what = "trials" if found.without_epochs else "epochs"
        more = f"{_together(found)}{_unfinished(found)}"
        yield f"Training took {duration(glance.training_seconds)}, all {what} added up{more}."
    if glance.wall_seconds:
        yield f"From the first launch to the last result {duration(glance.wall_seconds)} passed."


def _became(found: Findings) -> str:
    """Return what became of the trials, in a sentence; nothing where there is none."""
    glance, states = found.glance, dict(found.glance.counts)
    words = _BECAME | (_INTERRUPTED if glance.interrupted else {})
    told = [(states[state.value], *verbs) for state, verbs in words.items() if states.get(state.value)]
    if not told:
        return ""
    if len(told) > 1:
        return f"Of them {listed([f'{count:,} {one if count == 1 else many}' for count, one, many in told])}."
    ((count, one, many),) = told
    if count > 1 and states.get(TrialState.PENDING.value):
        return "None of them is trained yet."
    return f"It {one}." if count == 1 else f"Both {many}." if count == 2 else f"All {count:,} {many}."


def _unfinished(found: Findings) -> str:
    """Return that time went into trainings that have no result, where that may be."""
    glance, states = found.glance, dict(found.glance.counts)
    begun = any(states.get(state.value) for state in TrialState if state not in RESULT_STATES)
    return ", those of trainings without a result included" if begun and glance.results else ""


def _together(found: Findings) -> str:
    glance = found.glance
    if found.without_epochs:
        return ""
    if not glance.saved_epochs:
        return f" ({counted(glance.trained_epochs, 'epoch')})" if glance.trained_epochs else ""
    return (
        f": {counted(glance.trained_epochs, 'epoch')} for {glance.read_epochs:,} epochs of results, as trials that"
        " differ only in their number of epochs share one training"
    )


def _run(found: Findings) -> Iterator[Table]:
    run = running(found.data)
    hosts = dict.fromkeys(one.host for one in run.launches)
    workers = sorted({one.workers for one in run.launches})
    facts = [*run.facts]
    if hosts:
        facts.insert(0, ("Machine", ", ".join(hosts)))
        facts.append(("Workers", ", ".join(map(str, workers))))
    rows = [[words(name), value] for name, value in facts]
    if rows:
        yield Table(
            Grid(["what", "value"], [False, False], rows), "On what, and with what, the trials were trained", (1,)
        )

"""A plan as a line, as text, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gridsearch.cli.streams import folded
from gridsearch.cli.wording import plural, short_id
from gridsearch.engine.teachers import UNTRAINED
from gridsearch.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridsearch.engine.packing import PlannedPack
    from gridsearch.engine.preparation import PreparedJob
    from gridsearch.search.plan import Plan
    from gridsearch.spec.job import JobSpec
    from gridsearch.store.contract import Store


def plan_line(prepared: PreparedJob, plan: Plan) -> str:
    """Return a plan as one line: `shallow: 384 trials, +48 new, =336 done; 4,800 epochs to train (...)`."""
    shares = [f"{sign}{count:,} {word}" for sign, count, word in _difference(plan) if count]
    work = f"{plural(plan.epochs, 'epoch')} to train{_saving(plan)}" if plan.lineages else "nothing to train"
    drawn = f"{plan.grid.drawn_text}; " if plan.grid.asked else ""
    return f"{prepared.job.name}: {drawn}{plural(len(plan.grid.trials), 'trial')}, {', '.join(shares)}; {work}"


def leaving(prepared: PreparedJob, store: Store) -> int:
    """Return how many trials the job has in the store that its grid, edited since, no longer has."""
    try:
        before = store.trials(prepared.job.name)
    except StoreError:  # no such job yet
        return 0
    return len({row.trial_id for row in before} - {trial.trial_id for trial in prepared.grid.trials})


def left_text(left: int) -> str:
    """Return what becomes of trials that an edit left out of the grid."""
    are = "is no longer a point" if left == 1 else "are no longer points"
    return (
        f"{plural(left, 'earlier trial')} {are} of this grid; {'it stays' if left == 1 else 'they stay'} in the store"
    )


def doom_lines(prepared: PreparedJob) -> list[str]:
    """Return a line for each reason why some trials fail without being trained."""
    return [
        f"{doom.place}: {doom.error}: {plural(prepared.doomed_trials(doom), 'trial')} of"
        f" {len(prepared.grid.trials):,} cannot be trained; {doom.mend}"
        for doom in prepared.dooms
    ]


def plan_text(prepared: PreparedJob, plan: Plan, packs: Sequence[PlannedPack], left: int, *, width: int | None) -> str:
    """Return a plan as an aligned block of text that keeps to a width."""
    job, images = prepared.job, prepared.images()
    rows: list[tuple[str, str, str]] = [
        ("job", job.name, str(job.document.source)),
        ("model", job.model, f"on {job.dataset}"),
        (
            "images",
            f"{images['train']:,}",
            f"to train, {images['validation']:,} to validate, {images['test']:,} to test{_folds_text(job)}",
        ),
        ("points", f"{plan.grid.points:,}", _points_text(job, plan)),
    ]
    if own := len(prepared.dataset.test_labels):
        rows.insert(3, ("", f"{own:,}", prepared.own_test_use))
    if job.teacher:
        rows.insert(2, ("teacher", job.teacher.job, _teacher_text(prepared)))
    rows += [("", f"-{count:,}", f"skipped by rule: {rule}") for rule, count in plan.grid.skipped]
    if plan.grid.repeated:
        rows.append(("", f"-{plan.grid.repeated:,}", "the same trial as another point"))
    if plan.grid.asked and plan.grid.standing < plan.grid.asked:
        rows.append(("", "", f"{plan.grid.asked:,} were asked for, and no more could be found"))
    rows.append(("trials", f"{len(plan.grid.trials):,}", _copies_text(job, plan)))
    rows += [("", f"{sign}{count:,}", words) for sign, count, words in _difference(plan) if count]
    if left:
        rows.append(("", "", left_text(left)))
    if plan.lineages:
        steps = sum(lineage.steps for lineage in plan.lineages)
        rows.append(("lineages", f"{len(plan.lineages):,}", "trainings; trials that differ in epochs alone share one"))
        rows.append(("packs", f"{len(packs):,}", _packs_text(_largest(packs))))
        rows.append(("epochs", f"{plan.epochs:,}", f"to train{_saving(plan)}"))
        rows.append(("steps", f"{steps:,}", "optimiser steps"))
    else:
        rows.append(("epochs", "0", "nothing to train"))
    room = max(len(number) for _, number, _ in rows)
    lines = (f"{name:<9} {number:>{room}}  {words}".rstrip() for name, number, words in rows)
    return "\n".join(folded(line, width, indent=9 + 1 + room + 2) for line in lines)


def plan_json(prepared: PreparedJob, plan: Plan, packs: Sequence[PlannedPack], left: int) -> dict[str, Any]:
    """Return a plan as JSON values."""
    return {
        "job": prepared.job.name,
        "points": plan.grid.points,
        **({"drawn_from": plan.grid.size, "asked": plan.grid.asked} if plan.grid.asked else {}),
        "repeats": prepared.job.repeats,
        "folds": prepared.job.split.folds,
        "skipped": [{"rule": rule, "points": count} for rule, count in plan.grid.skipped],
        "repeated": plan.grid.repeated,
        "trials": len(plan.grid.trials),
        "new": plan.new,
        "read": plan.read,
        "open": plan.open,
        "resume": plan.resume,
        "retry": plan.retry,
        "failed": plan.failed,
        "done": plan.done,
        "no_longer_points": left,
        "lineages": len(plan.lineages),
        "packs": len(packs),
        "largest_pack": _largest(packs),
        "epochs": plan.epochs,
        "epochs_one_by_one": plan.epochs_alone,
        "steps": sum(lineage.steps for lineage in plan.lineages),
        "images": prepared.images(),
        **({"teacher": prepared.teacher} if prepared.job.teacher else {}),
    }


def _teacher_text(prepared: PreparedJob) -> str:
    if prepared.teacher == UNTRAINED:
        return "the job to train first; its best trial is the teacher"
    return f"whose trial {short_id(prepared.teacher)} is the teacher"


def _points_text(job: JobSpec, plan: Plan) -> str:
    axes = " x ".join(
        f"{axis.name} from {axis.values[0]} to {axis.values[-1]}"
        if axis.continuous
        else f"{len(axis.values)} {axis.name}"
        for axis in job.space.axes
    )
    drawn = plan.grid.drawn_text.partition(" ")[2].removeprefix("points, ")
    return ": ".join(text for text in (drawn, axes or "one point") if text)


def _folds_text(job: JobSpec) -> str:
    return f", in each of {job.split.folds} folds" if job.split.folds else ""


def _copies_text(job: JobSpec, plan: Plan) -> str:
    """Say why there are more trials than points."""
    times = [f"{job.repeats} seeds"] if job.repeats > 1 else []
    times += [f"{job.split.folds} folds"] if job.split.folds else []
    return " x ".join([plural(plan.grid.standing, "point"), *times]) if times else ""


def _difference(plan: Plan) -> list[tuple[str, int, str]]:
    return [
        ("+", plan.new, "new"),
        ("+", plan.read, "to read from longer trainings"),
        ("~", plan.resume, "to go on with"),
        ("~", plan.open, "still to train"),
        ("!", plan.retry, "to retry"),
        ("!", plan.failed, "failed before (retry with --retry-failed)"),
        ("=", plan.done, "done"),
    ]


def _largest(packs: Sequence[PlannedPack]) -> int:
    return max((len(pack.lineages) for pack in packs), default=0)


def _packs_text(largest: int) -> str:
    if largest == 1:
        return "of one training each"
    return f"of up to {largest:,} trainings; a worker trains each as one where that is faster"


def _saving(plan: Plan) -> str:
    if plan.epochs_alone <= plan.epochs:
        return ""
    return f" ({plan.epochs_alone:,} without sharing)"

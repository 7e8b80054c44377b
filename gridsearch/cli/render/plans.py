"""A plan as a line, as text, and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gridsearch.cli.render.data_rows import data_rows, dataset_rows, first_of
from gridsearch.cli.render.wording import short_id
from gridsearch.cli.streams import folded
from gridsearch.engine.prepare.narrowing import Narrowing, narrowing
from gridsearch.engine.prepare.preparation import PreparedJob
from gridsearch.engine.prepare.teachers import UNTRAINED
from gridsearch.quantities import counted
from gridsearch.shell_words import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridsearch.cli.render.disk import Room
    from gridsearch.config.job import JobSpec
    from gridsearch.engine.prepare.leaks import Leaks, Seen
    from gridsearch.engine.prepare.prepared import Prepared
    from gridsearch.engine.run.packing import PlannedPack
    from gridsearch.search.plan import Plan
    from gridsearch.store.contract import Store


#: How long a name may be that stands in the column of numbers.
_LONGEST_NAME = 20


def plan_line(prepared: Prepared, plan: Plan) -> str:
    """Return a plan as one line: `shallow: 384 trials, +48 new, =336 done; 4,800 epochs to train (...)`."""
    shares = [f"{sign}{count:,} {word}" for sign, count, word in _difference(plan) if count]
    work = f"{counted(plan.epochs, 'epoch')} to train{_saving(plan)}" if plan.lineages else "nothing to train"
    drawn = f"{plan.grid.drawn_text}; " if plan.grid.asked else ""
    trials = counted(len(plan.grid.trials), "trial")
    if plan.grid.chosen is not None:
        trials = f"{len(plan.grid.chosen):,} of {trials} selected"
    return f"{prepared.job.name}: {drawn}{trials}, {', '.join(shares)}; {work}"


@dataclass(frozen=True)
class Left:
    """Trials with results that a job's grid no longer has, and the command that launches the job's file."""

    found: Narrowing = field(default_factory=Narrowing)
    command: str = ""

    @property
    def lines(self) -> list[str]:
        """Return what becomes of them, and how they come back; nothing where there are none."""
        found = self.found
        if not found.trials:
            return []
        stays = "it stays" if found.trials == 1 else "they stay"
        what = f"{_earlier(found.trials)}: {_RENEWED}"
        if found.renewed < found.trials:
            are = "is no longer a point" if found.trials == 1 else "are no longer points"
            part = f" ({found.renewed:,} of them: {_RENEWED})" if found.renewed else ""
            what = f"{_earlier(found.trials)} {are} of this grid{part}"
        comes = "comes" if found.trials == 1 else "come"
        back = f", and {comes} back with: {self.back}" if self.back else ""
        part = f"{self.back} --only {quoted(found.only)}" if found.only else ""
        slices = [f"to train a part and leave the grid whole: {part}"] if part else []
        return [f"{what}; {stays} in the store{back}", *slices]

    @property
    def back(self) -> str:
        """Return the command under which they are points again; empty where none is known."""
        if self.found.back is None:
            return ""
        return self.command + "".join(f" --set {quoted(text)}" for text in self.found.back)


_RENEWED = "this version of gridsearch trains these differently, so they are trained again (docs/jobs.md, Versions)"


def _earlier(count: int) -> str:
    return counted(count, "earlier trial with a result", "earlier trials with results")


def leaving(prepared: Prepared, store: Store, places: str = "") -> Left:
    """Return which trials with results the job's grid, edited since, no longer has.

    `places` are the options that the command to bring them back needs to find the store and the data.
    """
    file = quoted(str(prepared.job.document.source))
    return Left(narrowing(prepared, store), f"gridsearch launch {file}{places}")


def leak_rows(leaks: Leaks) -> list[tuple[int, str]]:
    """Return how many of the images that validate and test are not new to the models, why, and the mend."""
    apart = "split: {deduplicate: true} keeps copies in one part"
    same = "give both the same data set, split, data_seed"
    taught, started = "were the teacher's training images", "were training images of the weights to start from"
    kinds: list[tuple[Seen, str, str, str]] = [
        (leaks.copies, "are training images too", "are training or validation images too", apart),
        (leaks.taught, taught, taught, same),
        (leaks.started, started, started, same),
    ]
    rows = []
    for seen, of_validation, of_test, mend in kinds:
        if seen.validation:
            rows.append((seen.validation, f"of {seen.of_validation:,} validation images {of_validation}: {mend}"))
        if seen.test:
            rows.append((seen.test, f"of {seen.of_test:,} test images {of_test}: {mend}"))
    return rows


def remark_lines(prepared: Prepared, store: Store | None, plan: Plan) -> list[str]:
    """Return what a job has that changes nothing, or is hardly what was meant, and why trials are new."""
    from gridsearch.engine.prepare.changes import changes

    new = plan.new + plan.resume + plan.read
    why = changes(prepared, store) if store and new else []
    since = [f"new since the last launch: {', '.join(why)}"] if why else []
    return [f"{prepared.job.name}: {said}" for said in [*prepared.remarks, *since]]


def _unused_rows(prepared: PreparedJob, unused: int) -> list[tuple[str, str, str]]:
    """Say of how many images nothing is made, where the job itself says so: each share is of what is left then."""
    train = prepared.job.split.train
    if not unused or train is None:
        return []
    share = (
        f"split.train: {train:g} is of the images left after the other parts; without it all of them are used for"
        f" training"
    )
    return [("", f"!{unused:,}", f"not used: {share}")]


def doom_lines(prepared: Prepared, plan: Plan) -> list[str]:
    """Return a line for each reason why some trials fail without being trained."""
    return [
        f"{doom.place}: {doom.error}: {counted(count, 'trial')} of"
        f" {len(prepared.grid.chosen_trials):,} cannot be trained; {doom.mend if count > 1 else _of_one(doom.mend)}"
        for doom in prepared.dooms
        if (count := prepared.doomed_by(doom, plan.doomed))
    ]


def _of_one(mend: str) -> str:
    return mend.replace("leave them out", "leave it out", 1)


def leak_lines(leaks: Leaks) -> list[str]:
    """Return the same as sentences."""
    return [f"{count:,} {words}" for count, words in leak_rows(leaks)] + _untold(leaks)


def _untold(leaks: Leaks) -> list[str]:
    return (
        [f"cannot tell whether the teacher was trained on validation or test images of its students: {leaks.untold}"]
        if leaks.untold
        else []
    )


def plan_text(
    prepared: Prepared,
    plan: Plan,
    packs: Sequence[PlannedPack],
    left: Left,
    leaks: Leaks | None = None,
    room: Room | None = None,
    *,
    width: int | None,
) -> str:
    """Return a plan as an aligned block of text that keeps to a width."""
    job = prepared.job
    rows: list[tuple[str, str, str]] = [
        _named("job", job.name, str(job.document.source)),
        *(_image_rows(prepared) if isinstance(prepared, PreparedJob) else _own_rows(job)),
        ("points", f"{plan.grid.points:,}", _points_text(job, plan)),
    ]
    if leaks:
        told = [("", f"!{count:,}", words) for count, words in leak_rows(leaks)]
        rows[-1:-1] = told + [("", "!", words) for words in _untold(leaks)]
    rows += [("", f"-{count:,}", f"skipped by rule: {rule}") for rule, count in plan.grid.skipped]
    if plan.grid.repeated:
        names = " or ".join(plan.grid.idle)
        rows.append(("", f"-{plan.grid.repeated:,}", f"the same trial as another point: {names} has no effect there"))
    if plan.grid.asked and plan.grid.kept < plan.grid.asked:
        rows.append(("", "", f"{plan.grid.asked:,} were asked for; the space has no more"))
    rows.append(("trials", f"{len(plan.grid.trials):,}", _copies_text(job, plan)))
    if plan.grid.chosen is not None:
        asked = " and ".join(rule.text for rule in job.only)
        rows.append(("only", f"{len(plan.grid.chosen):,}", f"for which {asked}"))
    rows += [("", f"{sign}{count:,}", words) for sign, count, words in _difference(plan) if count]
    if plan.others:
        rows.append(("", f"{plan.others:,}", f"others still to train{_passed_text(plan)}"))
    rows += [("", "", line) for line in left.lines]
    if plan.lineages:
        rows.append(("lineages", f"{len(plan.lineages):,}", _lineages_text(job)))
        packed = [] if job.own else [("packs", f"{len(packs):,}", _packs_text(_largest(packs)))]
        rows += [*packed, ("epochs", f"{plan.epochs:,}", f"to train{_saving(plan)}")]
        rows += [] if job.own else [_steps_row(plan)]
        rows += room.rows() if room else []
    else:
        rows.append(("epochs", "0", "nothing to train"))
        rows += room.limit_rows() if room else []
    wide = max(len(number) for _, number, _ in rows)
    lines = (f"{name:<9} {number:>{wide}}  {words}".rstrip() for name, number, words in rows)
    return "\n".join(folded(line, width, indent=9 + 1 + wide + 2) for line in lines)


def _image_rows(prepared: PreparedJob) -> list[tuple[str, str, str]]:
    """Return what our own loop trains, and on what."""
    job, images = prepared.job, prepared.images()
    return [
        _named("model", job.models_text, f"on {job.dataset_text}"),
        *([("teacher", job.teacher.job, _teacher_text(prepared))] if job.teacher else []),
        *dataset_rows(prepared),
        (
            "images",
            f"{images['train']:,}",
            f"to train, {images['validation']:,} to validate, {images['test']:,} to test{_folds_text(job)}"
            f"{first_of(prepared)}",
        ),
        *_unused_rows(prepared, images.get("unused", 0)),
        *data_rows(prepared),
    ]


def _own_rows(job: JobSpec) -> list[tuple[str, str, str]]:
    """Return what training of the user's own there is, and what it needs."""
    assert job.own
    what = "command" if job.own.command else "train"
    rows = [_named(what, " ".join(job.models_text.split()), "")]
    if job.own.inputs:
        files = counted(len(job.own.inputs), "file")
        rows.append(("inputs", "", f"{files} whose content is part of a trial's identity: {', '.join(job.own.inputs)}"))
    gpus = "" if job.own.resources.gpus is None else f", {job.own.resources.gpus:g} GPUs"
    return [*rows, ("each", "", f"trial has {counted(job.own.resources.cpus, 'CPU core')}{gpus}")]


def _named(what: str, name: str, more: str) -> tuple[str, str, str]:
    """Return a row; a long name stands among the words, as the numbers below it would be pushed aside by it."""
    return (what, name, more) if len(name) <= _LONGEST_NAME else (what, "", f"{name}  {more}")


def plan_json(
    prepared: Prepared,
    plan: Plan,
    packs: Sequence[PlannedPack],
    left: Left,
    leaks: Leaks | None = None,
    room: Room | None = None,
) -> dict[str, Any]:
    """Return a plan as JSON values."""
    return {
        "job": prepared.job.name,
        "points": plan.grid.points,
        **({"drawn_from": plan.grid.size, "asked": plan.grid.asked} if plan.grid.asked else {}),
        "repeats": prepared.job.repeats,
        "repeat_over": prepared.job.repeat_over,
        "folds": prepared.job.split.folds,
        "skipped": [{"rule": rule, "points": count} for rule, count in plan.grid.skipped],
        "repeated": plan.grid.repeated,
        "idle": list(plan.grid.idle),
        "remarks": list(prepared.remarks),
        "trials": len(plan.grid.trials),
        **_only_json(prepared, plan),
        "new": plan.new,
        "read": plan.read,
        "open": plan.open,
        "resume": plan.resume,
        "retry": plan.retry,
        "failed": plan.failed,
        "cannot_be_trained": len(plan.doomed),
        "done": plan.done,
        "no_longer_points": left.found.trials,
        "under_new_ids": left.found.renewed,
        **({"back": left.back} if left.back else {}),
        "lineages": len(plan.lineages),
        "packs": len(packs),
        "largest_pack": _largest(packs),
        "epochs": plan.epochs,
        "epochs_one_by_one": plan.epochs_alone,
        "steps": sum(lineage.steps for lineage in plan.lineages),
        **(_images_json(prepared) if isinstance(prepared, PreparedJob) else _own_json(prepared.job)),
        **({"disk": room.json()} if room else {}),
        **({"seen": _seen_json(leaks)} if leaks else {}),
    }


def _images_json(prepared: PreparedJob) -> dict[str, Any]:
    return {
        "images": prepared.images(),
        "image_shape": list(prepared.dataset.image_shape),
        **({"datasets": _datasets_json(prepared)} if prepared.job.data_settings else {}),
        "classes": prepared.class_counts(),
        "data_notes": prepared.data_notes,
        **({"teacher": prepared.teacher} if prepared.job.teacher else {}),
    }


def _datasets_json(prepared: PreparedJob) -> list[dict[str, Any]]:
    return [
        {
            "settings": settings,
            "images": prepared.images(fingerprint),
            "image_shape": list(prepared.datasets[fingerprint].image_shape),
            "bytes": prepared.datasets[fingerprint].nbytes,
        }
        for settings, fingerprint in prepared.data.combinations(prepared.job)
    ]


def _own_json(job: JobSpec) -> dict[str, Any]:
    assert job.own
    what = "command" if job.own.command else "train"
    return {what: job.models_text, "inputs": list(job.own.inputs), "resources": job.own.resources.model_dump()}


def _only_json(prepared: Prepared, plan: Plan) -> dict[str, Any]:
    if plan.grid.chosen is None:
        return {}
    only = [rule.text for rule in prepared.job.only]
    return {"only": only, "chosen": len(plan.grid.chosen), "others": plan.others, "others_on_the_way": plan.passed}


def _seen_json(leaks: Leaks) -> dict[str, dict[str, int]]:
    kinds = {"copies": leaks.copies, "teacher": leaks.taught, "pretrained": leaks.started}
    return {name: {"validation": seen.validation, "test": seen.test} for name, seen in kinds.items()}


def _teacher_text(prepared: PreparedJob) -> str:
    if prepared.teacher == UNTRAINED:
        return "the job to train first; its best trial is the teacher"
    return f"its trial {short_id(prepared.teacher)} is the teacher"


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
    repeats = {"weights": "seeds", "split": "splits", "both": "seeds and splits"}[job.repeat_over]
    times = [f"{job.repeats} {repeats}"] if job.repeats > 1 else []
    times += [f"{job.split.folds} folds"] if job.split.folds else []
    return " x ".join([counted(plan.grid.kept, "point"), *times]) if times else ""


def _difference(plan: Plan) -> list[tuple[str, int, str]]:
    return [
        ("+", plan.new, "new"),
        ("+", plan.read, "to read from longer trainings"),
        ("+", plan.open, "still to train"),
        (">", plan.resume, "to continue"),
        ("!", plan.retry, "to retry"),
        ("!", plan.failed, "failed before (retry with --retry-failed)"),
        ("!", len(plan.doomed), "cannot be trained"),
        ("=", plan.done, "done"),
    ]


def _passed_text(plan: Plan) -> str:
    return f", of which {plan.passed:,} are trained on the way, as they are shorter" if plan.passed else ""


def _largest(packs: Sequence[PlannedPack]) -> int:
    return max((len(pack.lineages) for pack in packs), default=0)


def _steps_row(plan: Plan) -> tuple[str, str, str]:
    """Return how many batches are to be trained on, which are steps of the optimiser unless some are gathered."""
    count = f"{sum(lineage.steps for lineage in plan.lineages):,}"
    several = any(lineage.config.accumulate > 1 for lineage in plan.lineages)
    return ("batches", count, "to train on") if several else ("steps", count, "optimiser steps")


def _lineages_text(job: JobSpec) -> str:
    if job.own and not job.own.shares_epochs and len(job.values("epochs")) == 1:
        return "trainings, one for each trial"
    if job.own and not job.own.shares_epochs:
        return "trainings, one for each trial (shares_epochs: true would share them between numbers of epochs)"
    return "trainings; trials that differ in epochs alone share one"


def _packs_text(largest: int) -> str:
    if largest == 1:
        return "of one training each"
    return f"of up to {largest:,} trainings; a worker trains each pack together if that is faster"


def _saving(plan: Plan) -> str:
    if plan.epochs_alone <= plan.epochs:
        return ""
    return f" ({plan.epochs_alone:,} without sharing)"

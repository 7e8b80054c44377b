"""Keys of a job file that are each fine, but not together: how it searches, repeats, and learns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gridsearch.config.axes import CONTINUOUS, continuous_kind
from gridsearch.config.extra_metrics import column_of, is_known, is_own_metric
from gridsearch.config.metrics import METRICS, better_direction, why_no_name
from gridsearch.config.space import MAX_POINTS, Space
from gridsearch.config.trial import OPTIMIZERS_WITH, RECIPE_KEYS, REPEATED_SEEDS, Value
from gridsearch.config.yaml_source import Document
from gridsearch.errors import JobError, nearest

if TYPE_CHECKING:
    from gridsearch.config.job import JobSpec
    from gridsearch.config.job_file import JobFile


def check_objective(document: Document, head: JobFile) -> None:
    """Refuse to rank by what is not measured."""
    of_train = [column_of(name, "train") for name in head.train_metrics]
    known = [*METRICS, *map(column_of, head.metrics), *of_train]
    for key, part, names in (("metrics", "val", head.metrics), ("train_metrics", "train", head.train_metrics)):
        columns = [column_of(name, part) for name in dict.fromkeys(names)]
        if twice := next((one for one in columns if columns.count(one) > 1), None):
            raise document.error((key,), f"two of them would be recorded as {twice}; rename one")
    if (metric := head.objective.metric) not in known:
        hint = nearest(metric, known)
        asked, key = metric.removeprefix("val_"), "metrics"
        if metric.startswith("train_"):
            asked, key = metric.removeprefix("train_"), "train_metrics"
        if is_known(asked):
            hint = f"; add the key {key}: [{asked}]" if asked not in head.metrics else f"; write {column_of(asked)}"
        among = f"{', '.join(known[:-1])} or {known[-1]}"
        raise document.error(("objective", "metric"), f"must be {among}, not {metric!r}{hint}")
    own = {column_of(name) for name in head.metrics if is_own_metric(name)}
    own |= {column_of(name, "train") for name in head.train_metrics if is_own_metric(name)}
    if metric in own and head.objective.mode is None and better_direction(metric) is None:
        raise document.error(
            ("objective", "metric"), f"whether {metric} is best high or low must be said: mode: max, or min"
        )


def check_own(document: Document, head: JobFile) -> None:
    """Refuse an own training that nothing ranks, and what only trainings of ours can do."""
    if "objective" not in document.data:
        raise JobError(
            f"{document.source}: objective: missing; name a metric that your training reports, as in"
            " objective: {metric: val_loss, mode: min}"
        )
    objective = head.objective
    if said := why_no_name(objective.metric):
        raise document.error(("objective", "metric"), said)
    if objective.mode is None and better_direction(objective.metric) is None:
        raise document.error(
            ("objective", "metric"),
            f"the name {objective.metric!r} does not tell whether high or low is better; add mode: max or mode: min",
        )
    if head.repeat_over != "weights":
        raise document.error(
            ("repeat_over",), "of a training of your own, the repeats of a point differ in seed alone; remove it"
        )
    for key in ("parameters", "macs"):
        if getattr(head.constraints, key) is not None:
            raise document.error(("constraints", key), "is not known of a training of your own; seconds is", key=True)


def check_search(document: Document, head: JobFile, space: Space) -> None:
    """Refuse a grid of what only random search can draw from."""
    if head.search:
        return
    for axis in space.axes:
        trail = ("space", axis.name) if axis.name in head.space else (axis.name,)
        written: Any = head.space.get(axis.name, document.data.get(axis.name))
        if kind := continuous_kind(written):
            instead = f"{{{CONTINUOUS[kind]}: {written[kind]}, num: 5}}"
            raise document.error(
                trail, f"{kind} has too many values for a grid: write {instead}, or draw: search: {{random: 50}}"
            )
    if space.size > MAX_POINTS:
        place = document.override(("space",), *((key,) for key in RECIPE_KEYS)) or document.place(("space",))
        raise JobError(
            f"{place}: space: {space.size:,} points are too many (at most {MAX_POINTS:,}); shorten an axis, or draw"
            " some of them: search: {random: 50}"
        )


def check_copies(document: Document, head: JobFile, space: Space, fixed: Mapping[str, Value]) -> None:
    """Refuse what repeats and folds set themselves, and more trials than anyone can train."""
    axes = {axis.name for axis in space.axes}
    folds = head.split.folds or 1
    for name in REPEATED_SEEDS[head.repeat_over] if head.repeats > 1 else ():
        if name in axes:
            raise document.error(
                ("repeats",),
                f"cannot be combined with the axis {name}: both train each point with several seeds; keep one",
            )
        seed = fixed.get(name, 0)
        if isinstance(seed, int) and seed + head.repeats > 2**63:
            raise document.error((name,), f"{seed} leaves no room for {head.repeats:,} repeats below 2^63")
    if head.repeats == 1 and "repeat_over" in head.model_fields_set and head.repeat_over != "weights":
        raise document.error(("repeat_over",), "nothing is repeated: say how often, as in repeats: 5", key=True)
    if folds > 1 and "validation" in head.split.model_fields_set:
        raise document.error(
            ("split", "validation"),
            "cannot be combined with folds, each of which is the validation part in turn; remove it",
            key=True,
        )
    if folds > 1 and "fold" in axes:
        raise document.error(
            ("space", "fold"), "is the name of the fold (split.folds); rename the setting of the model", key=True
        )
    points, copies = head.search.random if head.search else space.size, head.repeats * folds
    if points * copies > MAX_POINTS:
        trail = ("repeats",) if head.repeats > 1 else ("split", "folds")
        raise document.error(
            trail, f"{points:,} points, each {copies:,} times, are too many trials (at most {MAX_POINTS:,})"
        )


def check_image_format(document: Document, head: JobFile) -> None:
    """Refuse a way to resize images that nothing resizes."""
    if head.resize is not None and head.image_size is None:
        raise document.error(
            ("resize",),
            "needs a size: image_size: 64 (a model's own setting goes under space)",
            key=True,
        )


def check_teacher(job: JobSpec) -> None:
    """Refuse a distillation without a teacher, and a teacher whom nobody learns from."""
    learning = any(kind != "none" for kind in job.values("distillation"))
    if learning and job.teacher is None:
        raise job.document.error(
            job.trail("distillation"), "needs a teacher, a job of its own: teacher: {job: NAME, pick: best}"
        )
    if job.teacher is not None and not learning:
        raise job.document.error(("teacher",), "no trial learns from it: set distillation to soft or hidden", key=True)
    if job.teacher is not None and job.teacher.job == job.name:
        raise job.document.error(("teacher", "job"), "is this job itself; name another")


def check_optimizer(job: JobSpec) -> None:
    """Refuse the coefficients of an optimiser that the job does not have, unless `--set` has taken it away."""
    optimizers = [str(name) for name in job.values("optimizer")]
    for key in ("betas", "eps", "alpha"):
        having = OPTIMIZERS_WITH[key]
        if key not in job.setting_names or set(optimizers) & set(having):
            continue
        if not job.document.override(("optimizer",), ("space", "optimizer")):
            has, own = " and ".join(filter(None, [", ".join(having[:-1]), having[-1]])), ", ".join(optimizers)
            raise job.document.error(
                job.trail(key),
                f"is of {has}, and the optimiser is {own}; leave it out, or write optimizer: {having[0]}",
                key=True,
            )

"""Saying of a plan's packs what is in each and why, how it will be trained, and what that is expected to take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gridsearch.config.events import StrategyMeasured
from gridsearch.config.identity import canonical_value
from gridsearch.config.trial import AUGMENTATIONS
from gridsearch.engine.executors.base import WorkerSettings
from gridsearch.engine.executors.worker_context import WorkerContexts, choose_device
from gridsearch.engine.prepare.preparation import PreparedJob
from gridsearch.engine.run.packing import PlannedPack
from gridsearch.training.loop.member import Member
from gridsearch.training.loop.task import LineageTask
from gridsearch.training.stacking.autotune import (
    ALONE,
    STEPS_WORTH_A_PROBE,
    STRATEGIES,
    Refusal,
    fastest,
    known,
    machine,
    measure,
    refusals,
    remembered,
    unmeasured,
    workload,
)
from gridsearch.training.stacking.grouping import StackGroup
from gridsearch.training.stacking.parity import proved

#: A folder that is not there: what is measured starts from its seed.
_NO_CHECKPOINTS = Path("no-checkpoints-for-a-plan")


@dataclass(frozen=True)
class ExplainedPack:
    """A pack in words and numbers.

    `shared` are the settings all its lineages have in common and other packs of the plan have not: why they are
    together; `cut` says that others of its kind are in other packs, for the workers' sake or because of a limit.
    `strategy` is how it will be trained, None while that is still to be measured. `step_seconds` is what a step of the
    whole pack takes and `alone_seconds` what it would one by one, None where not measured; `seconds` is the expected
    time, by those figures where there are any and by a rough rule else; `bytes` the expected memory. `refused` says
    which strategy was tried and refused, for how many models, and why: those are trained in another, or alone.
    """

    shared: dict[str, Any]
    cut: bool
    lineages: int
    trials: int
    epochs: int
    strategy: str | None
    step_seconds: float | None
    alone_seconds: float | None
    seconds: float
    bytes: int
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True)
class Tried:
    """What trying a plan's packs has brought: measurements, and for each pack, in order, what was refused."""

    measured: list[StrategyMeasured]
    refused: list[list[Refusal]]


def explain(
    prepared: PreparedJob,
    packs: Sequence[PlannedPack],
    measured: Sequence[StrategyMeasured],
    *,
    device: str,
    threads: int,
    refused: Sequence[Sequence[Refusal]] = (),
) -> list[ExplainedPack]:
    """Return the packs explained, in their order.

    `measured` is what the store remembers of strategies, and `refused` what `try_packs` has found out.
    """
    where = machine(choose_device(device), threads)
    settings = [_separating(pack, prepared.job.data_defaults) for pack in packs]
    telling = [key for key in (settings[0] if settings else ()) if len({str(one[key]) for one in settings}) > 1]
    groups = Counter(pack.stack_group for pack in packs)
    classes = prepared.dataset.num_classes
    explained = []
    for pack, own, lost in zip(packs, settings, refused or [()] * len(packs), strict=True):
        configs = [lineage.config for lineage in pack.lineages]
        shape = prepared.datasets[configs[0].dataset].image_shape
        times = known(measured, where, workload(configs, shape, classes))
        shared = {key: own[key] for key in telling}
        one = _explained(pack, shared, times, cut=groups[pack.stack_group] > 1)
        explained.append(replace(one, refused=tuple(lost)))
    return explained


def try_packs(
    prepared: PreparedJob,
    packs: Sequence[PlannedPack],
    measured: Sequence[StrategyMeasured],
    *,
    device: str,
    threads: int,
) -> Tried:
    """Measure, here and now, the strategies of packs of which nothing is remembered, and prove what they will take.

    So does their worker. Compiled code is not tried: making it may take longer than anyone wants to wait for a plan.
    """
    settings = WorkerSettings(
        prepared.splits, prepared.dataset.num_classes, _NO_CHECKPOINTS, prepared.model_search, device, threads
    )
    places = WorkerContexts(settings)
    found: list[StrategyMeasured] = []
    refused: list[list[Refusal]] = []
    for pack in packs:
        refused.append([])
        if len(pack.lineages) == 1:
            continue
        place = places.at(pack.lineages[0].config)
        members = [Member(LineageTask(line.lineage_id, 0, line.config, -1), place) for line in pack.lineages]
        times = remembered(measured, members, place)
        steps = max(lineage.steps for lineage in pack.lineages)
        with refusals() as lost:
            if steps >= STEPS_WORTH_A_PROBE:
                new = measure(members, place, 0, times)
                found += new
                times |= {one.strategy: one.seconds for one in new}
            strategy = fastest(times, steps) if times else unmeasured(dense=_group_of(pack).is_dense)
            if strategy and strategy != ALONE:
                proved(STRATEGIES[strategy].proved_by or STRATEGIES[strategy], members, place)
        refused[-1] = lost
    return Tried(found, refused)


def explain_now(
    prepared: PreparedJob,
    packs: Sequence[PlannedPack],
    measured: Sequence[StrategyMeasured],
    *,
    device: str,
    threads: int,
) -> list[ExplainedPack]:
    """Return the packs explained, by what the store remembers of strategies and by what trying them now brings."""
    tried = try_packs(prepared, packs, measured, device=device, threads=threads)
    every = [*measured, *tried.measured]
    return explain(prepared, packs, every, device=device, threads=threads, refused=tried.refused)


def _explained(
    pack: PlannedPack, shared: dict[str, Any], times: Mapping[str, float | None], *, cut: bool
) -> ExplainedPack:
    lone = len(pack.lineages) == 1
    steps = max(lineage.steps for lineage in pack.lineages)
    strategy = ALONE if lone else fastest(times, steps) if times else None
    if not strategy and steps < STEPS_WORTH_A_PROBE:
        strategy = unmeasured(dense=_group_of(pack).is_dense)
    step = times.get(strategy) if strategy else None
    return ExplainedPack(
        shared=shared,
        cut=cut,
        lineages=len(pack.lineages),
        trials=sum(lineage.trials for lineage in pack.lineages),
        epochs=sum(lineage.epochs for lineage in pack.lineages),
        strategy=strategy,
        step_seconds=step,
        alone_seconds=times.get(ALONE),
        seconds=step * steps if step else pack.seconds,
        bytes=pack.bytes,
    )


def _group_of(pack: PlannedPack) -> StackGroup:
    assert pack.stack_group, "a pack of our own loop"
    return pack.stack_group


def _separating(pack: PlannedPack, data_defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that keep a pack's lineages apart from others, as a person would name them.

    `data_defaults` are those that its data set is made with where trials say nothing.
    """
    config = pack.lineages[0].config
    models = {lineage.config.model: None for lineage in pack.lineages}
    seeds = {lineage.config.seed for lineage in pack.lineages}
    hypers = [lineage.config.hyper for lineage in pack.lineages]
    same = {key: value for key, value in hypers[0].items() if all(other.get(key) == value for other in hypers)}
    return {
        "model": ", ".join(models),
        "batch_size": config.batch_size,
        "data_seed": config.data_seed,
        "fold": config.fold,
        "optimizer": _group_of(pack).optimizer,
        "nesterov": _group_of(pack).nesterov,
        "fused_sgd": _group_of(pack).plain,
        **{key: getattr(config, key) for key in ("normalization", *AUGMENTATIONS, "precision", "distillation")},
        "augment": config.augment or "none",
        "freeze": config.freeze or "none",
        "seed": seeds.pop() if len(seeds) == 1 else "several",
        "settings": same,
        "data": canonical_value({**data_defaults, **config.data_settings}),
    }

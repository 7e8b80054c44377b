"""Preparing a job for its plan, and printing it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from gridsearch import paths
from gridsearch.cli.launch_options import launch_options, model_limits, places, teachers_first
from gridsearch.cli.render import tables
from gridsearch.cli.render.disk import lost_lines, room_for
from gridsearch.cli.resources import (
    Training,
    resources,
)
from gridsearch.cli.streams import columns, data, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridsearch.config.events import ModelSize, StrategyMeasured
    from gridsearch.config.job import JobSpec
    from gridsearch.engine.prepare.prepared import Prepared
    from gridsearch.engine.run.explaining import ExplainedPack
    from gridsearch.engine.run.packing import PlannedPack
    from gridsearch.engine.run.planning import LaunchOptions


def plan_teachers(spec: JobSpec, training: Training) -> None:
    """Print the plans of the jobs that would be trained before a job, as its models learn from theirs."""
    for teacher in teachers_first([spec], training, read_only=True)[:-1]:
        print_plan(teacher, training, as_json=False)
        data("")


def print_plan(spec: JobSpec, training: Training, *, as_json: bool, explained: bool = False) -> None:
    """Prepare a job and print its plan; `explained` with what is in each pack, and why."""
    from gridsearch.cli.render.packs import packs_json
    from gridsearch.cli.render.plans import Left, doom_lines, leaving, plan_json, plan_text, remark_lines
    from gridsearch.engine.prepare.jobs import prepare
    from gridsearch.engine.prepare.leaks import leaks_of
    from gridsearch.engine.prepare.teachers import chosen_teacher
    from gridsearch.engine.run.planning import check_same_job, plan_job, plan_packs
    from gridsearch.store.nearby import nearby_text
    from gridsearch.store.opening import open_store

    if training.device != "auto" or spec.own:
        resources(training, spec.own)  # a mistake of the command line shows before one of the job
    limits, data_dir = model_limits(training), paths.data_dir(training.data_dir)
    left = Left()
    measured: list[StrategyMeasured] = []
    if training.store.exists():
        with open_store(training.store, create=False, read_only=True) as store:
            teacher = chosen_teacher(spec, store)
            prepared = prepare(spec, data_dir, teacher=teacher, limits=limits, store=store)
            measured = store.measured()
            check_same_job(prepared, store)
            made = plan_job(prepared, store, retry_failed=training.retry_failed)
            left = leaving(prepared, store, places(training))
            odd = remark_lines(prepared, store, made)
            leaks = leaks_of(prepared, store, data_dir)
    else:
        if there := nearby_text(training.store, spec.base):
            say(f"{spec.name}: no store {training.store} yet, so every trial is new{there}")
        teacher = chosen_teacher(spec, None)
        prepared = prepare(spec, data_dir, teacher=teacher, limits=limits)
        made = plan_job(prepared, None)
        odd = remark_lines(prepared, None, made)
        leaks = leaks_of(prepared, None, data_dir)
    for line in [*odd, *doom_lines(prepared, made), *lost_lines(spec.name, made, training.store)]:
        say(line)
    # Only torch knows of GPUs; without anything to train it does not matter whether there are any.
    asked = training if made.lineages or spec.own else replace(training, device="cpu")
    options = launch_options(training, resources(asked, spec.own))
    sizes: dict[str, ModelSize] = {}
    packs = plan_packs(prepared, made.lineages, options, sizes.update)
    room = room_for(spec, training.store, options, packs, {name: size.parameters for name, size in sizes.items()})
    details = _details(prepared, packs, measured, options) if explained else []
    if as_json:
        found = plan_json(prepared, made, packs, left, leaks, room)
        data(json.dumps(found | ({"explained": packs_json(details)} if explained else {}), indent=2))
        return
    data(plan_text(prepared, made, packs, left, leaks, room, width=columns(sys.stdout)))
    if details:
        _show_details(details, options.device)


def _show_details(details: Sequence[ExplainedPack], device: str) -> None:
    from gridsearch.cli.render.packs import packs_grid
    from gridsearch.engine.executors.worker_context import choose_device
    from gridsearch.training.strategies.compiled import why_not_compiled

    data("")
    tables.show(packs_grid(details, why_not_compiled(choose_device(device))))


def _details(
    prepared: Prepared, packs: Sequence[PlannedPack], measured: Sequence[StrategyMeasured], options: LaunchOptions
) -> list[ExplainedPack]:
    """Return a plan's packs explained; a training of the user's own has none."""
    from gridsearch.engine.executors.descriptors import stdout_to_stderr
    from gridsearch.engine.prepare.preparation import PreparedJob
    from gridsearch.engine.run.explaining import explain_now

    if not isinstance(prepared, PreparedJob):
        return []
    with stdout_to_stderr():  # what models print
        return explain_now(prepared, packs, measured, device=options.device, threads=options.threads)

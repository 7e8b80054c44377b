"""From a command's options to those of a launch, and the teachers that come before it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from gridsearch import paths
from gridsearch.cli.command_line import command_line
from gridsearch.cli.resources import (
    Resources,
    Training,
    kept,
)
from gridsearch.config.byte_sizes import bytes_of
from gridsearch.config.durations import seconds_of
from gridsearch.engine.run.interruption import Interruption
from gridsearch.paths import store_option
from gridsearch.shell_words import quoted

if TYPE_CHECKING:
    from gridsearch.config.job import JobSpec
    from gridsearch.engine.prepare.model_channel import Limits
    from gridsearch.engine.run.planning import LaunchOptions


def teachers_first(specs: list[JobSpec], training: Training, *, read_only: bool) -> list[JobSpec]:
    """Return jobs in an order in which teachers come before their students, theirs included."""
    if all(spec.teacher is None for spec in specs):
        return specs
    from gridsearch.engine.prepare.teachers import check_chain, in_order
    from gridsearch.store.opening import open_store

    with ExitStack() as stack:
        exists = training.store.exists()
        store = stack.enter_context(open_store(training.store, create=False, read_only=read_only)) if exists else None
        chains = [in_order(spec, store) for spec in specs]
        for chain in chains:
            check_chain(chain, store, paths.data_dir(training.data_dir), model_limits(training))
    # A job that is asked for itself is trained as it was asked for, with its overrides.
    asked = {spec.name: spec for spec in specs}
    return list({spec.name: asked.get(spec.name, spec) for chain in chains for spec in chain}.values())


def places(training: Training) -> str:
    """Return the options with which a command to copy finds the store and the data that this one was given."""
    data_dir = f" --data-dir {quoted(str(training.data_dir))}" if training.data_dir else ""
    return store_option(training.store) + data_dir


def launch_options(training: Training, chosen: Resources) -> LaunchOptions:
    """Return what a launch is to be like, by what was asked for and what the machine has."""
    from gridsearch.engine.run.planning import LaunchOptions

    return LaunchOptions(
        chosen.workers,
        chosen.device,
        chosen.threads,
        training.retry_failed,
        chosen.largest_pack,
        kept(training.keep),
        seconds_of(training.trial_timeout) if training.trial_timeout else None,
        None if training.checkpoints is None else bytes_of(training.checkpoints),
        command_line(),
        ray=not chosen.inline,
    )


def model_limits(training: Training, stop: Interruption | None = None) -> Limits:
    """Return how long users' models may take, and how they learn of a stop."""
    from gridsearch.engine.prepare.model_channel import Limits

    return Limits(seconds_of(training.model_timeout), (lambda: stop.requested) if stop else lambda: False)

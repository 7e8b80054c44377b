"""Training a pack: its lineages' events as one stream, in which no lineage's misfortune touches another."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence

from gridsearch.config.events import LineageFailed, StrategyMeasured, WorkerEvent
from gridsearch.config.trial import TrialConfig
from gridsearch.errors import StorageError, one_line
from gridsearch.training.loop.blame import charged, charged_events
from gridsearch.training.loop.epochs import advance
from gridsearch.training.loop.member import Member
from gridsearch.training.loop.task import LineageTask, Pack, StopRequestedError, WorkerContext
from gridsearch.training.stacking.autotune import (
    ALONE,
    STEPS_WORTH_A_PROBE,
    STRATEGIES,
    candidates,
    fastest,
    is_out_of_memory,
    measure,
    measurement,
    remembered,
    unmeasured,
)
from gridsearch.training.stacking.formations import placed
from gridsearch.training.stacking.grouping import Behaviour, StackGroup, behaviour_of, shape_of, stack_group_of
from gridsearch.training.stacking.parity import proved
from gridsearch.training.strategies.sequential import Single
from gridsearch.user_code import told

_log = logging.getLogger(__name__)


def train_pack(pack: Pack, context_of: Callable[[TrialConfig], WorkerContext]) -> Iterator[WorkerEvent]:
    """Yield what happens to each lineage of the pack until all are done or a stop.

    `context_of` gives what a configuration is trained in. Raises `StorageError` when checkpoints cannot be written.
    """
    for group in pack.groups:
        try:
            for members in (yield from _by_stack_group(group, context_of)):
                yield from train_group(members, context_of(members[0].config), pack.measured)
        except StopRequestedError:
            return


def _by_stack_group(
    tasks: Sequence[LineageTask], context_of: Callable[[TrialConfig], WorkerContext]
) -> Generator[WorkerEvent, None, list[list[Member]]]:
    """Return the tasks as members, by kind; those whose model cannot be built have failed."""
    groups: dict[StackGroup, list[Member]] = {}
    behaviours: dict[Hashable, Behaviour] = {}
    for task in tasks:
        try:
            context = charged(context_of)(task.config)  # which may build a teacher
            if context.stop():
                raise StopRequestedError
            member = charged(Member)(task, context)
            shape = charged(shape_of)(member.module, member.config)
            if shape not in behaviours:
                behaviours[shape] = charged(behaviour_of)(member.module, context.train.image_shape, context.train.whole)
            group = stack_group_of(member.config, shape, behaviours[shape])
        except (StopRequestedError, StorageError):
            raise
        except Exception as error:
            yield failed(task, error)
        else:
            groups.setdefault(group, []).append(member)
    return list(groups.values())


def train_group(
    members: Sequence[Member], context: WorkerContext, measured: Sequence[StrategyMeasured] = ()
) -> Iterator[WorkerEvent]:
    """Train members of one stack group to their ends, by the strategy that is fastest as measured before or now."""
    for member in members:
        yield from member.known_records()
    yield from _train_by_fastest(members, context, measured)


def _train_by_fastest(
    members: Sequence[Member], context: WorkerContext, measured: Sequence[StrategyMeasured]
) -> Iterator[WorkerEvent]:
    strategy: str | None = ALONE
    if names := candidates(members):
        steps = _steps(members, context)
        seconds = remembered(measured, members, context)
        if steps >= STEPS_WORTH_A_PROBE:
            found = measure(members, context, steps, seconds)
            yield from found
            seconds |= {one.strategy: one.seconds for one in found}
        strategy = fastest(seconds, steps) if seconds else unmeasured(dense="concatenated" in names)
    if strategy is None:
        for half in halves(members):
            yield from _train_by_fastest(half, context, measured)
    elif strategy == ALONE:
        for member in members:
            yield from _train([member], context, ALONE)
    else:
        yield from _train_once_proved(members, context, strategy)


def _train_once_proved(members: Sequence[Member], context: WorkerContext, strategy: str) -> Iterator[WorkerEvent]:
    """Train by a strategy those members that get by it what they get alone, the others by the next best or alone."""
    agreed = (
        proved(STRATEGIES[strategy].proved_by or STRATEGIES[strategy], members, context)
        if len(members) > 1
        else [False]
    )
    if agreed is None:
        yield measurement(strategy, members, context, None)
        for half in halves(members):
            yield from _train_once_proved(half, context, strategy)
        return
    sound = [member for member, fits in zip(members, agreed, strict=True) if fits]
    if len(sound) > 1:
        yield from _train(sound, context, strategy)
    others = [member for member in members if len(sound) < 2 or member not in sound]
    if len(others) > 1 and (instead := STRATEGIES[strategy].instead):
        yield from _train_once_proved(others, context, instead)
        return
    for member in others:
        yield from _train([member], context, ALONE)


def _train(members: Sequence[Member], context: WorkerContext, strategy: str) -> Iterator[WorkerEvent]:
    """Train members by a strategy to their ends; where it raises, the halves go on, down to the one to blame."""
    try:
        if strategy == ALONE:
            charged(members[0].rebuild)(context)
        yield from placed(members, context.device, strategy)
        yield from charged_events(advance(members, context, Single if strategy == ALONE else STRATEGIES[strategy]))
        return
    except (StopRequestedError, StorageError):
        raise  # of no lineage's making
    except Exception as error:
        if strategy == ALONE:
            members[0].ended = True
            yield failed(members[0].task, error)
            return
        too_large = is_out_of_memory(error)
        _log.info("%s: %d models continue in two halves after %s", strategy, len(members), one_line(error))
    # Not within `except`: there the error lives on, and with it the strategy that raised, in memory that may be full.
    if too_large:
        yield measurement(strategy, members, context, None)
    left = [member for member in members if not member.done]
    for half in halves(left):
        yield from _train(half, context, strategy if len(half) > 1 else ALONE)


def halves(members: Sequence[Member]) -> list[Sequence[Member]]:
    """Return the members in two parts, or in one if there is only one."""
    middle = len(members) // 2
    return [members[:middle], members[middle:]] if middle else [members]


def failed(task: LineageTask, error: Exception) -> LineageFailed:
    """Return the event of a lineage whose training raised."""
    return LineageFailed(task.lineage_id, task.attempt, told(error), "".join(traceback.format_exception(error)))


def _steps(members: Sequence[Member], context: WorkerContext) -> int:
    epochs = max(member.config.epochs - member.next_epoch + 1 for member in members)
    return epochs * members[0].config.batches_of_epoch(len(context.train))

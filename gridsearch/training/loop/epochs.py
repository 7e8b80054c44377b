"""The epochs of members by one strategy: who is trained in which, and what each epoch leaves behind."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gridsearch.config.batches import batch_sizes
from gridsearch.config.events import EpochRecord, LineageDiverged, LineageEvent, LineageFinished, LineageStopped
from gridsearch.config.trial import TrialConfig
from gridsearch.models.functions import AUGMENT
from gridsearch.training.loop.evaluation import Answers, Measured, tally_of, validate
from gridsearch.training.loop.member import Member, State
from gridsearch.training.loop.metrics import prepare_for
from gridsearch.training.loop.task import StopRequestedError, WorkerContext
from gridsearch.training.recipe.augmentation import draw_augmentation
from gridsearch.training.recipe.own_augmentation import OwnAugmentation
from gridsearch.training.recipe.own_functions import planned_function
from gridsearch.training.recipe.randomness import derive, epoch_order, seed_everything
from gridsearch.training.recipe.schedules import learning_rates
from gridsearch.training.strategies.base import Strategy


def advance(members: Sequence[Member], context: WorkerContext, make_strategy: type[Strategy]) -> Iterator[LineageEvent]:
    """Train epoch by epoch, always those that are furthest behind, so that all come to stand at the same epoch.

    A kill between the checkpoints of a pack leaves some of it an epoch ahead: these are among its models once more, and
    what it makes of them is dropped. So those behind have neighbours as if nothing had happened, and the same numbers.
    """
    if members:
        prepare_for([*members[0].config.metrics, *members[0].config.train_metrics])
    for member in members:
        if member.done and not member.ended:
            member.finalize()
            yield _end(member)
    strategy: Strategy | None = None
    inside: list[Member] = []
    while alive := [member for member in members if not member.done]:
        epoch = min(member.next_epoch for member in alive)
        until = together_until([member.next_epoch for member in alive])
        active = [member for member in alive if member.next_epoch <= until]
        behind = [member for member in active if member.next_epoch == epoch]
        if strategy is None or behind != active or not may_stay(strategy, inside, active):
            own = [member if member.next_epoch == epoch else member.standing_in(behind[0]) for member in active]
            strategy, inside = make_strategy(own), active
        records, states = do_epoch(strategy, inside, context, epoch, trained=len(behind))
        for member, record, state in zip(inside, records, states, strict=True):
            if not member.done and member.next_epoch == epoch:
                yield from _take(member, record, state)
        if behind != active:
            strategy = None


def together_until(next_epochs: Sequence[int]) -> int:
    """Return up to which next epoch members are trained together, given those of all that are not done."""
    return max(next_epochs) if max(next_epochs) - min(next_epochs) <= 1 else min(next_epochs)


def do_epoch(
    strategy: Strategy, inside: Sequence[Member], context: WorkerContext, epoch: int, *, trained: int
) -> tuple[list[EpochRecord], list[State]]:
    """Do one epoch; its time is shared evenly by those `trained`, as all were trained at once."""
    started = time.perf_counter()
    seed_everything(derive(strategy.configs[0].seed, "draws", epoch))
    steps = strategy.configs[0].steps_of_epoch(len(context.train))
    places = (context.model_search,)
    strategy.start_epoch(
        [learning_rates(one.config, max(epoch, 1), steps, one.val_losses[:epoch], *places) for one in inside]
    )
    train = measure_untrained(strategy, context) if epoch == 0 else train_epoch(strategy, context, epoch)
    of_classes = not context.validation.targets_are_numbers
    answers = Answers() if of_classes and any(one.may_be_read_at(epoch) for one in inside) else None
    with strategy.averaged():
        validation = validate(strategy, context.validation, answers=answers)
    correct = answers.packed() if answers else [b""] * len(inside)
    seconds = (time.perf_counter() - started) / trained
    records = [
        EpochRecord(
            member.task.lineage_id,
            member.task.attempt,
            epoch,
            *of_train[:2],
            *of_validation[:2],
            rate,
            seconds,
            of_train[2] | of_validation[2],
            own,
        )
        for member, of_train, of_validation, rate, own in zip(
            inside, train, validation, strategy.rates, correct, strict=True
        )
    ]
    return records, strategy.states()


def _take(member: Member, record: EpochRecord, state: State) -> Iterator[LineageEvent]:
    """Have a member take over what an epoch made of it, and tell."""
    finite = is_finite(record)
    record = member.advance(record, state) if finite else replace(record, correct=b"")
    if record.epoch > member.task.recorded_epoch or not finite:
        yield record
    if not finite:
        member.ended = True
        yield LineageDiverged(member.task.lineage_id, member.task.attempt, record.epoch)
    elif member.done:
        yield _end(member)


def _end(member: Member) -> LineageFinished | LineageStopped:
    member.ended = True
    task, stop = member.task, member.stopping_epoch
    if stop is None:
        return LineageFinished(task.lineage_id, task.attempt)
    return LineageStopped(task.lineage_id, task.attempt, stop)


def may_stay(strategy: Strategy, inside: Sequence[object], active: Sequence[object]) -> bool:
    """Whether a strategy goes on: all that are to be trained are in it, and not too many that have ended."""
    if len(active) < len(inside) and not (strategy.costly and 2 * len(active) > len(inside)):
        return False
    return all(member in inside for member in active)


def measure_untrained(strategy: Strategy, context: WorkerContext) -> list[Measured]:
    """Return each model's loss (about ln K), accuracy (about 1 / K) and metrics before the first step."""
    images, _ = next(context.train.in_order(2))
    strategy.check(images)
    return validate(strategy, context.train, "train")


def train_epoch(strategy: Strategy, context: WorkerContext, epoch: int) -> list[Measured]:
    """Train one epoch; return each model's loss, accuracy and metrics over the epoch's own batches."""
    config, train = strategy.configs[0], context.train
    order = epoch_order(len(train), data_seed=config.data_seed, epoch=epoch)
    augmentation = draw_augmentation(config, len(train), train.image_shape, epoch, context.device)
    own = own_augmentation(config, context, epoch)
    strategy.begin_batches(batch_sizes(len(train), config.batch_size, config.last_batch))
    tally = tally_of(strategy, train)
    wanted = strategy.meter.wants("train")
    outputs: list[Tensor] = []
    labels: list[Tensor] = []
    for part, original, sizes in train.chunks(order, config.batch_size, config.last_batch):
        if context.stop():
            raise StopRequestedError
        pixels = augmentation(original, tally.count) if augmentation else original
        if own:
            pixels = own(pixels)
        targets = context.targets(part, pixels, changed=augmentation is not None or own is not None)
        logits = strategy.train_chunk(train.normalized(pixels), targets, sizes)
        tally.add(logits, targets.labels, sizes)
        if wanted:
            outputs.append(logits)
            labels.append(targets.labels)
    more: list[dict[str, float]] = [{} for _ in strategy.configs]
    if wanted:
        more = strategy.meter.measured("train", outputs, torch.cat(labels), train.targets)
    return [(*both, measured) for both, measured in zip(tally.means(), more, strict=True)]


def own_augmentation(config: TrialConfig, context: WorkerContext, epoch: int) -> OwnAugmentation | None:
    """Return the transform of the user's that changes the images of an epoch, if there is one."""
    if not config.augment:
        return None
    function = planned_function(AUGMENT, config.augment, config.augment_code, context.model_search)
    seed = derive(config.data_seed, "augment", epoch)
    return OwnAugmentation(function, config.augment_settings, image_shape=context.train.image_shape, seed=seed)


def is_finite(record: EpochRecord) -> bool:
    """Whether both losses of an epoch are finite."""
    return abs(record.train_loss) < float("inf") and abs(record.val_loss) < float("inf")

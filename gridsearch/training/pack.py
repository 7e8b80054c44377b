"""Training a pack: its lineages' events as one stream, in which no lineage's misfortune touches another."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence

import torch

from gridsearch.errors import GridsearchError, StorageError
from gridsearch.models.registry import one_line
from gridsearch.spec.outcomes import (
    EpochRecord,
    FormMeasured,
    LineageDiverged,
    LineageFailed,
    LineageFinished,
    WorkerEvent,
)
from gridsearch.training.choosing import (
    ALONE,
    FORMS,
    STEPS_WORTH_A_PROBE,
    candidates,
    fastest,
    is_out_of_memory,
    measure,
    measurement,
    remembered,
)
from gridsearch.training.compatibility import draws_numbers, kind_of, shape_of
from gridsearch.training.evaluation import Tally, evaluate
from gridsearch.training.form import Form
from gridsearch.training.member import Member
from gridsearch.training.outputs import check_logits
from gridsearch.training.randomness import derive, epoch_order
from gridsearch.training.single import Single
from gridsearch.training.task import LineageTask, Pack, StopRequestedError, Workplace


def train_pack(pack: Pack, workplace: Callable[[int], Workplace]) -> Iterator[WorkerEvent]:
    """Yield what happens to each lineage of the pack until all are done or a stop.

    `workplace` gives the place to train for a data seed. Raises `StorageError` when checkpoints cannot be written.
    """
    for group in pack.groups:
        try:
            for members in (yield from _of_one_kind(group, workplace)):
                yield from train_group(members, workplace(members[0].config.data_seed), pack.measured)
        except StopRequestedError:
            return


def _of_one_kind(
    tasks: Sequence[LineageTask], workplace: Callable[[int], Workplace]
) -> Generator[WorkerEvent, None, list[list[Member]]]:
    """Return the tasks as members, by kind; those whose model cannot be built have failed."""
    kinds: dict[Hashable, list[Member]] = {}
    for task in tasks:
        place = workplace(task.config.data_seed)
        if place.stop():
            raise StopRequestedError
        try:
            member = Member(task, place)
            draws = draws_numbers(member.module, place.train.image_shape)
            kind = kind_of(member.config, shape_of(member.module), draws=draws)
        except Exception as error:
            yield failed(task, error)
        else:
            kinds.setdefault(kind, []).append(member)
    return list(kinds.values())


def train_group(
    members: Sequence[Member], place: Workplace, measured: Sequence[FormMeasured] = ()
) -> Iterator[WorkerEvent]:
    """Train members of one kind to their ends, in the form that is fastest as measured before or now."""
    for member in members:
        yield from member.known_records()
    yield from _train_in_best_form(members, place, measured)


def _train_in_best_form(
    members: Sequence[Member], place: Workplace, measured: Sequence[FormMeasured]
) -> Iterator[WorkerEvent]:
    form: str | None = ALONE
    if candidates(members):
        seconds = remembered(measured, members, place)
        if not seconds and _steps(members, place) >= STEPS_WORTH_A_PROBE:
            found = measure(members, place)
            yield from found
            seconds = {one.form: one.seconds for one in found}
        form = fastest(seconds) if seconds else _unmeasured(members)
    if form is None:
        for half in halves(members):
            yield from _train_in_best_form(half, place, measured)
    elif form == ALONE:
        for member in members:
            yield from _train([member], place, ALONE)
    else:
        yield from _train(members, place, form)


def _train(members: Sequence[Member], place: Workplace, form: str) -> Iterator[WorkerEvent]:
    """Train members in a form to their ends; where it raises, each half goes on by itself, down to the one to blame."""
    try:
        yield from _advance(members, place, Single if form == ALONE else FORMS[form])
    except (StopRequestedError, StorageError):
        raise  # of no lineage's making
    except Exception as error:
        left = [member for member in members if not member.done]
        if form == ALONE:
            left[0].ended = True
            yield failed(left[0].task, error)
            return
        if is_out_of_memory(error):
            yield measurement(form, members, place, None)
        del error
        for half in halves(left):
            yield from _train(half, place, form if len(half) > 1 else ALONE)


def halves(members: Sequence[Member]) -> list[Sequence[Member]]:
    """Return the members in two parts, or in one if there is only one."""
    middle = len(members) // 2
    return [members[:middle], members[middle:]] if middle else [members]


def _advance(members: Sequence[Member], place: Workplace, make_form: type[Form]) -> Iterator[WorkerEvent]:
    """Train epoch by epoch, always those that are furthest behind, so that all come to stand at the same epoch."""
    for member in members:
        if member.done and not member.ended:
            member.ended = True
            yield LineageFinished(member.task.lineage_id, member.task.attempt)
    form: Form | None = None
    inside: list[Member] = []
    while alive := [member for member in members if not member.done]:
        epoch = min(member.next_epoch for member in alive)
        active = [member for member in alive if member.next_epoch == epoch]
        if form is None or active != inside:
            form, inside = make_form(active, place), active
        started = time.perf_counter()
        torch.manual_seed(derive(active[0].config.seed, "draws", epoch))
        train = measure_untrained(form) if epoch == 0 else train_epoch(form, epoch)
        validation = evaluate(form, place.validation)
        states = form.states()
        share = (time.perf_counter() - started) / len(active)
        for member, of_train, of_validation, rate, state in zip(
            active, train, validation, form.rates, states, strict=True
        ):
            record = _record(member, epoch, of_train, of_validation, rate, share)
            finite = is_finite(record)
            if finite:
                member.advance(record, state)
            if record.epoch > member.task.recorded_epoch or not finite:
                yield record
            if not finite:
                member.ended = True
                yield LineageDiverged(member.task.lineage_id, member.task.attempt, epoch)
            elif member.done:
                member.ended = True
                yield LineageFinished(member.task.lineage_id, member.task.attempt)


def measure_untrained(form: Form) -> list[tuple[float, float]]:
    """Return each model's loss and accuracy before the first step: about ln K and 1 / K for balanced classes."""
    form.start_epoch(1)
    images, _ = next(form.place.train.in_order(2))
    check_logits(form.logits(images)[0], len(images), form.place.num_classes)
    return evaluate(form, form.place.train)


def train_epoch(form: Form, epoch: int) -> list[tuple[float, float]]:
    """Train one epoch; return each model's loss and accuracy, means over the epoch's own batches."""
    place, config = form.place, form.configs[0]
    form.start_epoch(epoch)
    order = epoch_order(len(place.train), data_seed=config.data_seed, epoch=epoch)
    tally = Tally.of(form.size, place.device)
    for images, labels in place.train.chunks(order, config.batch_size):
        if place.stop():
            raise StopRequestedError
        tally.add(form.train_chunk(images, labels, config.batch_size), labels)
    return tally.means()


def is_finite(record: EpochRecord) -> bool:
    """Whether both losses of an epoch are finite."""
    return abs(record.train_loss) < float("inf") and abs(record.val_loss) < float("inf")


def failed(task: LineageTask, error: Exception) -> LineageFailed:
    """Return the event of a lineage whose training raised."""
    text = str(error) if isinstance(error, GridsearchError) else one_line(error)
    return LineageFailed(task.lineage_id, task.attempt, text, "".join(traceback.format_exception(error)))


def _record(
    member: Member,
    epoch: int,
    train: tuple[float, float],
    validation: tuple[float, float],
    rate: float,
    seconds: float,
) -> EpochRecord:
    return EpochRecord(member.task.lineage_id, member.task.attempt, epoch, *train, *validation, rate, seconds)


def _steps(members: Sequence[Member], place: Workplace) -> int:
    epochs = max(member.config.epochs - member.next_epoch + 1 for member in members)
    return epochs * -(-len(place.train) // members[0].config.batch_size)


def _unmeasured(members: Sequence[Member]) -> str:
    """Return the form for a training too short to measure."""
    return "concatenated" if "concatenated" in candidates(members) else ALONE

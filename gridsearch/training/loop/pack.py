"""Training a pack: its lineages' events as one stream, in which no lineage's misfortune touches another."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence

from gridsearch.config.events import FormMeasured, LineageFailed, WorkerEvent
from gridsearch.config.trial import TrialConfig
from gridsearch.errors import StorageError, one_line
from gridsearch.training.loop.blame import charged, charged_events
from gridsearch.training.loop.epochs import advance
from gridsearch.training.loop.member import Member
from gridsearch.training.loop.task import LineageTask, Pack, StopRequestedError, Workplace
from gridsearch.training.stacking.autotune import (
    ALONE,
    FORMS,
    STEPS_WORTH_A_PROBE,
    candidates,
    fastest,
    is_out_of_memory,
    measure,
    measurement,
    remembered,
    unmeasured,
)
from gridsearch.training.stacking.formations import placed
from gridsearch.training.stacking.grouping import Behaviour, Kind, behaviour_of, kind_of, shape_of
from gridsearch.training.stacking.parity import proved
from gridsearch.training.strategies.sequential import Single
from gridsearch.user_code import told

_log = logging.getLogger(__name__)


def train_pack(pack: Pack, workplace: Callable[[TrialConfig], Workplace]) -> Iterator[WorkerEvent]:
    """Yield what happens to each lineage of the pack until all are done or a stop.

    `workplace` gives the place to train in. Raises `StorageError` when checkpoints cannot be written.
    """
    for group in pack.groups:
        try:
            for members in (yield from _of_one_kind(group, workplace)):
                yield from train_group(members, workplace(members[0].config), pack.measured)
        except StopRequestedError:
            return


def _of_one_kind(
    tasks: Sequence[LineageTask], workplace: Callable[[TrialConfig], Workplace]
) -> Generator[WorkerEvent, None, list[list[Member]]]:
    """Return the tasks as members, by kind; those whose model cannot be built have failed."""
    kinds: dict[Kind, list[Member]] = {}
    behaviours: dict[Hashable, Behaviour] = {}
    for task in tasks:
        try:
            place = charged(workplace)(task.config)  # which may build a teacher
            if place.stop():
                raise StopRequestedError
            member = charged(Member)(task, place)
            shape = charged(shape_of)(member.module, member.config)
            if shape not in behaviours:
                behaviours[shape] = charged(behaviour_of)(member.module, place.train.image_shape)
            kind = kind_of(member.config, shape, behaviours[shape])
        except (StopRequestedError, StorageError):
            raise
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
    if names := candidates(members):
        steps = _steps(members, place)
        seconds = remembered(measured, members, place)
        if steps >= STEPS_WORTH_A_PROBE:
            found = measure(members, place, steps, seconds)
            yield from found
            seconds |= {one.form: one.seconds for one in found}
        form = fastest(seconds, steps) if seconds else unmeasured(dense="concatenated" in names)
    if form is None:
        for half in halves(members):
            yield from _train_in_best_form(half, place, measured)
    elif form == ALONE:
        for member in members:
            yield from _train([member], place, ALONE)
    else:
        yield from _train_once_proved(members, place, form)


def _train_once_proved(members: Sequence[Member], place: Workplace, form: str) -> Iterator[WorkerEvent]:
    """Train in a form those members that get in it what they get alone, and the others alone."""
    agreed = proved(FORMS[form].proved_by or FORMS[form], members, place) if len(members) > 1 else [False]
    if agreed is None:
        yield measurement(form, members, place, None)
        for half in halves(members):
            yield from _train_once_proved(half, place, form)
        return
    sound = [member for member, fits in zip(members, agreed, strict=True) if fits]
    if len(sound) > 1:
        yield from _train(sound, place, form)
    for member in members:
        if len(sound) < 2 or member not in sound:
            yield from _train([member], place, ALONE)


def _train(members: Sequence[Member], place: Workplace, form: str) -> Iterator[WorkerEvent]:
    """Train members in a form to their ends; where it raises, each half goes on by itself, down to the one to blame."""
    try:
        if form == ALONE:
            charged(members[0].rebuild)(place)
        yield from placed(members, place.device, form)
        yield from charged_events(advance(members, place, Single if form == ALONE else FORMS[form]))
        return
    except (StopRequestedError, StorageError):
        raise  # of no lineage's making
    except Exception as error:
        if form == ALONE:
            members[0].ended = True
            yield failed(members[0].task, error)
            return
        too_large = is_out_of_memory(error)
        _log.info("%s: %d models go on in halves after %s", form, len(members), one_line(error))
    # Not within `except`: there the error lives on, and with it the form that raised, in memory that may be full.
    if too_large:
        yield measurement(form, members, place, None)
    left = [member for member in members if not member.done]
    for half in halves(left):
        yield from _train(half, place, form if len(half) > 1 else ALONE)


def halves(members: Sequence[Member]) -> list[Sequence[Member]]:
    """Return the members in two parts, or in one if there is only one."""
    middle = len(members) // 2
    return [members[:middle], members[middle:]] if middle else [members]


def failed(task: LineageTask, error: Exception) -> LineageFailed:
    """Return the event of a lineage whose training raised."""
    return LineageFailed(task.lineage_id, task.attempt, told(error), "".join(traceback.format_exception(error)))


def _steps(members: Sequence[Member], place: Workplace) -> int:
    epochs = max(member.config.epochs - member.next_epoch + 1 for member in members)
    return epochs * members[0].config.steps_of_epoch(len(place.train))

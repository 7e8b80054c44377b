"""Choosing how a group of lineages is trained, by trying: the fastest strategy for these models on this machine."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import os
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

import torch

from gridsearch.config.events import StrategyMeasured
from gridsearch.config.losses import CROSS_ENTROPY, UNWEIGHTED
from gridsearch.config.trial import TrialConfig
from gridsearch.errors import one_line
from gridsearch.training.loop.blame import charged
from gridsearch.training.loop.member import Member
from gridsearch.training.loop.task import StopRequestedError, WorkerContext
from gridsearch.training.recipe.optimizers import RuleKind
from gridsearch.training.recipe.randomness import epoch_order
from gridsearch.training.recipe.schedules import learning_rates
from gridsearch.training.stacking.formations import device_kind
from gridsearch.training.strategies.base import Strategy
from gridsearch.training.strategies.compiled import Compiled, why_not_compiled
from gridsearch.training.strategies.concatenated import Concatenated, dense_layers, may_concatenate
from gridsearch.training.strategies.graphed import Graphed
from gridsearch.training.strategies.sequential import Single
from gridsearch.training.strategies.stacked import Stacked

_log = logging.getLogger(__name__)

ALONE = "alone"
STRATEGIES: dict[str, type[Strategy]] = {
    "concatenated": Concatenated,
    "stacked": Stacked,
    "graphed": Graphed,
    "compiled": Compiled,
}
#: How long and how many steps a strategy is tried, after its first `WARM_UP` steps.
PROBE_SECONDS, PROBE_STEPS, WARM_UP = 0.15, 20, 2
#: How many of the members are tried when all are tried alone.
TRIED_ALONE = 4
#: Trying is worth it from so many steps per model on; below, dense networks are concatenated and others stay alone.
STEPS_WORTH_A_PROBE = 500
#: Compiling is worth its time where training takes so long without.
SECONDS_WORTH_COMPILING = 60.0
#: A strategy must be this much faster than training alone to be chosen: trying is not exact.
MARGIN = 0.95


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why so many members, of one model, are not trained by a strategy."""

    strategy: str
    members: int
    model: str
    why: str

    def __str__(self) -> str:
        """Return it as a line: `stacked: refused for 3 models of nets:Net: it raised`."""
        return f"{self.strategy}: refused for {self.members} models of {self.model}: {self.why}"


#: Who gathers refusals; by default they are only logged.
_refusals: ContextVar[deque[Refusal] | list[Refusal]] = ContextVar("refusals", default=deque(maxlen=0))  # noqa: B039


def candidates(members: Sequence[Member]) -> list[str]:
    """Return the names of the strategies that these members, all of one kind, can take together without compiling."""
    if len(members) < 2:
        return []
    dense = may_concatenate(members[0].config) and dense_layers(members[0].module) is not None
    same = len({json.dumps(sorted(member.config.hyper.items()), default=str) for member in members}) == 1
    stackable = ["stacked", "graphed"] if members[0].device.type == "cuda" else ["stacked"]
    return (["concatenated"] if dense else []) + ([] if dense and not same else stackable)


def workload(configs: Sequence[TrialConfig], image_shape: tuple[int, ...], num_classes: int) -> str:
    """Return what decides how fast these lineages train together, as a digest: models, batch, rule, images."""
    first = configs[0]
    content = [
        first.model,
        first.model_code,
        sorted(json.dumps(config.hyper, sort_keys=True) for config in configs),
        first.batch_size,
        repr(RuleKind.of(*configs)),
        [first.precision, first.clip_norm > 0, first.label_smoothing > 0, first.freeze, first.distillation],
        # Left out where nothing is averaged or added up: what was measured before is still found.
        *(["ema"] if first.ema else []),
        *(["accumulate"] if first.accumulate > 1 else []),
        list(image_shape),
        num_classes,
    ]
    if first.loss != CROSS_ENTROPY or first.class_weights != UNWEIGHTED:
        content.append([first.loss, first.loss_code, first.loss_hyper, first.class_weights != UNWEIGHTED])
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def machine(device: torch.device, threads: int) -> str:
    """Return what tells this machine's speed from another's: the GPU, or the processor and the number of threads."""
    with_torch = f"torch {torch.__version__}"
    if device.type == "cuda":
        return f"{device_kind(device)}, {with_torch}"
    return f"{device_kind(device)}, {threads} of {os.cpu_count()} threads, {with_torch}"


def measure(
    members: Sequence[Member], context: WorkerContext, steps: int, known: Mapping[str, float | None]
) -> list[StrategyMeasured]:
    """Try those strategies these members can take for so many steps, alone included, of which nothing is known.

    A strategy that fails is not in the answer. `StopRequestedError` where a stop is wanted before one is tried.
    """
    seconds = dict(known)
    found = []
    names = [ALONE, *candidates(members)]
    # Tried last, and only where it pays, which the others tell. It was never faster than concatenation.
    # Features are captured by a hook, which compiled code would run only once.
    hooked = members[0].config.distillation == "hidden"
    if "concatenated" not in names and not hooked and not why_not_compiled(context.device):
        names.append("compiled")
    for name in names:
        if name in seconds or (name == "compiled" and not _worth_compiling(seconds, steps)):
            continue
        if context.stop():
            raise StopRequestedError
        try:
            seconds[name] = charged(_try)(name, members, context)
        except Exception as error:  # whatever is wrong with a strategy, another one is taken
            if not is_out_of_memory(error):
                refuse(name, members, one_line(error))
                continue
            _log.info("%s: not enough memory for %d models of %s", name, len(members), members[0].config.model)
            seconds[name] = None
        found.append(measurement(name, members, context, seconds[name]))
    return found


def refuse(strategy: str, members: Sequence[Member], why: str) -> None:
    """Note that members are not trained by a strategy, and why: in the log, and for who `refusals` are for."""
    found = Refusal(strategy, len(members), members[0].config.model, why)
    _log.info("%s", found)
    _refusals.get().append(found)


@contextlib.contextmanager
def refusals() -> Iterator[list[Refusal]]:
    """Gather what is refused within."""
    found: list[Refusal] = []
    token = _refusals.set(found)
    try:
        yield found
    finally:
        _refusals.reset(token)


def measurement(
    strategy: str, members: Sequence[Member], context: WorkerContext, seconds: float | None
) -> StrategyMeasured:
    """Return a measurement of these members by a strategy."""
    where, key = _names(members, context)
    return StrategyMeasured(where, key, strategy, len(members), members[0].config.batch_size, seconds)


def remembered(
    measured: Sequence[StrategyMeasured], members: Sequence[Member], context: WorkerContext
) -> dict[str, float | None]:
    """Return the seconds by strategy that are known of just these members on this machine."""
    return known(measured, *_names(members, context))


def known(measured: Sequence[StrategyMeasured], where: str, key: str) -> dict[str, float | None]:
    """Return the seconds by strategy that are known of a workload on a machine."""
    return {one.strategy: one.seconds for one in measured if (one.machine, one.workload) == (where, key)}


def _names(members: Sequence[Member], context: WorkerContext) -> tuple[str, str]:
    configs = [member.config for member in members]
    where = machine(context.device, torch.get_num_threads())
    return where, workload(configs, context.train.image_shape, context.num_classes)


def fastest(seconds: Mapping[str, float | None], steps: int) -> str | None:
    """Return the name of the strategy to take for so many steps, given the seconds of a step of all models by each.

    None means that the models should be split: together they do not fit into memory.
    """
    fitting = {name: value for name, value in seconds.items() if value is not None}
    if not _worth_compiling(fitting, steps):
        fitting.pop("compiled", None)
    best = min(fitting, key=lambda name: fitting[name], default=ALONE)
    if best != ALONE and fitting[best] <= MARGIN * fitting.get(ALONE, math.inf):
        return best
    return None if None in seconds.values() else ALONE


def unmeasured(*, dense: bool) -> str:
    """Return the strategy for a training too short to measure."""
    return "concatenated" if dense else ALONE


def _worth_compiling(seconds: Mapping[str, float | None], steps: int) -> bool:
    """Whether training takes long enough in the fastest strategy that needs no compiling."""
    others = [value for name, value in seconds.items() if name != "compiled" and value is not None]
    return min(others, default=0.0) * steps >= SECONDS_WORTH_COMPILING


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device's memory is full; on the CPU torch has no type of its own for that."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


def _try(name: str, members: Sequence[Member], context: WorkerContext) -> float:
    """Return the seconds that a step of all members takes by a strategy; what it trains is thrown away."""
    if name != ALONE:
        return _step_seconds(STRATEGIES[name](members), members[0].config, context)
    # Members may be of different widths: some stand for all.
    some = members[:: -(-len(members) // TRIED_ALONE)]
    times = [_step_seconds(Single([member.copied()]), member.config, context) for member in some]
    return sum(times) / len(times) * len(members)


def _step_seconds(strategy: Strategy, config: TrialConfig, context: WorkerContext) -> float:
    batch = config.batch_size
    images, _ = next(context.train.in_order(2))
    strategy.check(images)
    places = context.model_search
    strategy.start_epoch([learning_rates(one, 1, PROBE_STEPS, (), places) for one in strategy.configs])
    order = epoch_order(len(context.train), data_seed=config.data_seed, epoch=1)
    count = min(len(order) // batch, WARM_UP + PROBE_STEPS) * batch
    part, pixels, sizes = next(context.train.chunks(order[:count], batch))
    images, wanted = context.train.normalized(pixels), context.targets(part, pixels)
    batches = list(zip(torch.split(images, sizes), wanted.split(sizes), strict=True))
    warm_up = min(WARM_UP, len(batches) - 1)
    for one, targets in batches[:warm_up]:
        strategy.train_chunk(one, targets, [batch])
    started, steps = _now(context.device), 0
    for one, targets in batches[warm_up:]:
        strategy.train_chunk(one, targets, [batch])
        steps += 1
        if time.perf_counter() - started > PROBE_SECONDS:
            break
    return (_now(context.device) - started) / steps


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()

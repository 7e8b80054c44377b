"""Learning-rate schedules: pure functions of the recipe, the epoch and the validation losses before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from gridsearch.config.trial import Recipe, TrialConfig
from gridsearch.models.functions import SCHEDULE
from gridsearch.training.recipe.own_functions import planned_function
from gridsearch.training.recipe.own_schedule import factors

#: Of one_cycle: the share of the steps in which the rate rises, and how far below its highest it starts and ends.
RISE, START, END = 0.3, 25.0, 1e4
#: Of plateau: how much lower, relatively, a loss must be to count, and the smallest fall of a rate that is made.
PLATEAU_THRESHOLD, LEAST_FALL = 1e-4, 1e-8


def learning_rates(
    recipe: TrialConfig, epoch: int, steps: int, val_losses: Sequence[float], search: Sequence[Path] = ()
) -> list[float]:
    """Return the learning rates of an epoch: one for each of its steps, or a single one for all.

    * `step`: times `gamma` after every `step_size` epochs, as `StepLR`.
    * `cosine`: from the full rate along half a cosine over the trial's epochs, stepping once an epoch, as
      `CosineAnnealingLR` (Loshchilov and Hutter, 2017, https://arxiv.org/abs/1608.03983, without restarts).
    * `polynomial`: the `power` of the share of the trial's epochs that is left, stepping once an epoch, as
      `PolynomialLR`.
    * `one_cycle`: up and down within the trial, step by step, as `OneCycleLR` with its defaults, but without its cycle
      of momentum (Smith and Topin, 2018, https://arxiv.org/abs/1708.07120).
    * `plateau`: times `gamma` whenever the loss has not fallen for more than `plateau_patience` epochs, as
      `ReduceLROnPlateau` with its defaults.

    * `module:function`: times what a function of the user's returns (`own_schedule.py`), as `LambdaLR`.

    With a warm-up the rate first rises step by step, as `LinearLR`, and the schedule, but for `one_cycle`, begins where
    that ends, as by `SequentialLR`: it has the remaining epochs, and counts them from there.

    The names are those of `torch.optim.lr_scheduler`
    (https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate).

    Args:
        recipe: The schedule and its settings.
        epoch: The epoch; the first is 1.
        steps: The number of the optimiser's steps in an epoch.
        val_losses: The validation losses of the epochs before, the untrained model's first.
        search: The folders in which a user's own function may lie.
    """
    first = (epoch - 1) * steps
    if recipe.schedule == "one_cycle":
        total = recipe.epochs * steps
        return [recipe.learning_rate * _one_cycle(step, total) for step in range(first, first + steps)]
    warm = _warm_steps(recipe, steps)
    if ":" in recipe.schedule:
        return _of_function(recipe, range(first, first + steps), warm, search)
    if not warm:
        return [_of_epoch(recipe, epoch - 1, recipe.epochs, val_losses[1:])]
    left = (recipe.epochs * steps - warm) / steps
    # Of the epochs that begin after the warm-up.
    losses = val_losses[1 + -(-warm // steps) :]
    rates = [
        _warm(recipe, step / warm) if step < warm else _of_epoch(recipe, (step - warm) // steps, left, losses)
        for step in range(first, first + steps)
    ]
    return rates[:1] if len(set(rates)) == 1 else rates


def _of_function(recipe: TrialConfig, epoch: range, warm: int, search: Sequence[Path]) -> list[float]:
    """Return the rates of an epoch's steps under a function of the user's."""
    function = planned_function(SCHEDULE, recipe.schedule, recipe.schedule_code, search)
    left = (recipe.epochs * len(epoch) - warm) / len(epoch)
    at = factors(function, recipe.schedule_settings, steps=len(epoch), epochs=left)
    rates = [_warm(recipe, step / warm) if step < warm else recipe.learning_rate * at(step - warm) for step in epoch]
    return rates[:1] if len(set(rates)) == 1 else rates


def _warm_steps(recipe: Recipe, steps: int) -> int:
    """Return how many steps the warm-up has, one at least where there is any."""
    return max(1, round(recipe.warmup_epochs * steps)) if recipe.warmup_epochs else 0


def _warm(recipe: Recipe, share: float) -> float:
    """Return the rate after a share of the warm-up's steps."""
    return recipe.learning_rate * (recipe.warmup_start + (1 - recipe.warmup_start) * share)


def _of_epoch(recipe: Recipe, before: int, total: float, val_losses: Sequence[float]) -> float:
    """Return the rate of an epoch of a schedule by epochs, after so many of it, of `total`, with their losses."""
    if recipe.schedule == "plateau":
        return _plateau(recipe, val_losses)
    if recipe.schedule == "step":
        return recipe.learning_rate * recipe.gamma ** (before // recipe.step_size)
    if recipe.schedule == "cosine":
        return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * before / total))
    if recipe.schedule == "polynomial":
        return recipe.learning_rate * math.pow(1 - before / total, recipe.power)
    return recipe.learning_rate


def _one_cycle(step: int, total: int) -> float:
    """Return the share of the highest rate at a step, the first being 0."""
    top = RISE * total - 1
    if step <= top:
        return _between(1 / START, 1.0, step / top)
    return _between(1.0, 1 / START / END, (step - top) / (total - 1 - top))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def _plateau(recipe: Recipe, val_losses: Sequence[float]) -> float:
    rate, lowest, waited = recipe.learning_rate, math.inf, 0
    for loss in val_losses:
        if loss < lowest * (1 - PLATEAU_THRESHOLD):
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited > recipe.plateau_patience:
            lower, waited = max(rate * recipe.gamma, recipe.min_learning_rate), 0
            rate = lower if rate - lower > LEAST_FALL else rate
    return rate

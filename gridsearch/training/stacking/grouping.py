"""Which lineages may be trained as one: those of the same stack group."""

from __future__ import annotations

import copy
import logging
from collections.abc import Hashable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from gridsearch.config.trial import AUGMENTATIONS, Recipe, TrialConfig
from gridsearch.errors import one_line
from gridsearch.models.examples import Whole, made_up
from gridsearch.models.modes import in_mode
from gridsearch.models.seeding import RandomStates
from gridsearch.training.recipe.optimizers import RuleKind
from gridsearch.training.stacking.structure import structure_of
from gridsearch.training.strategies.concatenated import dense_layers, may_concatenate, steps_at_once

_log = logging.getLogger(__name__)

_DENSE = "dense"


def shape_of(model: nn.Module, recipe: Recipe, *, cautious: bool = False) -> Hashable | None:
    """Return what models must have in common to be trained as one, or None for a model that is only trained alone.

    Of dense ReLU networks that is the names and the order of the layers and parameters, of others the structure.
    A `cautious` look does not run what the model does while training, and so may take it for dense where it is not.
    """
    modes = (False,) if cautious else (True, False)
    if may_concatenate(recipe) and (layers := dense_layers(model, modes)):
        return (_DENSE, *layers, *(name for name, _ in model.named_parameters()))
    return structure_of(model)


@dataclass(frozen=True)
class Behaviour:
    """What a model was seen to do with two images.

    `draws`: it draws random numbers. `remembers`: it keeps something between calls that is not in its state dict, so
    it must stay one module from its first epoch to its last. Both are taken for granted where it could not be tried.
    """

    draws: bool
    remembers: bool


@dataclass(frozen=True)
class StackGroup:
    """What lineages have in common that may be trained as one; lineages are of one stack group where this is equal.

    `model` is what configurations call it: two models are not trained as one, however alike they look. `images` tells
    the batches and how they are computed with, `optimizer` and `nesterov` the optimiser, `shape` the models (see
    `shape_of`; unique for a model that is only trained alone), `seed` the draws of models that draw. Learning rates and
    their schedules, momentum, penalties, label smoothing, limits of gradients, early stopping and dropout probabilities
    are no part of it. Only of dense networks those with `plain` gradient descent keep to themselves: they have a faster
    step of their own.
    """

    model: str
    images: Hashable
    optimizer: str
    nesterov: bool
    shape: Hashable
    seed: int | None
    plain: bool = False

    @property
    def is_dense(self) -> bool:
        """Whether it is of dense ReLU networks."""
        return isinstance(self.shape, tuple) and self.shape[:1] == (_DENSE,)


def stack_group_of(config: TrialConfig, shape: Hashable | None, behaviour: Behaviour) -> StackGroup:
    """Return the stack group of a lineage; it has no other where `shape` is None or the model remembers anything."""
    alone = shape is None or behaviour.remembers
    changes = (
        config.normalization,
        config.precision,
        config.distillation,
        config.teacher,
        (config.metrics, config.train_metrics, repr(sorted(config.metric_codes.items()))),
        (config.loss, config.loss_code, repr(sorted(config.loss_hyper.items()))),
        (config.augment, config.augment_code, repr(sorted(config.augment_settings.items()))),
        config.accumulate,
        config.ema > 0,
        *(getattr(config, key) for key in AUGMENTATIONS),
    )
    images = (config.dataset, config.split, config.split_key, config.batch_size, config.last_batch, changes)
    seed, rule = config.seed if behaviour.draws else None, RuleKind.of(config)
    kind = StackGroup(config.model, images, rule.optimizer, rule.nesterov, object() if alone else shape, seed)
    return replace(kind, plain=steps_at_once(config)) if kind.is_dense else kind


def behaviour_of(model: nn.Module, image_shape: tuple[int, ...], whole: Whole = None) -> Behaviour:
    """Try a copy of a model on the CPU, training and evaluating; leaves the global generators as they were."""
    before = RandomStates.now()
    try:
        tried = copy.deepcopy(model)
        dtype = next((parameter.dtype for parameter in tried.parameters()), torch.float32)
        structure, kept = structure_of(in_mode(tried, training=True)), _unsaved(tried)
        with torch.no_grad():
            for mode in (True, False):
                examples = made_up(2, image_shape, whole)
                in_mode(tried, training=mode)(examples if whole else examples.to(dtype))
        draws = not before.same_as(RandomStates.now())
        now = _unsaved(tried)
        same = kept.keys() == now.keys() and all(torch.equal(kept[name], now[name]) for name in kept)
        return Behaviour(draws, remembers=not same or structure_of(in_mode(tried, training=True)) != structure)
    except Exception as error:  # the training itself tells what is wrong with it
        _log.info("a trial forward of %s failed, so it is not stacked: %s", type(model).__name__, one_line(error))
        return Behaviour(draws=True, remembers=True)
    finally:
        before.restore()


def _unsaved(model: nn.Module) -> dict[str, Tensor]:
    saved = set(model.state_dict())
    return {name: buffer.clone() for name, buffer in model.named_buffers() if name not in saved}

"""What packing must know about lineages, found by building their models: once for each of the models' settings."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Hashable
from dataclasses import dataclass

import torch
from torch import nn

from gridsearch.engine.packing import Traits
from gridsearch.engine.preparation import PreparedJob
from gridsearch.models.freezing import freeze
from gridsearch.models.registry import build_model
from gridsearch.models.seeding import random_states_kept, seed_everything
from gridsearch.search.plan import LineagePlan
from gridsearch.spec.trial import TrialConfig
from gridsearch.training.compatibility import Behaviour, kind_of, shape_of
from gridsearch.training.dense import may_concatenate
from gridsearch.training.draws import is_portable, make_portable
from gridsearch.training.profile import Profile, profile_of
from gridsearch.training.randomness import derive


@dataclass(frozen=True)
class _Found:
    shape: Hashable | None
    behaviour: Behaviour
    profile: Profile


class TraitsFinder:
    """Finds the traits of a job's lineages, as far as can be told without running a model; workers look closer."""

    def __init__(self, prepared: PreparedJob) -> None:
        self.prepared = prepared
        self._by_settings: dict[str, _Found] = {}

    def __call__(self, lineage: LineagePlan) -> Traits:
        """Return the traits of a lineage."""
        config = lineage.config
        settings = json.dumps([config.hyper, config.freeze, may_concatenate(config)], sort_keys=True)
        if settings not in self._by_settings:
            # What the user's code prints here would stand in the midst of a plan.
            with contextlib.redirect_stdout(io.StringIO()):
                self._by_settings[settings] = self._find(lineage.config)
        found = self._by_settings[settings]
        return Traits(kind_of(lineage.config, found.shape, found.behaviour), found.profile)

    def _find(self, config: TrialConfig) -> _Found:
        image_shape = self.prepared.dataset.image_shape
        try:
            with torch.device("meta"):
                model = self._built(config)
        except Exception:  # a model that needs numbers in its constructor is built with them
            model = self._built(config)
        freeze(model, config.freeze)
        # Trying the model is left to the workers: one that kills its process must not kill this one.
        draws = any(is_portable(module) for module in model.modules())
        return _Found(
            shape_of(model, config, cautious=True), Behaviour(draws, remembers=False), profile_of(model, image_shape)
        )

    def _built(self, config: TrialConfig) -> nn.Module:
        prepared = self.prepared
        with random_states_kept():
            seed_everything(derive(config.seed, "weights"))
            model = build_model(
                prepared.model,
                config.hyper,
                image_shape=prepared.dataset.image_shape,
                num_classes=prepared.dataset.num_classes,
                version=config.version,
            )
        return make_portable(model)

"""What packing must know about lineages, found by building their models: once for each of the models' settings."""

from __future__ import annotations

import json

from gridsearch.config.trial import TrialConfig
from gridsearch.engine.prepare.job_models import JobModels
from gridsearch.engine.prepare.model_questions import ModelEndedError, NotTriedError
from gridsearch.engine.prepare.probing import Looks
from gridsearch.engine.run.packing import LineageCost
from gridsearch.search.plan import LineagePlan
from gridsearch.training.stacking.grouping import Behaviour, stack_group_of
from gridsearch.training.stacking.profile import Profile
from gridsearch.training.strategies.concatenated import may_concatenate

#: Of a model that did not let itself be looked at: it is trained alone, and takes as good as nothing.
UNKNOWN = Looks(None, draws=True, profile=Profile(None, 0, 0.0))


class CostModel:
    """Finds the cost of a job's lineages, as far as can be told without running a model; workers look closer."""

    def __init__(self, models: JobModels) -> None:
        self.models = models
        self._by_settings: dict[str, Looks] = {}

    def __call__(self, lineage: LineagePlan) -> LineageCost:
        """Return the cost of a lineage."""
        config = lineage.config
        settings = json.dumps(
            [config.dataset, config.model, config.hyper, config.freeze, may_concatenate(config)], sort_keys=True
        )
        if settings not in self._by_settings:
            self._by_settings[settings] = self._find(lineage.config)
        found = self._by_settings[settings]
        return LineageCost(stack_group_of(config, found.shape, Behaviour(found.draws, remembers=False)), found.profile)

    def _find(self, config: TrialConfig) -> Looks:
        try:
            return self.models.tried(config.model, config.dataset).looks(config)
        except (ModelEndedError, NotTriedError):
            return UNKNOWN

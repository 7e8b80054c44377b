"""A job's points, all or drawn at random, as trials: without those its rules leave out and without any trial twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any, Protocol

from gridsearch.config.identity import members_of, names_of, same_value
from gridsearch.config.job import JobSpec
from gridsearch.config.job_file import MODEL
from gridsearch.config.losses import PREFIX
from gridsearch.config.own_training import OWN_DEFAULTS, OWN_KEYS, OwnConfig
from gridsearch.config.selection import FOLD, is_selected, nothing_selected
from gridsearch.config.space import MAX_POINTS, drawn_text
from gridsearch.config.trial import (
    FUNCTION_KEYS,
    RECIPE_KEYS,
    TrialConfig,
    Value,
    with_implied_settings,
    without_dead_settings,
)
from gridsearch.config.trial_builder import TrialBuilder
from gridsearch.config.versions import FIRST, recipe_version
from gridsearch.errors import ModelError
from gridsearch.search.random_search import draws

_RECIPE = frozenset(RECIPE_KEYS)


@dataclass(frozen=True)
class ModelPart:
    """What determines the numbers of a model's trials besides the job file: its code.

    Attributes:
        code: The fingerprint of the user's source; empty for a built-in model.
        defaults: The default values of its hyperparameters. A setting that has its default is left out of the identity,
            so that adding it to a job later changes no id.
        version: Returns, for given settings, the version of the recipe that changed the model last.
        has: Whether the model has a setting of this name.
        pretrained: The identity of weights to start from, by what the job calls them.
        unusable: Why the model cannot start from weights, by what the job calls them.
    """

    code: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    version: Callable[[Mapping[str, Any]], int] = lambda hyper: FIRST
    has: Callable[[str], bool] = lambda name: True
    pretrained: Mapping[str, str] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FunctionPart:
    """What determines the numbers of trials that use a function of the user's, beside the job file.

    Attributes:
        code: The fingerprint of its source.
        defaults: The arguments that it has where the job does not set them.
        names: Its arguments that are settings.
        needs_total: Whether it asks how many epochs there will be.
    """

    code: str
    defaults: Mapping[str, Any]
    names: frozenset[str]
    needs_total: bool = False


@dataclass(frozen=True)
class DataPart:
    """What the function that makes a job's data sets adds to who a trial is, where settings are its arguments.

    Attributes:
        names: These settings.
        defaults: Their values where a trial does not set them; one that has such a value is what it is without it.
        fingerprints: Gives the fingerprint of the data set that is made with such settings, those at their defaults
            left out.
        shared: Whether a model takes a setting of the function too; by model and setting.
    """

    names: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    fingerprints: Callable[[Mapping[str, Value]], str] = lambda settings: ""
    shared: Callable[[str, str], bool] = lambda model, name: False


@dataclass(frozen=True)
class LossPart:
    """What a loss of the user's adds to who a trial is: the fingerprint of its code, its arguments, their defaults."""

    code: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    has: Callable[[str], bool] = lambda name: True


@dataclass(frozen=True)
class Ingredients:
    """What determines a trial's numbers besides the job file.

    Attributes:
        dataset: The fingerprint of the images and labels; empty for a training of the user's own, and not looked at
            where `data` tells of several.
        models: What belongs to each of the job's models, or to the user's training by its name.
        teacher: The id of the trial that students learn from; empty without a teacher.
        losses: What belongs to each of the user's losses.
        metric_codes: The fingerprints of the code of the user's metrics.
        inputs: The fingerprints of the files that a training of the user's own depends on, by their names.
        functions: What belongs to the user's functions, by the setting and by what it calls them.
        data: What belongs to the function that makes the data sets, where settings are its arguments.
    """

    dataset: str
    models: Mapping[str, ModelPart]
    teacher: str = ""
    losses: Mapping[str, LossPart] = field(default_factory=dict)
    metric_codes: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[tuple[str, str], FunctionPart] = field(default_factory=dict)
    data: DataPart = DataPart()


@dataclass(frozen=True, slots=True)
class GridTrial:
    """One trial of a grid: its ids, its configuration, and that in canonical form (`config/identity.py`)."""

    trial_id: str
    lineage_id: str
    config: TrialConfig
    canonical: str


@dataclass(frozen=True)
class Grid:
    """The trials of a job, in the order of its space or of the draws, and what became of its other points.

    Attributes:
        points: How many points were looked at: the whole space, or as many as had to be drawn.
        trials: The trials; the repeats and folds of a point follow each other.
        skipped: For each rule how many points it left out; of several rules that hold, the first one counts.
        repeated: How many points are the same trial as an earlier one.
        kept: How many points there are.
        asked: How many points random search was to find; None for a grid.
        size: The size of the whole space; None if it is continuous.
        idle: The settings in which repeated points differ, and which have no effect there.
        chosen: The ids of the trials to train (`JobSpec.only`); None for all.
    """

    points: int
    trials: Sequence[GridTrial]
    skipped: Sequence[tuple[str, int]]
    repeated: int
    kept: int
    asked: int | None = None
    size: int | None = None
    idle: Sequence[str] = ()
    chosen: frozenset[str] | None = None

    @property
    def chosen_trials(self) -> Sequence[GridTrial]:
        """Return the trials to train, in order."""
        return self.trials if self.chosen is None else [one for one in self.trials if one.trial_id in self.chosen]

    @property
    def others(self) -> Sequence[GridTrial]:
        """Return the trials that are not to be trained, in order."""
        return [] if self.chosen is None else [one for one in self.trials if one.trial_id not in self.chosen]

    @property
    def chosen_first(self) -> Sequence[GridTrial]:
        """Return all trials, those to train before the others."""
        return [*self.chosen_trials, *self.others]

    @property
    def drawn_text(self) -> str:
        """Return how many points were found by drawing, of how many, in words; nothing for a grid."""
        return drawn_text(self.kept, self.size) if self.asked else ""


def expand(job: JobSpec, ingredients: Ingredients) -> Grid:
    """Return the grid of a job.

    Points that differ only in settings which their model does not have are one trial. A trial is chosen
    (`JobSpec.only`) if one of its points is.

    Args:
        job: The checked job.
        ingredients: The identity of its data and models.

    Raises:
        JobError: A rule cannot be evaluated or leaves nothing, or `JobSpec.only` selects nothing.
        ModelError: A model cannot start from the given weights.
    """
    trials: list[GridTrial] = []
    chosen: set[str] = set()
    lacking = {model: _lacking(job, ingredients.models[model]) for model in job.models}
    makers = {model: _maker(job, ingredients, model) for model in job.models}
    known: dict[str, dict[str, Value]] = {}
    idle: dict[str, None] = {}
    skipped = [0] * len(job.rules)
    points = repeated = 0
    for point in _points(job):
        points += 1
        model = job.models[0] if job.own else str(point.get(MODEL, job.models[0]))
        absent = lacking[model]
        named = {**job.fixed, **point}
        settings = makers[model].complete({k: v for k, v in named.items() if k not in absent} if absent else named)
        told = {} if job.own else {MODEL: model, **absent}
        if job.rules and (rule := _skipped_by(job, told | settings)) is not None:
            skipped[rule] += 1
            continue
        trial = makers[model].trial(settings)
        if job.only:
            complete = told | dict(ingredients.data.defaults) | dict(ingredients.models[model].defaults) | settings
            chosen |= _chosen(job, complete, [trial, *_copies(job, trial.config)])
        if trial.trial_id in known:
            repeated += 1
            first = known[trial.trial_id]
            idle |= dict.fromkeys(name for name, value in point.items() if not same_value(value, first[name]))
            continue
        known[trial.trial_id] = point
        trials.append(trial)
        if job.copies > 1:
            trials += _copies(job, trial.config)
        if job.search and len(known) == job.search.random:
            break
    if not trials:
        raise job.document.error(("rules",), f"the rules leave none of the {points:,} points")
    if job.only and not chosen:
        raise nothing_selected(job, len(trials))
    return Grid(
        points=points,
        trials=trials,
        skipped=[(rule.text, count) for rule, count in zip(job.rules, skipped, strict=True)],
        repeated=repeated,
        kept=len(known),
        idle=list(idle),
        asked=job.search.random if job.search else None,
        size=None if job.space.continuous else job.space.size,
        chosen=frozenset(chosen) if job.only else None,
    )


def _lacking(job: JobSpec, part: ModelPart) -> dict[str, None]:
    """Return the settings of a job that are none of a model's, and are null in expressions about its trials."""
    names = [name for name in job.model_settings if name not in job.data_settings]
    return {} if job.own else {name: None for name in names if not part.has(name)}


def _points(job: JobSpec) -> Iterable[dict[str, Value]]:
    """Return the points to look at, in order; under rules that leave out nearly all, no end of them is drawn."""
    return islice(draws(job.space, job.search.seed), MAX_POINTS) if job.search else job.space


def _copies(job: JobSpec, first: TrialConfig) -> Iterator[GridTrial]:
    """Yield the other trials of a point: its repeats, under the next of their seeds, each with all folds."""
    for repeat, fold in product(range(job.repeats), range(job.split.folds or 1)):
        if repeat or fold:
            seeds = {name: getattr(first, name) + repeat for name in job.repeated_seeds}
            config = first.model_copy(update=seeds | {"fold": fold})
            yield _grid_trial(config, members_of(config))


def _chosen(job: JobSpec, settings: dict[str, Any], copies: Iterable[GridTrial]) -> set[str]:
    """Return which of a point's trials, its repeats and folds, are to be trained."""
    complete = {**job.defaults, **settings}
    own = {
        trial.trial_id: {"seed": trial.config.seed, "data_seed": trial.config.data_seed, FOLD: trial.config.fold}
        for trial in copies
    }
    return {trial_id for trial_id, seeds in own.items() if is_selected(job.only, complete | seeds)}


def _skipped_by(job: JobSpec, settings: dict[str, Any]) -> int | None:
    complete = {**job.defaults, **settings}
    for index, rule in enumerate(job.rules):
        try:
            if rule.holds(complete):
                return index
        except ValueError as error:
            raise job.document.error(("rules", index, "skip"), str(error)) from None
    return None


class _Maker(Protocol):
    """Makes the trials of one of a job's models, or of a training of the user's own."""

    def complete(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Return settings with those that others bring along."""

    def trial(self, settings: dict[str, Any]) -> GridTrial:
        """Return the trial with these settings."""


def _maker(job: JobSpec, ingredients: Ingredients, model: str) -> _Maker:
    return _OwnMaker(job, ingredients) if job.own else _ModelMaker(job, ingredients, model)


class _OwnMaker:
    """Makes the trials of a training of the user's own."""

    def __init__(self, job: JobSpec, ingredients: Ingredients) -> None:
        assert job.own
        (model,) = job.models
        self._monitor = f"{job.objective.metric} {job.objective.direction}"
        self._builder = TrialBuilder(
            OwnConfig,
            training=job.own.training,
            model=model,
            model_code=ingredients.models[model].code,
            inputs=dict(ingredients.inputs),
            shares_epochs=job.own.shares_epochs,
        )

    def complete(self, settings: dict[str, Any]) -> dict[str, Any]:
        return settings

    def trial(self, settings: dict[str, Any]) -> GridTrial:
        ours = {"epochs": OWN_DEFAULTS["epochs"]} | {key: value for key, value in settings.items() if key in OWN_KEYS}
        hyper = {key: value for key, value in settings.items() if key not in OWN_KEYS}
        monitor = self._monitor if ours.get("early_stopping") else ""
        return _grid_trial(*self._builder.build(ours | {"hyper": hyper, "monitor": monitor}))


class _ModelMaker:
    """Makes the trials of one of a job's models."""

    def __init__(self, job: JobSpec, ingredients: Ingredients, model: str) -> None:
        self._teacher, self._part = ingredients.teacher, ingredients.models[model]
        common = {"split": job.split, "model": model, "model_code": self._part.code}
        if not ingredients.data.names:
            common["dataset"] = ingredients.dataset
        measured = {"metrics": job.metrics, "train_metrics": job.train_metrics}
        self._builder = TrialBuilder(TrialConfig, **common, **measured, metric_codes=dict(ingredients.metric_codes))
        self._losses, self._of_loss = ingredients.losses, frozenset(job.loss_settings)
        self._functions, self._of_functions = ingredients.functions, job.function_settings
        self._data, self._model = ingredients.data, model

    def complete(self, settings: dict[str, Any]) -> dict[str, Any]:
        return with_implied_settings(settings)

    def trial(self, settings: dict[str, Any]) -> GridTrial:
        part, defaults = self._part, self._part.defaults
        recipe: dict[str, Any] = {}
        hyper: dict[str, Any] = {}
        loss = self._losses.get(str(settings.get("loss", "")))
        for key, value in without_dead_settings(settings).items():
            if key in _RECIPE:
                recipe[key] = value
            elif key in self._of_loss or key in self._of_functions or not self._is_of_model(key):
                continue
            elif key != MODEL and not (key in defaults and same_value(defaults[key], value)):
                hyper[key] = value
        if start := recipe.get("pretrained"):
            if said := part.unusable.get(start):
                raise ModelError(said)
            recipe["pretrained"] = part.pretrained[start]
        if self._functions:
            recipe |= self._called(recipe, settings)
        if self._data.names:
            recipe |= self._made(settings)
        if loss:
            recipe |= {"loss_code": loss.code, "loss_hyper": self._loss_hyper(loss, settings)}
        version = recipe_version(recipe, part.version(hyper))
        teacher = self._teacher if recipe.get("distillation", "none") != "none" else ""
        config, members = self._builder.build(recipe | {"hyper": hyper, "teacher": teacher, "version": version})
        return _grid_trial(config, members)

    def _is_of_model(self, key: str) -> bool:
        """Whether a setting that the data set's function may take is the model's too."""
        return key not in self._data.names or self._data.shared(self._model, key)

    def _made(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return which data set a trial has: its fingerprint, and the settings that it is made with."""
        names, defaults = self._data.names, self._data.defaults
        own = {
            key: settings[key]
            for key in sorted(names)
            if key in settings and not (key in defaults and same_value(defaults[key], settings[key]))
        }
        found = {"dataset": self._data.fingerprints(own)}
        return found | {"data_settings": own} if own else found

    def _called(self, recipe: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a trial has of the user's functions: their code, and the arguments that they are called with."""
        found: dict[str, Any] = {}
        for key in FUNCTION_KEYS:
            if part := self._functions.get((key, recipe.get(key, ""))):
                own = {name: settings[name] for name in sorted(part.names) if name in settings}
                found |= {f"{key}_code": part.code, f"{key}_settings": {**part.defaults, **own}}
                if part.needs_total:
                    found[f"{key}_total"] = True
        return found

    def _loss_hyper(self, loss: LossPart, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a loss that are not at their defaults, by their own names."""
        given = {key.removeprefix(PREFIX): value for key, value in settings.items() if key in self._of_loss}
        defaults = loss.defaults
        return {
            key: value
            for key, value in given.items()
            if loss.has(key) and not (key in defaults and same_value(defaults[key], value))
        }


def _grid_trial(config: TrialConfig, members: Mapping[str, str]) -> GridTrial:
    text, trial, lineage = names_of(members, shares_prefix=config.shares_prefix)
    return GridTrial(trial, lineage, config, text)

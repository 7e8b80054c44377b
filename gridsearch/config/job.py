"""The job: a data set, a model, a search space and a recipe, read from YAML and checked value by value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from gridsearch.config.axes import Axis, values_of
from gridsearch.config.command import TRIAL_DIR, TRIAL_ID, Command, check_placeholders, words_of
from gridsearch.config.consistency import (
    check_copies,
    check_image_format,
    check_objective,
    check_optimizer,
    check_own,
    check_search,
    check_teacher,
)
from gridsearch.config.dataset_text import dataset_text
from gridsearch.config.habits import bare_words, file_habit, key_habit, module_path
from gridsearch.config.identity import canonical_value
from gridsearch.config.image_format import ImageFormat, format_of
from gridsearch.config.job_file import COMMAND, JOB_KEYS, MODEL, TRAIN, JobFile, checked_head
from gridsearch.config.job_settings import checked_rules, checked_settings, expanded_path
from gridsearch.config.losses import PREFIX, is_own
from gridsearch.config.overridden_source import with_overrides
from gridsearch.config.overrides import apply_overrides
from gridsearch.config.own_training import OWN_DEFAULTS, OWN_KEYS, Resources
from gridsearch.config.rules import Rule
from gridsearch.config.sections import Constraints, Objective, RandomSearch, TeacherChoice
from gridsearch.config.space import Space
from gridsearch.config.trial import (
    RECIPE_DEFAULTS,
    RECIPE_KEYS,
    REPEATED_SEEDS,
    Split,
    Value,
)
from gridsearch.config.yaml_source import Document, Trail, parse_document, read_document
from gridsearch.errors import JobError, closest


@dataclass(frozen=True)
class OwnTraining:
    """A training of the user's own.

    Attributes:
        training: What trains: `function` or `command`.
        inputs: The files that its numbers depend on, as the job file names them.
        shares_epochs: Whether a longer training passes through the numbers of a shorter one.
        resources: What one trial needs of a machine.
        command: The command, where that trains.
    """

    training: Literal["function", "command"]
    inputs: tuple[str, ...]
    shares_epochs: bool
    resources: Resources
    command: Command | None = None


@dataclass(frozen=True)
class JobSpec:
    """A job whose every value has been checked, but not yet against its data and its models.

    Attributes:
        name: The job's name.
        description: A line for the page.
        dataset: A name, a path, torchvision:CLASS, or module:function.
        dataset_options: The arguments of torchvision's class or of the function; of this, where settings say nothing.
        split: How images are divided.
        image_format: How images are read.
        models: The models; of several, the first axis is `model`.
        fixed: The settings that have one value.
        space: The axes.
        rules: Which points do not exist.
        search: Random search; None for the whole grid.
        repeats: How many times each point is trained.
        metrics: What is measured of the validation images beside loss and accuracy, in alphabetical order.
        train_metrics: The same of the training images.
        repeat_over: What the repeats draw again: `weights`, `split` or `both`.
        objective: What ranks trials.
        constraints: What a trial must not exceed to be the best.
        teacher: Which trained model the job's models learn from.
        trial_timeout: How many seconds a worker may be silent; None for no limit.
        checkpoints: How many bytes the store's checkpoints may take; None for no limit.
        base: The folder that relative paths start from.
        source: YAML text of the job, its overrides applied.
        document: Knows the line and column of every key, for messages.
        own: What trains in place of gridsearch, and what it needs; None for a training of ours.
        only: Which trials a launch is to train (`config/selection.py`); not part of the job.
        function_settings: The settings that are arguments of the user's functions, once these have been looked at.
        data_settings: Likewise those that are arguments of the function that makes the data set.
        shared_settings: Those of them that are a model's too.
        data_defaults: The values that they have where a trial does not set them.
    """

    name: str
    description: str
    dataset: str
    dataset_options: Mapping[str, Any]
    split: Split
    image_format: ImageFormat
    models: tuple[str, ...]
    fixed: Mapping[str, Value]
    space: Space
    rules: Sequence[Rule]
    search: RandomSearch | None
    repeats: int
    repeat_over: str
    metrics: tuple[str, ...]
    train_metrics: tuple[str, ...]
    objective: Objective
    constraints: Constraints
    teacher: TeacherChoice | None
    trial_timeout: float | None
    checkpoints: float | None
    base: Path
    source: str = field(repr=False)
    document: Document = field(repr=False)
    own: OwnTraining | None = None
    only: Sequence[Rule] = ()
    function_settings: frozenset[str] = frozenset()
    data_settings: frozenset[str] = frozenset()
    shared_settings: frozenset[str] = frozenset()
    data_defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def setting_names(self) -> list[str]:
        """Return the names of everything that is set, axes first."""
        return [axis.name for axis in self.space.axes] + list(self.fixed)

    @property
    def model_settings(self) -> list[str]:
        """Return the names of the settings that are the models' own."""
        others = self.function_settings | (self.data_settings - self.shared_settings)
        return [name for name in self.own_settings if name not in others]

    @property
    def own_settings(self) -> list[str]:
        """Return the names of the settings that are the models' own, or arguments of the user's functions."""
        others = {*RECIPE_KEYS, MODEL, *self.loss_settings}
        return [name for name in self.setting_names if name not in others]

    @property
    def own_losses(self) -> list[str]:
        """Return the losses of the user's own, each `package.module:Name`."""
        return [] if self.own else [str(loss) for loss in self.values("loss") if is_own(str(loss))]

    @property
    def loss_settings(self) -> list[str]:
        """Return the names of the settings that are the arguments of a loss of the user's: `loss_gamma`."""
        return [name for name in self.setting_names if name.startswith(PREFIX)] if self.own_losses else []

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Return the settings that every trial has, whether the job names them or not, by their defaults."""
        return OWN_DEFAULTS if self.own else RECIPE_DEFAULTS

    @property
    def dataset_text(self) -> str:
        """The data set as a person reads it, with the arguments that it is made with."""
        return dataset_text(self.dataset, self.dataset_options)

    @property
    def models_text(self) -> str:
        """Return the models as a person reads them."""
        return ", ".join(self.models)

    def values(self, setting: str) -> Sequence[Value]:
        """Return the values that `model` or a recipe's setting has in this job."""
        if setting == MODEL and not self.own:
            return self.models
        of_axis = next((axis.values for axis in self.space.axes if axis.name == setting), None)
        return of_axis or [self.fixed[setting] if setting in self.fixed else self.defaults[setting]]

    @property
    def repeated_seeds(self) -> tuple[str, ...]:
        """Return the settings whose next values the repeats of a point have."""
        return REPEATED_SEEDS[self.repeat_over]

    @property
    def copies(self) -> int:
        """Return how many trials each point is: repeats times folds."""
        return self.repeats * (self.split.folds or 1)

    def trail(self, setting: str) -> Trail:
        """Return the path of a setting's key in the document."""
        inside = self.document.data.get("space")
        return ("space", setting) if isinstance(inside, dict) and setting in inside else (setting,)


def load_job(path: Path, overrides: Sequence[str] = ()) -> JobSpec:
    """Read and check a job file.

    Args:
        path: The YAML file; relative paths in it start from its folder.
        overrides: Keys to replace, as `key=value` (`--set`).

    Raises:
        JobError: The job is not valid; the message names file, line, column, key and what to write instead.
    """
    return build_job(read_document(path), overrides, base=path.absolute().parent)


def job_from_text(
    text: str, overrides: Sequence[str] = (), *, base: Path, source: str = "job", accepted: bool = False
) -> JobSpec:
    """Check a job given as text.

    Args:
        text: The job file's YAML.
        overrides: Keys to replace, as `key=value`.
        base: The folder that relative paths start from.
        source: What messages call the text.
        accepted: Whether a store has this job already: its rules may then use names that it no longer has.

    Raises:
        JobError: The job is not valid.
    """
    document = parse_document(text, source)
    document.accepted = accepted
    return build_job(document, overrides, base=base)


def build_job(document: Document, overrides: Sequence[str], *, base: Path) -> JobSpec:
    """Check a document with its overrides, and return the job that they describe.

    Raises:
        JobError: The job is not valid.
    """
    for trail, words in document.bare.items():
        axis = len(trail) == 1 or trail[:-1] == ("space",)
        raise document.error(trail, bare_words(str(trail[-1]), document.value(trail), words, axis=axis))
    apply_overrides(document, overrides, settings=[MODEL, *RECIPE_KEYS], others=[k for k in JOB_KEYS if k != MODEL])
    data = document.data
    typed = OWN_KEYS if TRAIN in data or COMMAND in data else RECIPE_KEYS
    if said := file_habit(data):
        raise JobError(f"{document.source}: {said}")
    for key in data:
        if key not in JOB_KEYS and key not in typed:
            whose = "command" if COMMAND in data else "function"
            said = f"; settings of your {whose} go under 'space'" if key in RECIPE_KEYS else _instead(key)
            raise document.error((key,), f"unknown key{said}", key=True)
    head = checked_head(document)
    command = _command(document, head)
    if command:
        models: tuple[str, ...] = (command.text,)
    else:
        models = _models(document, [head.train] if head.train else head.model, TRAIN if head.train else MODEL)
    fixed, axes = checked_settings(document, head.space, typed)
    if len(models) > 1:
        axes.insert(0, Axis(MODEL, models, "category"))
    space = Space(axes)
    values = {key: [value] for key, value in fixed.items()} | {axis.name: list(axis.values) for axis in axes}
    if command:
        _check_settings(document, command, [*values, *OWN_KEYS])
    own = bool(head.train or command)
    if own:
        check_own(document, head)
    else:
        check_objective(document, head)
    check_search(document, head, space)
    check_copies(document, head, space, fixed)
    check_image_format(document, head)
    job = JobSpec(
        name=head.name,
        description=head.description,
        dataset=_dataset(document, head.dataset) if head.dataset else "",
        dataset_options=_options(document, head.dataset_options),
        split=head.split,
        image_format=format_of(vars(head)),
        models=models,
        fixed=fixed,
        space=space,
        rules=checked_rules(document, head.rules, values if own else values | {MODEL: list(models)}, typed),
        search=head.search,
        repeats=head.repeats,
        repeat_over=head.repeat_over,
        metrics=tuple(sorted(set(head.metrics))),
        train_metrics=tuple(sorted(set(head.train_metrics))),
        objective=head.objective,
        constraints=head.constraints,
        teacher=head.teacher,
        trial_timeout=head.trial_timeout,
        checkpoints=head.checkpoints,
        base=base,
        source=_source(document, overrides),
        document=document,
        own=_own(head, command) if own else None,
    )
    if job.own:
        return job
    check_teacher(job)
    check_optimizer(job)
    return job


def _own(head: JobFile, command: Command | None) -> OwnTraining:
    kind: Literal["function", "command"] = "command" if command else "function"
    return OwnTraining(kind, tuple(head.inputs), head.shares_epochs, head.resources, command)


def _command(document: Document, head: JobFile) -> Command | None:
    """Return the command that a job runs for each trial; None where there is none."""
    if head.command is None:
        return None
    try:
        return Command(words_of(head.command, shell=head.shell), head.shell, head.metrics_from)
    except ValueError as error:
        raise document.error((COMMAND,), str(error)) from None


def _check_settings(document: Document, command: Command, settings: Sequence[str]) -> None:
    """Refuse placeholders that nothing stands for, and settings that have the names of others."""
    for name in (TRIAL_DIR, TRIAL_ID):
        if name in settings:
            raise document.error(
                ("space", name), "is what a command is told of its trial; rename the setting", key=True
            )
    try:
        check_placeholders(command, list(dict.fromkeys(settings)))
    except ValueError as error:
        raise document.error((COMMAND,), str(error)) from None


def _source(document: Document, overrides: Sequence[str]) -> str:
    """Return the file's own text, comments and all, or where there are overrides the resolved job as YAML."""
    if not overrides:
        return document.text
    return with_overrides(yaml.safe_dump(document.data, sort_keys=False, allow_unicode=True), overrides)


def _dataset(document: Document, written: str) -> str:
    """Return the data set's name, path, class or function; a function's module may be written as its file."""
    found = expanded_path(document, ("dataset",), written)
    try:
        return module_path(found, "data function") if re.search(r"\.py:\w+$", found) else found
    except ValueError as error:
        raise document.error(("dataset",), str(error)) from None


def _options(document: Document, written: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a data set: texts, numbers, true, false, null, and lists of these."""
    found = {}
    for key, value in written.items():
        try:
            (found[key],) = values_of([value])
        except ValueError as error:
            raise document.error(("dataset_options", key), str(error)) from None
        found[key] = canonical_value(found[key])
    return found


def _models(document: Document, written: Sequence[str], key: str) -> tuple[str, ...]:
    found: list[str] = []
    for index, name in enumerate(written):
        trail = (key, index) if isinstance(document.data[key], list) else (key,)
        if len(several := re.split(r"[\s,;]+", name.strip())) > 1:
            raise document.error(trail, f"{name!r} is one text; several models are written [{', '.join(several)}]")
        try:
            model = module_path(name, "training function") if key == TRAIN else module_path(name)
        except ValueError as error:
            raise document.error(trail, str(error)) from None
        if model in found:
            raise document.error(trail, f"the model {model!r} is listed twice")
        found.append(model)
    return tuple(found)


def _instead(key: str) -> str:
    """Return what was meant by an unknown key of the top level."""
    if said := key_habit(key):
        return f": {said}" if not said.startswith("is called") else f"; it {said}"
    if meant := closest(key, (*JOB_KEYS, *RECIPE_KEYS)):
        return f" (did you mean {meant!r}?)"
    return "; a model's own settings go under 'space', and gridsearch schema prints all other keys"

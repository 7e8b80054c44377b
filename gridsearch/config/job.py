"""The job: a data set, a model, a search space and a recipe, read from YAML and checked value by value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import yaml
from pydantic import (
    TypeAdapter,
    ValidationError,
)

from gridsearch.config.axes import Axis, axis_of, values_of
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
from gridsearch.config.environment import expanded
from gridsearch.config.habits import bare_words, file_habit, key_habit, module_path, value_habit
from gridsearch.config.identity import canonical_value
from gridsearch.config.image_format import FORMAT_KEYS, ImageFormat, format_of
from gridsearch.config.job_file import COMMAND, JOB_KEYS, MODEL, TRAIN, JobFile, checked_head
from gridsearch.config.losses import PREFIX, is_own, one_list
from gridsearch.config.overrides import apply_overrides
from gridsearch.config.own_training import OWN_DEFAULTS, OWN_KEYS, Resources
from gridsearch.config.rules import Rule, parse_rule
from gridsearch.config.sections import Constraints, Objective, RandomSearch, SkipRule, TeacherChoice
from gridsearch.config.space import Space
from gridsearch.config.trial import (
    FUNCTION_KEYS,
    PAIR_KEYS,
    RECIPE_DEFAULTS,
    RECIPE_KEYS,
    REPEATED_SEEDS,
    TEXT_KEYS,
    Recipe,
    Split,
    Value,
)
from gridsearch.config.value_kinds import Comparable, Kind, OtherText, comparable_to
from gridsearch.config.wording import explain
from gridsearch.config.yaml_source import Document, Trail, parse_document, read_document
from gridsearch.errors import JobError, closest

_TOP = "cannot be an axis: it belongs at the top of the file"
_RECIPE_TYPES: dict[str, TypeAdapter[Any]] = {
    key: TypeAdapter(Annotated[info.annotation, info])  # type: ignore[arg-type]
    for key, info in Recipe.model_fields.items()
}


def recipe_comparable(key: str) -> Comparable:
    """Return what a setting of the recipe can be equal to: what a job may give it."""
    annotation = Recipe.model_fields[key].annotation
    kinds: dict[Any, Kind] = {bool: "true/false", int: "number", float: "number"}

    def problem(value: Any) -> str:
        try:
            _RECIPE_TYPES[key].validate_python(canonical_value(value), strict=True)
        except ValidationError as error:
            return explain(error.errors(include_url=False)[0])
        return ""

    parts = [annotation, *get_args(annotation)]
    texts = [text for part in parts for text in get_args(part) if isinstance(text, str)]
    if key in PAIR_KEYS:
        return Comparable(frozenset({"list"}), frozenset({"number"}), problem=problem)
    known: set[Kind] = (
        {"text", "list"} if any(get_origin(part) is list for part in parts) else {kinds.get(annotation, "text")}
    )
    return Comparable(frozenset(known), problem=problem, texts=texts)


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
        dataset_options: The arguments of torchvision's class or of the function.
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

    @property
    def setting_names(self) -> list[str]:
        """Return the names of everything that is set, axes first."""
        return [axis.name for axis in self.space.axes] + list(self.fixed)

    @property
    def model_settings(self) -> list[str]:
        """Return the names of the settings that are the models' own."""
        return [name for name in self.own_settings if name not in self.function_settings]

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
    fixed, axes = _settings(document, head.space, typed)
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
        rules=_rules(document, head.rules, values if own else values | {MODEL: list(models)}, typed),
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
    said = "".join(f"# --set {json.dumps(text)}\n" for text in overrides)
    return said + yaml.safe_dump(document.data, sort_keys=False, allow_unicode=True)


def _path(document: Document, trail: Trail, written: str) -> str:
    try:
        return expanded(written)
    except ValueError as error:
        raise document.error(trail, str(error)) from None


def _dataset(document: Document, written: str) -> str:
    """Return the data set's name, path, class or function; a function's module may be written as its file."""
    found = _path(document, ("dataset",), written)
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


def _settings(document: Document, space: dict[str, Any], typed: Sequence[str]) -> tuple[dict[str, Value], list[Axis]]:
    """Return the fixed settings and the axes; `typed` may stand at the top or in the space, not in both.

    Other settings are a model's or a function's own, and may have any value.
    """
    fixed: dict[str, Value] = {}
    axes: list[Axis] = []
    for key in (key for key in document.data if key in typed):
        if key in space:
            raise document.error(("space", key), "is also set at the top of the file; keep one of the two", key=True)
        values = _checked_values(document, (key,), document.data[key], typed)
        if isinstance(document.data[key], (list, dict)) and not _is_one_list(key, document.data[key], typed):
            axes.append(axis_of(key, document.data[key], values))
        else:
            fixed[key] = values[0]
    for key, written in space.items():
        if typed is RECIPE_KEYS and key in JOB_KEYS and key not in FORMAT_KEYS:
            may = "it belongs at the top of the file, with several values too" if key == MODEL else _TOP
            raise document.error(("space", key), may, key=True)
        if not key.isidentifier():
            raise document.error(("space", key), "is not a usable name: letters, digits and _ only", key=True)
        values = _checked_values(document, ("space", key), written, typed)
        axes.append(axis_of(key, written, values))
    for key, info in Recipe.model_fields.items() if typed is RECIPE_KEYS else ():
        if info.is_required() and key not in fixed and key not in space and key not in document.data:
            raise JobError(f"{document.source}: {key}: missing; give it a value, or an axis under 'space'")
    return fixed, axes


def _is_one_list(key: str, written: Any, typed: Sequence[str]) -> bool:
    """Whether a list is one value: numbers, of a setting that is a list of them."""
    of_lists = key in PAIR_KEYS and key in typed and isinstance(written, list)
    return of_lists and not any(isinstance(one, (list, dict)) for one in written)


def _checked_values(document: Document, trail: Trail, written: Any, typed: Sequence[str]) -> list[Value]:
    items = range(len(written)) if isinstance(written, list) else ()
    for place in (trail, *((*trail, index) for index in items)):
        if place in document.empty:
            raise document.error(place, "the value is empty; write one, write null for no value, or remove the key")
    if not document.accepted and (said := value_habit(str(trail[-1]), written)):
        raise document.error(trail, said)
    if written == [] and trail[-1] in typed:
        raise document.error(trail, "[] has no value: write one or more, or leave the key out")
    weights = trail[-1] == "class_weights" and trail[-1] in typed
    written = one_list(written) if weights else written
    one = _is_one_list(str(trail[-1]), written, typed)
    try:
        values: list[Value] = [
            canonical_value(value) for value in values_of([written] if one else written, mixed=weights)
        ]
    except ValueError as error:
        raise document.error(trail, str(error)) from None
    adapter = _RECIPE_TYPES.get(str(trail[-1]))
    if adapter is None or trail[-1] not in typed:
        return values
    if trail[-1] in FUNCTION_KEYS:
        values = [_function(document, trail, value) for value in values]
    checked: list[Value] = []
    for index, value in enumerate(values):
        try:
            fitting = adapter.validate_python(value, strict=True)
            checked.append(_path(document, trail, fitting) if trail[-1] == "pretrained" else fitting)
        except ValidationError as error:
            inner = (*trail, index) if isinstance(written, list) and not one else trail
            optional = not Recipe.model_fields[str(trail[-1])].is_required()
            raise document.error(inner, explain(error.errors(include_url=False)[0], optional=optional)) from None
    return checked


def _function(document: Document, trail: Trail, written: Value) -> Value:
    """Return what may be a function's name as it is written here, its module not as a file."""
    try:
        return module_path(written, "function") if isinstance(written, str) else written
    except ValueError as error:
        raise document.error(trail, str(error)) from None


def comparables(
    values: Mapping[str, Sequence[Value]], other_text: OtherText, typed: Sequence[str] = RECIPE_KEYS
) -> dict[str, Comparable]:
    """Return what each setting can be equal to in an expression, those of the recipe included.

    Args:
        values: The values of the job's settings; may include its models.
        other_text: As for `comparable_to`.
        typed: The settings whose values the recipe checks; of an own training not all.
    """
    own = {key: found for key, found in values.items() if key not in typed or key in TEXT_KEYS}
    return {key: recipe_comparable(key) for key in typed} | {
        key: comparable_to(found, other_text=other_text) for key, found in own.items()
    }


def _rules(
    document: Document, written: Sequence[SkipRule], values: Mapping[str, Sequence[Value]], typed: Sequence[str]
) -> list[Rule]:
    known = comparables(values, "unlike", typed)
    for key in values:
        # A job of the store was accepted once, what --set narrows may have other values in the file, and which models
        # there are is known elsewhere (`engine/prepare/job_models.py`).
        loose = key == MODEL or document.accepted or document.override((key,), ("space", key))
        if loose and (key not in typed or key in TEXT_KEYS):
            known[key] = comparable_to(values[key], other_text="any")
    rules = []
    for index, rule in enumerate(written):
        try:
            rules.append(parse_rule(rule.skip, known))
        except ValueError as error:
            raise document.error(("rules", index, "skip"), str(error)) from None
    return rules

"""The data sets of a job: one, or one for each combination of those settings that its data set's function takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from gridsearch.config.identity import canonical_value
from gridsearch.config.job import JobSpec
from gridsearch.config.record import JobRecord
from gridsearch.config.space import Space
from gridsearch.config.trial import OWN, SplitKey, Value
from gridsearch.config.value_kinds import as_written
from gridsearch.config.yaml_source import Trail
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.splits import SplitDataset, apply_split
from gridsearch.engine.prepare.data_function import DataSignature, check_options, signature_of
from gridsearch.engine.prepare.job_data import load_data, names_function
from gridsearch.engine.prepare.job_models import JobModels
from gridsearch.engine.prepare.prepared import model_folders
from gridsearch.errors import DataError, JobError, ModelError
from gridsearch.models.plain import is_plain
from gridsearch.search.grid import DataPart, Ingredients, expand

#: What a trial has besides settings, and its settings cannot be called.
_NAMES_OF_TRIALS = ("dataset", "fold", "teacher", "metrics", "version")
Settings = Mapping[str, Value]


def settings_key(settings: Mapping[str, Any]) -> str:
    """Return a text that is the same for the same settings: `1` is `1.0`."""
    return json.dumps(canonical_value(dict(settings)), sort_keys=True)


class JobDatasets:
    """Makes the data sets of a job, each combination of the function's arguments once.

    Attributes:
        made: The data sets by their fingerprints, in the order in which trials need them.
    """

    def __init__(self, job: JobSpec, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.made: dict[str, ImageDataset] = {}
        #: By all plain arguments, those at their defaults included.
        self._fingerprints: dict[str, str] = {}
        self.signature: DataSignature | None = None
        if names_function(job.dataset, job.base):
            try:
                self.signature = signature_of(job.dataset, model_folders(job))
            except DataError as error:
                raise placed(job, error) from None

    @property
    def first(self) -> ImageDataset:
        """Return the data set that was made first."""
        return next(iter(self.made.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the function's arguments; none of other data sets."""
        return self.signature.names if self.signature else ()

    @property
    def _defaults(self) -> dict[str, Any]:
        optional = self.signature.optional if self.signature else {}
        return {name: value for name, value in optional.items() if is_plain(value)}

    def combinations(self, job: JobSpec) -> list[tuple[dict[str, Any], str]]:
        """Return the values of the job's settings that data sets were made with, each with the fingerprint."""
        made = [(json.loads(key), found) for key, found in self._fingerprints.items() if found in self.made]
        return [(_in_order(job, given), found) for given, found in made]

    def part(self, job: JobSpec, models: JobModels) -> DataPart:
        """Return what the function adds to who a trial is; nothing where none of its arguments are settings.

        Which data set is made with some settings must be known: else its `fingerprints` raise `DataError`.
        """
        return self._part(job, models, lambda settings: self.fingerprint(job.dataset_options, settings))

    def _part(self, job: JobSpec, models: JobModels, fingerprints: Callable[[Settings], str]) -> DataPart:
        if not job.data_settings:
            return DataPart()
        shared = partial(_names_it, models)
        return DataPart(job.data_settings, job.data_defaults, fingerprints, shared)

    def fingerprint(self, options: Mapping[str, Any], settings: Settings) -> str:
        """Return the fingerprint of the data set made with options and settings; `DataError` where it is not known."""
        key = self._key(options, settings)
        if key not in self._fingerprints:
            raise DataError(f"which data set is made with {_told(settings)} is not known")
        return self._fingerprints[key]

    def _key(self, options: Mapping[str, Any], settings: Settings) -> str:
        return settings_key({**self._defaults, **options, **settings})

    def recall(self, record: JobRecord) -> None:
        """Take in which data sets were made for the job before, as far as its function is what it was.

        That shows where one was made then that is made now.
        """
        before = {self._key(record.dataset_options, one.settings): one.fingerprint for one in record.datasets}
        before = before or {self._key(record.dataset_options, {}): record.fingerprint}
        both = before.keys() & self._fingerprints.keys()
        if both and all(before[key] == self._fingerprints[key] for key in both):
            self._fingerprints |= before

    def claim(self, job: JobSpec, models: JobModels) -> JobSpec:
        """Return a form of the job that knows which of its settings are arguments of the function.

        Those that a model names too are settings of both.
        """
        names = frozenset(name for name in job.own_settings if self.signature and self._takes(name, job, models))
        if not names:
            return job
        shared = frozenset(name for name in names if any(_names_it(models, model, name) for model in job.models))
        given = {**self._defaults, **job.dataset_options}
        defaults = {name: value for name, value in given.items() if name in names}
        return replace(job, data_settings=names, shared_settings=shared, data_defaults=defaults)

    def _takes(self, name: str, job: JobSpec, models: JobModels) -> bool:
        assert self.signature
        if name in self.signature.names or not self.signature.open_ended:
            return name in self.signature.names
        try:
            return not any(models[model].has(name) for model in job.models)
        except ModelError:  # which is said with its place later
            return False

    def fitted(self, job: JobSpec) -> JobSpec:
        """Return the job with numbers as the function takes them.

        Raises:
            DataError: Its options are not for the function, or do not suffice.
            JobError: A setting of the function is something else too.
        """
        found = self.signature
        if found is None:
            return job
        self._check_names(job)
        try:
            check_options(job.dataset, found, job.dataset_options, job.data_settings)
        except DataError as error:
            raise placed(job, error) from None
        axes = [
            replace(axis, values=tuple(map(found.takes(axis.name).fitted, axis.values)))
            if axis.name in job.data_settings
            else axis
            for axis in job.space.axes
        ]
        return replace(job, space=Space(axes))

    def _check_names(self, job: JobSpec) -> None:
        for name in sorted(job.data_settings):
            place = f"{job.document.place(job.trail(name), key=True)}: {name}"
            if name in _NAMES_OF_TRIALS:
                raise JobError(
                    f"{place}: a trial has a {name} of its own; call the argument of {job.dataset} otherwise"
                )
            if name in job.function_settings:
                raise JobError(
                    f"{place}: is an argument of {job.dataset} and of a function of the recipe; rename one of them"
                )

    def load_one(self, job: JobSpec) -> None:
        """Load the one data set of a job none of whose settings are arguments of its function."""
        try:
            self._make(job, {})
        except DataError as error:
            # What is wrong with a file's content is about the data set too.
            raise placed(job, DataError(error.problem, key=error.key or ("dataset",))) from None

    def load_all(self, job: JobSpec, models: JobModels) -> None:
        """Make the data set of each combination that the grid has; `DataError`, with its place, where one fails.

        They must be of the same classes, or kind of targets, and of the same parts.
        """
        written = {str(value): str(value) for value in job.values("pretrained") if value}
        parts = {name: models.part(name, written) for name in job.models}
        grid = expand(replace(job, only=()), Ingredients("", parts, data=self._part(job, models, lambda settings: "")))
        asked = {settings_key(one.config.data_settings): one.config.data_settings for one in grid.trials}
        for settings in asked.values():
            self._check_values(job, settings)
            try:
                self._make(job, settings)
            except DataError as error:
                whole = _in_order(job, {**job.data_defaults, **settings})
                mend = f"; {_mend(whole)}" if len(asked) > 1 else ""
                raise DataError(f"{self._place(job, whole)}: {error.problem}{mend}") from None
        self._check_alike(job)

    def _check_values(self, job: JobSpec, settings: Settings) -> None:
        """Raise `JobError`, with its place, for a value that the function does not take."""
        assert self.signature
        for name, value in settings.items():
            if said := self.signature.takes(name).problem(value):
                raise JobError(f"{job.document.place(_trail(job, name, value))}: {name}: {job.dataset}: {said}")

    def _make(self, job: JobSpec, settings: Settings) -> None:
        found = load_data(
            job.dataset,
            folder=self._data_dir,
            base=job.base,
            image_format=job.image_format,
            options={**job.dataset_options, **settings},
        )
        self._fingerprints[self._key(job.dataset_options, settings)] = found.fingerprint
        self.made.setdefault(found.fingerprint, found)

    def _place(self, job: JobSpec, settings: Settings) -> str:
        """Return the place of the one value that a data set is made with, or of the data set, and the values."""
        if len(settings) != 1:
            return f"{job.document.place(('dataset',))}: dataset: with {_told(settings)}"
        ((name, value),) = settings.items()
        return f"{job.document.place(_trail(job, name, value))}: {name}: with {as_written(value)}"

    def _check_alike(self, job: JobSpec) -> None:
        """Refuse data sets that a job cannot have side by side: its trials are measured and compared as one."""
        of = {fingerprint: settings for settings, fingerprint in reversed(self.combinations(job))}
        (first, one), *others = self.made.items()
        for fingerprint, other in others:
            if said := _unlike(one, other, _told(of[first])):
                raise DataError(
                    f"{self._place(job, of[fingerprint])}: {job.dataset} has {said}; trials of one job are compared, so"
                    " give each a job of its own"
                )

    def splits(self, job: JobSpec) -> dict[SplitKey, SplitDataset]:
        """Return the divisions of the images that a job's trials see; `DataError` names the key to mend."""
        written: Sequence[Any] = job.values("data_seed")
        repeats = job.repeats if "data_seed" in job.repeated_seeds else 1
        seeds = [int(seed) + repeat for seed in written for repeat in range(repeats)]
        keys = [
            SplitKey(seed, fold, fingerprint)
            for fingerprint in self.made
            for seed in seeds
            for fold in range(job.split.folds or 1)
        ]
        try:
            return {key: apply_split(self.made[key.dataset], job.split, key.data_seed, key.fold) for key in keys}
        except DataError as error:
            raise placed(job, error) from None


def with_own_validation(job: JobSpec, dataset: ImageDataset) -> JobSpec:
    """Return a job that validates on the images that the data set brings for it, unless it asks for others."""
    asked = job.split.folds is not None or "validation" in job.split.model_fields_set
    if asked or not len(dataset.validation_labels):
        return job
    return replace(job, split=job.split.model_copy(update={"validation": OWN}))


def placed(job: JobSpec, error: DataError) -> DataError:
    """Return an error with the place, in the job's file, of the key that it is about."""
    return DataError(f"{job.document.place(error.key)}: {error}", key=())


def _trail(job: JobSpec, name: str, value: Value) -> Trail:
    """Return the path of a value of a setting in the document, or of the setting where the value is not written."""
    trail = job.trail(name)
    values = next((axis.values for axis in job.space.axes if axis.name == name), ())
    written = isinstance(job.document.value(trail), list) and value in values
    return (*trail, values.index(value)) if written else trail


def _names_it(models: JobModels, model: str, name: str) -> bool:
    try:
        return name in models[model].hyperparameters
    except ModelError:  # which is said with its place later
        return False


def _in_order(job: JobSpec, settings: Settings) -> dict[str, Any]:
    """Return those that data sets are made with, in the order of the job."""
    return {name: settings[name] for name in job.setting_names if name in job.data_settings}


def _mend(settings: Settings) -> str:
    rule = " and ".join(f"{key} == {as_written(value)}" for key, value in settings.items())
    return f"mend the function, or leave it out with a rule, skip: {rule}"


def _told(settings: Settings) -> str:
    return ", ".join(f"{key} {as_written(value)}" for key, value in settings.items())


def _unlike(first: ImageDataset, other: ImageDataset, told: str) -> str:
    """Return in what a data set is unlike the first, which is made with what is told; nothing where they are alike."""
    if first.targets != other.targets:
        return f"labels that are {other.targets}, and {first.targets} with {told}"
    if first.num_classes != other.num_classes:
        what = "targets" if first.targets == "numbers" else "classes"
        return f"{other.num_classes} {what}, and {first.num_classes} with {told}"
    if first.class_names != other.class_names:
        pairs = zip(other.class_names, first.class_names, strict=True)
        theirs, mine = next(pair for pair in pairs if pair[0] != pair[1])
        return f"a class {theirs!r} that is {mine!r} with {told}"
    if bool(len(first.validation_labels)) != bool(len(other.validation_labels)):
        which = ("validation images of its own, and none", "no validation images of its own, but some")
        return f"{which[len(first.validation_labels) > 0]} with {told}"
    return ""

"""The job as it was resolved: what a store keeps of a job, written and read back by this one class."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SkipValidation, model_validator

from gridsearch.config.axes import Axis
from gridsearch.config.dataset_text import dataset_text
from gridsearch.config.identity import flatten
from gridsearch.config.image_format import AS_IT_IS, ImageFormat, format_of
from gridsearch.config.sections import Constraints, Objective, TeacherChoice
from gridsearch.config.space import drawn_text
from gridsearch.config.trial import MORTAL, REPEATED_SEEDS, Value, without_dead_settings

#: The key that may be an axis and is no setting of a model: see `config/job_file.py`.
_MODEL = "model"


class Drawn(BaseModel):
    """What random search drew.

    Attributes:
        random: How many points were asked for.
        drawn: How many were found.
        size: How many the space has; None if it is continuous.
    """

    model_config = ConfigDict(frozen=True)

    random: int
    drawn: int
    size: int | None = None


class Numbers(BaseModel):
    """The numbers that examples are which are no images of bytes: the type of their array, lowest and highest."""

    model_config = ConfigDict(frozen=True)

    type: str
    low: int | float
    high: int | float

    @property
    def whole(self) -> tuple[int, int] | None:
        """Return the lowest and the highest of whole numbers, which models get as int64; None for floats."""
        return None if self.type.startswith("float") else (int(self.low), int(self.high))


class MadeDataset(BaseModel):
    """One of several data sets that a function made for a job.

    Attributes:
        settings: The settings of the job that it is made with.
        fingerprint: The SHA-256 of its content and of the function's code.
        images: The number of images in each part, as of the job.
        image_shape: (C, H, W), or the shape of another example.
        numbers: What examples are that are not images of bytes; None for those.
    """

    model_config = ConfigDict(frozen=True)

    settings: Mapping[str, Any]
    fingerprint: str
    images: Mapping[str, int] = Field(default_factory=dict)
    image_shape: tuple[int, ...]
    numbers: Numbers | None = None


def _axes(written: Any) -> tuple[Axis, ...]:
    return tuple(
        one if isinstance(one, Axis) else Axis(str(one["name"]), tuple(one["values"]), one.get("scale") or "category")
        for one in written
    )


class JobRecord(BaseModel):
    """A resolved job, with its data and models: what every reader of a store knows of it.

    Everything has a default, because earlier versions did not write all of it.

    Attributes:
        dataset: The data set as the job file names it.
        dataset_options: The arguments that it was made with.
        training: `function` where the user's own code trains, which `models` names; empty for our own loop.
        inputs: The SHA-256 of each file that an own training depends on.
        fingerprint: The SHA-256 of its images and labels, and of the code of a function of the user's; of several data
            sets the first one's, as are `images`, `image_shape` and `numbers`.
        datasets: All data sets, where settings of the job are arguments of the function that makes them.
        data_defaults: The values that these settings have where a trial says nothing.
        models: The models in the order of the file; with several, the first axis is `model`.
        description: A line for the page.
        base: The folder that relative paths start from.
        axes: The axes, with the values that the grid has.
        fixed: The settings that have one value.
        model_defaults: By model the defaults of its settings, which the identity of a trial leaves out.
        model_sources: By model, for models of the user's own, the first digits of the SHA-256 of each of its modules.
        loss_defaults: By loss of the user's own the defaults of its settings, as jobs call them.
        teacher: Which trained model the job's models learn from.
        objective: What ranks trials.
        images: The number of images in each part: `train`, `validation`, `test`, and `unused` if the split leaves some
            out.
        image_shape: (C, H, W), or the shape of another example.
        numbers: What examples are that are not images of bytes; None for those.
        image_format: How images are read.
        classes: The number of classes K.
        class_names: Their names, in the order of the labels.
        search: What random search drew; None for a grid.
        repeats: How many times each point is trained.
        repeat_over: What the repeats draw again.
        folds: The number of folds; None without cross-validation.
        constraints: What a trial must not exceed to be the best.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    dataset: str = ""
    dataset_options: Mapping[str, Any] = Field(default_factory=dict)
    training: Literal["", "function", "command"] = ""
    inputs: Mapping[str, str] = Field(default_factory=dict)
    fingerprint: str = ""
    datasets: tuple[MadeDataset, ...] = ()
    data_defaults: Mapping[str, Any] = Field(default_factory=dict)
    models: tuple[str, ...] = ()
    description: str = ""
    base: Path = Path()
    axes: Annotated[SkipValidation[tuple[Axis, ...]], BeforeValidator(_axes)] = ()
    fixed: Mapping[str, Any] = Field(default_factory=dict)
    model_defaults: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    model_sources: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    loss_defaults: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    teacher: TeacherChoice | None = None
    objective: Objective = Objective()
    images: Mapping[str, int] = Field(default_factory=dict)
    image_shape: tuple[int, ...] | None = None
    numbers: Numbers | None = None
    image_format: Annotated[SkipValidation[ImageFormat], BeforeValidator(lambda found: _image_format(found))] = AS_IT_IS
    classes: int | None = None
    class_names: tuple[str, ...] = ()
    search: Drawn | None = None
    repeats: int = 1
    repeat_over: Literal["weights", "split", "both"] = "weights"
    folds: int | None = None
    constraints: Constraints = Constraints()

    @model_validator(mode="before")
    @classmethod
    def _from_stored(cls, written: Any) -> Any:
        """Take what a store has: without null, and the defaults and sources of an only model under its name."""
        if not isinstance(written, Mapping) or "models" in written:
            return written
        found = {key: value for key, value in written.items() if value is not None}
        model = found.pop("model", ())
        several = not isinstance(model, str)
        found["models"] = tuple(model) if several else (model,)
        for stored, name in (("defaults", "model_defaults"), ("sources", "model_sources")):
            if (of_models := found.pop(stored, None)) is not None:
                found[name] = of_models if several else {model: of_models}
        return found

    def as_json(self) -> dict[str, Any]:
        """Return the record as a store keeps it: JSON values, and rarely used keys only if they are set.

        The layout is that of the first stores, so that a job that did not change keeps its revision.
        """
        told = self._own_json() | self._data_json()
        several = len(self.models) > 1
        if self.search:
            told["search"] = self.search.model_dump()
        if self.repeats > 1:
            told |= {"repeats": self.repeats, "repeat_over": self.repeat_over}
        if self.folds:
            told["folds"] = self.folds
        if limits := self.constraints.limits():
            told["constraints"] = limits
        if image_format := self.image_format.as_json():
            told["image_format"] = image_format
        if sources := {name: dict(found) for name, found in self.model_sources.items() if found}:
            told["sources"] = sources if several else sources[self.models[0]]
        if self.loss_defaults:
            told["loss_defaults"] = {name: dict(found) for name, found in self.loss_defaults.items()}
        defaults = {name: dict(found) for name, found in self.model_defaults.items()}
        objective = self.objective
        return told | {
            "dataset": self.dataset,
            "fingerprint": self.fingerprint,
            "model": list(self.models) if several else "".join(self.models),
            "description": self.description,
            "base": str(self.base),
            "axes": [{"name": axis.name, "values": list(axis.values), "scale": axis.scale} for axis in self.axes],
            "fixed": dict(self.fixed),
            "defaults": defaults if several else defaults.get("".join(self.models), {}),
            "teacher": self.teacher.model_dump() if self.teacher else None,
            "objective": {"metric": objective.metric, "at": objective.at, "mode": objective.direction},
            "images": dict(self.images),
            "image_shape": list(self.image_shape) if self.image_shape else None,
            "classes": self.classes,
            "class_names": list(self.class_names),
        }

    def _data_json(self) -> dict[str, Any]:
        """Return what is not there of most data sets."""
        told: dict[str, Any] = {}
        if self.dataset_options:
            told["dataset_options"] = dict(self.dataset_options)
        if self.datasets:
            told["datasets"] = [one.model_dump(mode="json", exclude_none=True) for one in self.datasets]
            told["data_defaults"] = dict(self.data_defaults)
        if self.numbers:
            told["numbers"] = self.numbers.model_dump()
        return told

    def _own_json(self) -> dict[str, Any]:
        """Return what is only there of a training of the user's own."""
        told: dict[str, Any] = {}
        if self.training:
            told["training"] = self.training
        if self.inputs:
            told["inputs"] = dict(self.inputs)
        return told

    @property
    def dataset_text(self) -> str:
        """The data set as a person reads it, with the arguments that it is made with."""
        return dataset_text(self.dataset, self.dataset_options)

    @property
    def models_text(self) -> str:
        """Return the models as a person reads them."""
        return ", ".join(self.models)

    @property
    def axis_names(self) -> list[str]:
        """Return the names of the axes, in the order of the file."""
        return [axis.name for axis in self.axes]

    @property
    def limits(self) -> dict[str, float]:
        """Return what no trial of the job may exceed to be its best: `parameters`, `macs`, `seconds`."""
        return self.constraints.limits()

    @property
    def has_groups(self) -> bool:
        """Whether each point is trained more than once: its trials are then read as groups."""
        return self.repeats > 1 or self.folds is not None

    @property
    def repeated_seeds(self) -> tuple[str, ...]:
        """Return the settings in which the repeats of a point differ; a seed that is an axis tells points apart."""
        seeds = REPEATED_SEEDS[self.repeat_over] if self.repeats > 1 else ()
        return tuple(seed for seed in seeds if seed not in self.axis_names)

    @property
    def differing(self) -> tuple[str, ...]:
        """Return all settings in which the trials of one point differ: seeds, and the fold."""
        return (*self.repeated_seeds, "fold") if self.folds else self.repeated_seeds

    @property
    def restored(self) -> bool:
        """Whether each trial's numbers are those of its epoch with the lowest validation loss, not of its last."""
        return bool(self.fixed.get("restore_best"))

    @property
    def search_text(self) -> str:
        """Return how many points were drawn of how many, in words; nothing for a grid."""
        return drawn_text(self.search.drawn, self.search.size) if self.search else ""

    def values(self, setting: str) -> tuple[Value, ...]:
        """Return the values that a setting has in this job, as far as the job sets it."""
        of_axis = next((axis.values for axis in self.axes if axis.name == setting), None)
        return of_axis or ((self.fixed[setting],) if setting in self.fixed else ())

    def defaults(self, model: str) -> dict[str, Any]:
        """Return the defaults of a model's settings, which the identity of a trial, and so its `config`, leaves out."""
        return dict(self.model_defaults.get(model) or {})

    def settings_of(self, config: str) -> dict[str, Any]:
        """Return a trial's settings, those at their defaults included; in a job with several models `model` is one of
        them. An axis that has no effect on the trial (momentum under Adam) is none.

        Args:
            config: The trial's canonical configuration (`TrialRow.config`).
        """
        if self.training:
            return flatten(config)
        settings = flatten(config, with_model=True)
        model = str(settings[_MODEL])
        if len(self.models) < 2:
            del settings[_MODEL]
        of_loss = dict(self.loss_defaults.get(str(settings.get("loss"))) or {})
        known: dict[str, Any] = {**self.data_defaults, **self.defaults(model), **of_loss, **settings}
        if axes := self.mortal_axes:
            live = without_dead_settings(known)
            for name in axes:
                if name not in live:
                    known.pop(name, None)
        return known

    @property
    def mortal_axes(self) -> tuple[str, ...]:
        """Return the axes that may have no effect on some trials, by what else these are trained with."""
        return () if self.training else tuple(name for name in self.axis_names if name in MORTAL)

    def lacks(self, model: str, setting: str) -> bool:
        """Return whether one of several models does not have a setting that trials of the job have."""
        return len(self.models) > 1 and setting not in self.defaults(model) and setting not in self._data_names

    @property
    def _data_names(self) -> frozenset[str]:
        return frozenset(name for one in self.datasets for name in one.settings)

    def fingerprints(self) -> frozenset[str]:
        """Return the fingerprints of all data sets of the job."""
        return frozenset({self.fingerprint, *(one.fingerprint for one in self.datasets)})

    def images_of(self, config: str) -> Mapping[str, int]:
        """Return the number of images in each part of the data set of a trial, by its canonical configuration."""
        if not self.datasets:
            return self.images
        fingerprint = json.loads(config).get("dataset")
        return next((one.images for one in self.datasets if one.fingerprint == fingerprint), self.images)

    def example(self, fingerprint: str) -> tuple[tuple[int, ...] | None, Numbers | None]:
        """Return the shape of an example of one of the data sets, and what it is where it is no image of bytes."""
        found = next((one for one in self.datasets if one.fingerprint == fingerprint), None)
        return (found.image_shape, found.numbers) if found else (self.image_shape, self.numbers)


def _image_format(found: Any) -> ImageFormat:
    return found if isinstance(found, ImageFormat) else format_of(found)

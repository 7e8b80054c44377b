"""The job file: its keys and their types, and the one line that is said where one of them does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    WithJsonSchema,
)

from gridsearch.config.byte_sizes import SIZE_PATTERN, bytes_of
from gridsearch.config.command import MetricsFrom, as_argument
from gridsearch.config.durations import DURATION_PATTERN, seconds_of
from gridsearch.config.extra_metrics import checked_name
from gridsearch.config.habits import rule_habit, value_habit
from gridsearch.config.identity import canonical_value
from gridsearch.config.image_format import MOST_PIXELS, Background, Resize
from gridsearch.config.own_training import Resources
from gridsearch.config.sections import Constraints, Objective, RandomSearch, SkipRule, TeacherChoice
from gridsearch.config.trial import (
    PositiveInt,
    Split,
)
from gridsearch.config.wording import explain
from gridsearch.config.yaml_source import Document
from gridsearch.errors import JobError, nearest

#: Printable, and short enough for a table's heading. Control characters would reach terminals and pages.
JobName = Annotated[str, Field(min_length=1, max_length=100)]


_Side = Annotated[int, Field(ge=1, le=MOST_PIXELS, strict=True)]
#: A side of a square, or height and width.
ImageSize = _Side | Annotated[list[_Side], Field(min_length=2, max_length=2)]


def _seconds(written: Any) -> Any:
    """Return a duration as text, `30m`, in seconds; a number is seconds already."""
    return seconds_of(written) if isinstance(written, str) else written


Duration = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(gt=0.0, allow_inf_nan=False),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": DURATION_PATTERN}, {"type": "number", "exclusiveMinimum": 0}]}
    ),
]


#: One model, or several, of which each is a value of the axis `model`.
ModelNames = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    BeforeValidator(lambda written: written if isinstance(written, list) else [written]),
    Field(min_length=1),
]


def _argument(written: Any) -> Any:
    """Return a number among arguments as text."""
    return as_argument(written) if isinstance(written, (int, float)) and not isinstance(written, bool) else written


#: A command as a text, or as the list of its arguments.
CommandText = (
    Annotated[str, Field(min_length=1, max_length=100_000)]
    | Annotated[list[Annotated[str, BeforeValidator(_argument)]], Field(min_length=1, max_length=10_000)]
)

DiskLimit = Annotated[
    float,
    BeforeValidator(lambda written: None if written is None else bytes_of(written)),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": SIZE_PATTERN}, {"const": 0}]}),
]


class JobFile(BaseModel):
    """The keys of a job file that are not part of the recipe (those are checked value by value)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    name: JobName
    """The job's name; its results and its page have the same."""
    description: str = ""
    """A line for the page."""
    train: Annotated[str, Field(min_length=1)] = ""
    """Your own training function as package.module:function, in place of dataset and model."""
    command: CommandText | None = None
    """A command to run for each trial, such as python train.py --lr {learning_rate}, in place of train."""
    shell: StrictBool = False
    """Whether command is a line for /bin/sh, in which settings are environment variables alone."""
    metrics_from: MetricsFrom | None = None
    """Where the command's numbers are: {stdout: 'acc=(?P<val_acc>[\\d.]+)'}, {file: metrics.csv} or a .jsonl file."""
    inputs: Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=1000)] = Field(default_factory=list)
    """Files whose content is part of a trial's identity, for train and command."""
    shares_epochs: StrictBool = False
    """Whether a longer training passes through the numbers of a shorter one, for train and command."""
    resources: Resources = Resources()
    """What one trial needs of the machine, such as {cpus: 2, gpus: 0.5}, for train and command."""
    dataset: Annotated[str, Field(min_length=1)] = ""
    """A data set by name, torchvision:CLASS, module:function, or the path of an .npz file or of a folder of images."""
    dataset_options: dict[str, Any] = Field(default_factory=dict)
    """Arguments of torchvision's class, as in {split: letters}, or of your function, whose may be axes too."""
    split: Split = Split()
    """How images are divided; a share is a fraction or a number of images."""
    image_size: ImageSize | None = None
    """The size to bring images to: a side in pixels, or [height, width]."""
    resize: Resize | None = None
    """How to fit images of another aspect ratio to image_size: pad, crop or stretch."""
    background: Background | None = None
    """The colour behind transparent pixels, and of what resize: pad adds."""
    model: ModelNames = Field(default_factory=list)
    """A model by name, or your own as package.module:Class; a list of them is an axis."""
    space: dict[str, Any] = Field(default_factory=dict)
    """The axes: for each setting a list of values, a range, or a single value."""
    rules: list[SkipRule] = Field(default_factory=list)
    """Expressions over the settings; points for which one holds are left out."""
    search: Annotated[RandomSearch | None, BeforeValidator(lambda written: None if written == "grid" else written)] = (
        None
    )
    """grid: every point; {random: 50}: 50 points, drawn at random."""
    repeats: PositiveInt = 1
    """How many times each point is trained, with different seeds."""
    repeat_over: Literal["weights", "split", "both"] = "weights"
    """What the repeats draw again: the weights (seed), the split (data_seed), or both."""
    metrics: Annotated[list[Annotated[str, AfterValidator(checked_name)]], Field(max_length=30)] = Field(
        default_factory=list
    )
    """What to measure of the validation images in every epoch, beside loss and accuracy, such as [top5, f1_macro]."""
    train_metrics: Annotated[list[Annotated[str, AfterValidator(checked_name)]], Field(max_length=30)] = Field(
        default_factory=list
    )
    """What to measure of the training images in every epoch, as the metrics."""
    objective: Objective = Objective()
    """What ranks trials."""
    constraints: Constraints = Constraints()
    """What a trial must not exceed to be the best."""
    teacher: TeacherChoice | None = None
    """The trained model that this job's models learn from."""
    trial_timeout: Duration | None = None
    """How long a worker may be silent, such as 30m, before it is stopped and the trial that hangs fails."""
    checkpoints: DiskLimit | None = None
    """Disk limit for the store's checkpoints, such as 5GB; none keeps only those of unfinished trainings."""


JOB_KEYS = tuple(JobFile.model_fields)
#: The key that may be an axis and is no setting: a trial of each of its values is one of a job of that model alone.
MODEL = "model"
#: What says who trains: a job names a function of the user's, a command, or else a data set and a model.
TRAIN, COMMAND = "train", "command"
_NEEDED = ("dataset", MODEL)
#: The keys that are for one's own training, for a command alone, and for ours.
OWN_ONLY = ("inputs", "shares_epochs", "resources")
COMMAND_ONLY = ("shell", "metrics_from")
OURS_ONLY = (
    "dataset", "dataset_options", "split", "image_size", "resize", "background", MODEL,
    "metrics", "train_metrics", "teacher",
)  # fmt: skip


def checked_head(document: Document) -> JobFile:
    """Return the keys of a job file that are not part of the recipe; `JobError` for the first that does not fit."""
    for key in JOB_KEYS:
        if key in document.data and (said := value_habit(key, document.data[key])):
            raise document.error((key,), said)
    rules = document.data.get("rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        if said := rule_habit(rule):
            raise document.error(("rules", index), said)
    try:
        head = JobFile.model_validate({key: _counted(value) for key, value in document.data.items() if key in JOB_KEYS})
    except ValidationError as error:
        raise _first_error(document, error) from None
    _check_who_trains(document)
    if not head.name.isprintable() or head.name != head.name.strip():
        raise document.error(("name",), "must be printable text without spaces at its ends")
    return head


def _check_who_trains(document: Document) -> None:
    """Refuse a job without what it trains, and keys that are for a training of another kind."""
    own = next((key for key in (TRAIN, COMMAND) if key in document.data), "")
    if own == TRAIN and COMMAND in document.data:
        raise document.error((COMMAND,), f"cannot be set beside {TRAIN}: keep the one that trains")
    if own != COMMAND and (key := _first_of(COMMAND_ONLY, document)):
        raise document.error((key,), f"is for {COMMAND}: python train.py --lr {{learning_rate}}", key=True)
    if own:
        if key := _first_of(OURS_ONLY, document):
            whose = "function" if own == TRAIN else "command"
            raise document.error(
                (key,), f"cannot be set beside {own}: your {whose} has its own; a setting of it goes under space"
            )
        return
    if key := _first_of(OWN_ONLY, document):
        raise document.error((key,), f"is for a training of your own, as {TRAIN}: my_training:train", key=True)
    for key in _NEEDED:
        if key not in document.data:
            needed = f"every job needs it, or {TRAIN} or {COMMAND} in place of {' and '.join(_NEEDED)}"
            raise JobError(f"{document.source}: {key}: missing; {needed}")


def _first_of(keys: Sequence[str], document: Document) -> str:
    """Return the first of some keys that the document has; empty where it has none."""
    return next((key for key in keys if key in document.data), "")


def _counted(value: Any) -> Any:
    """Return the value with `1e3` as the whole number it is; 1.0 stays a share, which is not one image."""
    if isinstance(value, dict):
        return {key: _counted(inner) for key, inner in value.items()}
    return canonical_value(value) if isinstance(value, float) and abs(value) > 1.0 else value


def _first_error(document: Document, error: ValidationError) -> JobError:
    # An unknown key is the likely cause of a missing one.
    problem = min(error.errors(include_url=False), key=lambda found: found["type"] != "extra_forbidden")
    trail = tuple(part for part in problem["loc"] if part in _walkable(document.data, problem["loc"]))
    if problem["type"] == "missing":
        if len(problem["loc"]) > 1:
            return document.error(trail, f"{problem['loc'][-1]} is missing")
        return JobError(f"{document.source}: {problem['loc'][0]}: missing; every job needs it")
    if problem["type"] == "extra_forbidden":
        owners: dict[str, type[BaseModel]] = {
            "split": Split,
            "objective": Objective,
            "teacher": TeacherChoice,
            "rules": SkipRule,
            "search": RandomSearch,
            "constraints": Constraints,
            "resources": Resources,
            "metrics_from": MetricsFrom,
        }
        owner = owners.get(str(trail[0]), JobFile)
        return document.error(trail, f"unknown key{nearest(str(trail[-1]), owner.model_fields)}", key=True)
    optional = len(problem["loc"]) == 1 and not JobFile.model_fields[str(problem["loc"][0])].is_required()
    return document.error(trail, explain(problem, optional=optional))


def _walkable(data: Any, loc: Sequence[int | str]) -> list[int | str]:
    """Return the parts of pydantic's location that are keys of the document; it adds names of types of its own."""
    parts: list[int | str] = []
    for part in loc:
        children = dict(enumerate(data)) if isinstance(data, list) else data if isinstance(data, dict) else {}
        if part in children:
            parts.append(part)
            data = children[part]
    return parts

"""The command show: one trial, or the layers of a model."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridsearch import paths
from gridsearch.cli.options import DEFAULT_STORE, AsJson, DataOption, FormatOption, StoreOption, TableFile
from gridsearch.cli.render import tables
from gridsearch.cli.render.wording import short_id
from gridsearch.cli.streams import columns, data, into, say
from gridsearch.config.versions import CURRENT
from gridsearch.engine.prepare.model_questions import Seen
from gridsearch.errors import GridsearchError, StoreError

if TYPE_CHECKING:
    from gridsearch.store.contract import Store
    from gridsearch.store.rows import EpochRow, TrialRow

TrialPrefix = Annotated[
    str | None, typer.Argument(metavar="[TRIAL]", help="A trial's id, or the first digits of it; or use --model.")
]
LayersOption = Annotated[bool, typer.Option("--layers", help="Print the layers of the trial's model.")]
LogOption = Annotated[bool, typer.Option("--log", help="Print what a training of your own has printed.")]
EpochsOption = Annotated[bool, typer.Option("--epochs", help="Print the trial's epochs, one line per epoch.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="NAME", help="Print the layers of a model: a built-in one, or package.module:Class."
    ),
]
ModelSet = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set an argument of the model; a list is one value."),
]
ImageSize = Annotated[
    str | None, typer.Option("--image-size", metavar="CxHxW", help="Image shape for --model, such as 3x32x32.")
]
DatasetOption = Annotated[
    str | None,
    typer.Option(
        "--dataset", help="Take image shape and classes from this data set, instead of --image-size and --classes."
    ),
]
Classes = Annotated[int | None, typer.Option("--classes", min=1, help="Number of classes for --model. Default: 10.")]

_SIZE = re.compile(r"([1-9]\d*)x([1-9]\d*)x([1-9]\d*)")
_CLASSES = 10


@dataclass(frozen=True)
class _Wanted:
    """A model whose layers are asked for; `folders` are where the user's own may lie, `code` what it once was.

    `version` is that of the recipe under which it is built.
    """

    name: str
    hyper: dict[str, Any]
    seen: Seen
    folders: Sequence[Path]
    code: str | None = None
    version: int = CURRENT


def show(
    trial: TrialPrefix = None,
    layers: LayersOption = False,
    epochs: EpochsOption = False,
    log: LogOption = False,
    model: ModelOption = None,
    set_: ModelSet = None,
    image_size: ImageSize = None,
    dataset: DatasetOption = None,
    classes: Classes = None,
    format_: FormatOption = None,
    output: TableFile = None,
    data_dir: DataOption = None,
    store: StoreOption = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Print one trial (settings, metrics, curves, events), its epochs, or a model's layers and their cost."""
    if as_json and format_ not in (None, tables.Format.JSON):
        raise GridsearchError(f"show: --json and --format {format_} contradict each other: use only one of them")
    kind = tables.format_of(tables.Format.JSON if as_json else format_, output)
    options = {"--set": set_, "--image-size": image_size, "--dataset": dataset, "--classes": classes}
    if (trial is None) == (model is None):
        raise GridsearchError(
            "show: give " + ("a trial, or --model" if trial is None else "a trial or --model, not both")
        )
    if stray := [name for name, given in options.items() if given and model is None]:
        raise GridsearchError(f"show: {stray[0]} needs --model")
    if epochs and (layers or model is not None):
        raise GridsearchError("show: --epochs and the layers are different tables: use --epochs alone")
    if log and (epochs or layers or model is not None or format_ not in (None, tables.Format.TABLE) or as_json):
        raise GridsearchError("show: --log prints text as it is, and nothing else: use --log alone")
    if model is not None:
        seen = _seen(image_size, dataset, classes, data_dir)
        with into(output):
            _print_layers(_Wanted(model, _settings(set_ or []), seen, [Path.cwd()]), kind)
    elif trial is not None:
        from gridsearch.store.opening import open_store

        with open_store(store, create=False, read_only=True) as opened, into(output):
            row = opened.trial(trial)
            if layers:
                _print_layers(_of_trial(row, opened), kind)
            elif log:
                _print_log(row, store)
            else:
                (_print_epochs if epochs else _print_trial)(row, opened, kind)


def _print_trial(row: TrialRow, store: Store, format_: tables.Format) -> None:
    from gridsearch.analysis.spans import spans
    from gridsearch.cli.render.trial import settings_of, trial_json, trial_text

    epochs = _own_epochs(row, store)
    events = store.events(trial_id=row.trial_id)
    settings = settings_of(row, store.jobs())
    trained = spans(store.trainings(row.lineage_id), epochs[-1].epoch) if epochs else []
    if format_ is tables.Format.JSON:
        data(json.dumps(trial_json(row, settings, epochs, events, trained), indent=2))
    elif format_ is tables.Format.TABLE:
        data(trial_text(row, settings, epochs, events, trained, width=columns(sys.stdout)))
    else:
        raise GridsearchError(f"show: --format {format_} needs a table: add --epochs or --layers")


def _print_epochs(row: TrialRow, store: Store, format_: tables.Format) -> None:
    from gridsearch.cli.render.trial import epoch_grid, epochs_json, is_own

    epochs, own = _own_epochs(row, store), is_own(row)
    if format_ is tables.Format.JSON:
        data(json.dumps(epochs_json(epochs, own=own), indent=2))
    else:
        tables.write(epoch_grid(epochs, own=own), format_)


def _print_log(row: TrialRow, store: Path) -> None:
    file = paths.trial_log(paths.log_dir(store), row.lineage_id)
    try:
        text = file.read_text(errors="replace")
    except FileNotFoundError:
        from gridsearch.cli.render.trial import is_own

        why = "only trainings of your own have one (train: my_training:train)"
        if is_own(row):
            why = f"there is no {file}: it has not been trained here, or its log was deleted"
        raise GridsearchError(f"show: trial {row.trial_id[:8]} has no log: {why}") from None
    except OSError as error:
        raise GridsearchError(f"show: {file} cannot be read: {error.strerror or error}") from None
    data(text.removesuffix("\n"))


def _own_epochs(row: TrialRow, store: Store) -> list[EpochRow]:
    """Return a trial's epochs; of a training of the user's own those that it reported."""
    from gridsearch.analysis.lineage_curves import reported
    from gridsearch.cli.render.trial import is_own
    from gridsearch.store.rows import LineageCurve

    epochs = [epoch for epoch in store.epochs([row.lineage_id]) if epoch.epoch <= row.epochs]
    return reported(LineageCurve.of(row.lineage_id, epochs)).rows if epochs and is_own(row) else epochs


def _print_layers(wanted: _Wanted, format_: tables.Format) -> None:
    from gridsearch.cli.render.layers import layers_grid, layers_json
    from gridsearch.engine.prepare.model_process import ModelProcess
    from gridsearch.models.registry import MODELS, check_hyperparameters, check_values, find_model

    process = None if wanted.name in MODELS else ModelProcess(wanted.name, wanted.folders)
    model = process.signature() if process else find_model(wanted.name)
    check_hyperparameters(model, list(wanted.hyper), mend="add --set NAME=VALUE")
    check_values(model, wanted.hyper)
    if process:
        process.seen = wanted.seen
        table = process.layers(wanted.hyper, wanted.version)
        process.rest()
    else:
        from gridsearch.models.layers import layers_of
        from gridsearch.models.registry import ModelClass

        assert isinstance(model, ModelClass)
        table = layers_of(model, wanted.hyper, **asdict(wanted.seen), version=wanted.version)
    if wanted.code not in (None, model.code):
        say(f"model {wanted.name} has been edited since this trial was planned: these are its current layers")
    if format_ is tables.Format.JSON:
        asked = {"model": wanted.name, "settings": wanted.hyper}
        images = {"image_shape": wanted.seen.image_shape, "classes": wanted.seen.num_classes}
        data(json.dumps(asked | images | layers_json(table), indent=2))
    else:
        tables.write(layers_grid(table, wanted.seen.image_shape, format_), format_)


def _of_trial(row: TrialRow, store: Store) -> _Wanted:
    """Return the model of a trial, with the images of a job that has its model and its data set."""
    from gridsearch.cli.render.trial import is_own
    from gridsearch.config.identity import parse

    config = parse(row.config)
    if is_own(row):
        raise GridsearchError(
            f"show: trial {row.trial_id[:8]} was trained by {config.model}, which alone has its model"
        )
    fitting = (job.record for job in store.jobs())
    having = (one for one in fitting if config.model in one.models and config.dataset in one.fingerprints())
    record = next(having, None)
    shape, numbers = record.example(config.dataset) if record else (None, None)
    if record is None or shape is None or record.classes is None:
        raise StoreError(
            f"trial {short_id(row.trial_id)}: no job in the store gives the size of its images; show its model with"
            f" --model {config.model} --image-size"
        )
    folders = [record.base, Path.cwd()]
    seen = Seen(shape, record.classes, numbers.whole if numbers else None)
    return _Wanted(config.model, dict(config.hyper), seen, folders, config.model_code, config.version)


def _settings(written: Sequence[str]) -> dict[str, Any]:
    from gridsearch.config.overrides import parse_override
    from gridsearch.config.trial import RECIPE_KEYS

    settings = dict(parse_override(text, example="neurons=100") for text in written)
    if stray := [key for key in settings if key in RECIPE_KEYS]:
        raise GridsearchError(f"--set {stray[0]}: a setting of the recipe; a model's layers do not depend on it")
    return settings


def _seen(size: str | None, dataset: str | None, classes: int | None, data_dir: Path | None) -> Seen:
    """Return the shape of the images (C, H, W), or other examples, and the number of classes that a model is for."""
    if (size is None) == (dataset is None):
        raise GridsearchError(
            "show --model needs the shape of the images: add --image-size 3x32x32 or --dataset cifar10"
        )
    if dataset is not None:
        if classes is not None:
            raise GridsearchError("show: --classes needs --image-size; a data set has its own classes")
        from gridsearch.engine.prepare.job_data import load_data

        images = load_data(dataset, folder=paths.data_dir(data_dir), base=Path.cwd())
        return Seen(images.image_shape, images.num_classes, images.whole)
    found = _SIZE.fullmatch(size or "")
    if not found:
        raise GridsearchError(f"--image-size {size}: write channels x height x width, as in 3x32x32")
    channels, height, width = map(int, found.groups())
    return Seen((channels, height, width), classes or _CLASSES)

"""The commands that draw images: samples of a data set, and where a model's convolutions look at them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridsearch import paths
from gridsearch.cli.options import DEFAULT_DASHBOARDS, DEFAULT_STORE, DataOption, StoreOption
from gridsearch.cli.resources import DeviceOption, checked_device
from gridsearch.cli.streams import data, say
from gridsearch.cli.supervising import models_behind, require_own_process, supervisable
from gridsearch.cli.wording import short_id
from gridsearch.config.image_format import Background, Resize
from gridsearch.errors import GridsearchError

if TYPE_CHECKING:
    from gridsearch.config.image_format import ImageFormat
    from gridsearch.engine.trained.load import TrainedTrial
    from gridsearch.report.pictures import Sheet

TrialName = Annotated[str, typer.Argument(metavar="TRIAL", help="A trial's id or the beginning of it.")]
DatasetName = Annotated[str, typer.Argument(metavar="DATASET", help="A data set as jobs name it, or the path of one.")]
SampleCount = Annotated[int, typer.Option("-n", "--number", min=1, max=1000, help="How many images.")]
SampleSeed = Annotated[int, typer.Option("--seed", min=0, help="Which images: another seed draws others.")]
MapCount = Annotated[int, typer.Option("-n", "--number", min=1, max=200, help="How many images.")]
Layers = Annotated[
    list[str] | None,
    typer.Option(
        "--layer", metavar="NAME", help="A convolution by its name in the model; repeatable. Else up to four."
    ),
]
SizeOption = Annotated[
    str | None,
    typer.Option("--image-size", metavar="SIZE", help="Bring images to this size, as 64 or 48x64: a job's image_size."),
]
ResizeOption = Annotated[
    Resize | None, typer.Option("--resize", help="How images of another shape come to it (default: pad).")
]
BackgroundOption = Annotated[
    Background | None, typer.Option("--background", help="What lies behind transparent pixels (default: white).")
]
PictureFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", help=f"The file to write, .html or .png; else a page in {paths.DASHBOARDS_NAME}/."),
]


def samples(
    dataset: DatasetName,
    n: SampleCount = 25,
    seed: SampleSeed = 0,
    output: PictureFile = None,
    image_size: SizeOption = None,
    resize: ResizeOption = None,
    background: BackgroundOption = None,
    data_dir: DataOption = None,
) -> None:
    """Draw sample images of a data set with their classes, as a page or a picture.

    They are training images, drawn at random and evenly from all classes.
    """
    from gridsearch.data.catalog import load_dataset
    from gridsearch.data.samples import sample_places
    from gridsearch.data.scaling import unit_text

    target = output or paths.samples_page(DEFAULT_DASHBOARDS, Path(dataset).name)
    check_suffix(target)
    image_format = _image_format(image_size, resize, background)
    loaded = load_dataset(dataset, folder=paths.data_dir(data_dir), base=Path(), image_format=image_format)
    for told in loaded.notes:
        say(told)
    places = sample_places(loaded.train_labels, n, seed)

    from gridsearch.report.pictures import Picture, Sheet, in_square

    pictures = [Picture(loaded.train_images[i], loaded.class_names[loaded.train_labels[i]]) for i in places]
    channels, height, width = loaded.image_shape
    kind = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
    count = f"{len(places)} of {len(loaded.train_labels):,} training images in {loaded.num_classes} classes"
    note = f"{count}; {height} x {width} {unit_text((height, width))}, {kind}."
    write_sheet(Sheet(loaded.name, note, in_square(pictures)), target)


def _image_format(size: str | None, resize: str | None, background: str | None) -> ImageFormat:
    """Return how images are read, as the keys of a job would say it."""
    from gridsearch.config.image_format import MOST_PIXELS, format_of

    if resize and size is None:
        raise GridsearchError("--resize: to which size? say it: --image-size 64")
    sides = [int(side) for side in size.split("x")] if size and re.fullmatch(r"\d{1,5}(x\d{1,5})?", size) else []
    if size and not (sides and all(1 <= side <= MOST_PIXELS for side in sides)):
        raise GridsearchError(f"--image-size {size}: write a side in pixels, as 64, or height x width, as 48x64")
    wanted = {"image_size": (sides * 2)[:2] if sides else None, "resize": resize, "background": background}
    return format_of(wanted)


@supervisable
def maps(
    trial: TrialName,
    layer: Layers = None,
    n: MapCount = 8,
    seed: SampleSeed = 0,
    output: PictureFile = None,
    store: StoreOption = DEFAULT_STORE,
    data_dir: DataOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Draw where a trial's convolutions are active, over validation images, as a page or a picture.

    A layer's activity is the sum of what its ReLU lets through over all channels, scaled for each image.
    """
    from gridsearch.store.opening import open_store

    if output:
        check_suffix(output)
    checked_device(device)
    with open_store(store, create=False, read_only=True) as opened:
        row = opened.trial(trial)
        require_own_process(models_behind(opened, [row.trial_id]))
        from gridsearch.engine.executors.descriptors import stdout_to_stderr
        from gridsearch.engine.trained.load import ModelSource, job_with, trained

        job = job_with(opened, row.trial_id)
        source = ModelSource(opened, store, paths.data_dir(data_dir), device, note=say)
        with stdout_to_stderr():  # what models print
            found = trained(source, job, row.trial_id)
            sheet = _maps_sheet(found, layer or (), n, seed)
    write_sheet(sheet, output or paths.maps_page(DEFAULT_DASHBOARDS, row.trial_id), store.name)


def _maps_sheet(found: TrainedTrial, layers: Sequence[str], n: int, seed: int) -> Sheet:
    from gridsearch.data.samples import sample_places
    from gridsearch.engine.trained.maps import validation_maps
    from gridsearch.report.overlays import overlay
    from gridsearch.report.pictures import Picture, Sheet

    places = sample_places(found.split.validation_labels, n, seed)
    active = validation_maps(found, places, layers)
    rows = []
    for order, place in enumerate(places):
        image, names = found.split.validation_images[place], found.class_names
        true, taken = found.split.validation_labels[place], active.predicted[order]
        caption = names[true] if true == taken else f"{names[true]} as {names[taken]}"
        rows.append((Picture(image, caption), *(Picture(overlay(image, maps[order])) for maps in active.maps.values())))
    note = (
        f"Trial {short_id(found.row.trial_id)} of {found.job.name}, {found.config.model} after epoch {found.epoch}, on"
        f" {len(places)} validation images; where a class was taken for another, both are named. The positive outputs"
        " of each layer, summed over its channels and scaled for each image: plain where least, yellow where most."
    )
    sizes = [f"{name} ({maps.shape[2]} x {maps.shape[1]})" for name, maps in active.maps.items()]
    return Sheet("Activation maps", note, tuple(rows), headings=("image", *sizes))


def check_suffix(target: Path) -> None:
    """Refuse a file whose name does not tell one of the two forms."""
    if target.suffix.lower() not in (".html", ".png"):
        raise GridsearchError(f"--output {target}: the name must end in .html or .png")


def write_sheet(sheet: Sheet, target: Path, store: str = "") -> None:
    """Write pictures in the form that the file's name tells, and print the name."""
    from gridsearch.atomic import write_named
    from gridsearch.report.page import Stamp
    from gridsearch.report.pictures import sheet_page, sheet_png

    content = (
        sheet_png(sheet)
        if target.suffix.lower() == ".png"
        else sheet_page(sheet, Stamp(datetime.now(UTC), store)).encode(errors="backslashreplace")
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_named(target, content)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise GridsearchError(f"--output {target}: cannot be written ({reason}); name another file") from None
    data(str(target))

"""The commands that draw images: samples of a data set."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridsearch import paths
from gridsearch.cli.options import DEFAULT_DASHBOARDS, DataOption
from gridsearch.cli.streams import data
from gridsearch.errors import GridsearchError

if TYPE_CHECKING:
    from gridsearch.report.pictures import Sheet

DatasetName = Annotated[str, typer.Argument(metavar="DATASET", help="A data set as jobs name it, or the path of one.")]
SampleCount = Annotated[int, typer.Option("-n", "--number", min=1, max=1000, help="How many images.")]
SampleSeed = Annotated[int, typer.Option("--seed", min=0, help="Which images: another seed draws others.")]
PictureFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", help=f"The file to write, .html or .png; else a page in {paths.DASHBOARDS_NAME}/."),
]


def samples(
    dataset: DatasetName,
    n: SampleCount = 25,
    seed: SampleSeed = 0,
    output: PictureFile = None,
    data_dir: DataOption = None,
) -> None:
    """Draw sample images of a data set with their classes, as a page or a picture.

    They are training images, drawn at random and evenly from all classes.
    """
    from gridsearch.data.catalog import load_dataset
    from gridsearch.data.samples import sample_places

    target = output or paths.samples_page(DEFAULT_DASHBOARDS, Path(dataset).name)
    check_suffix(target)
    loaded = load_dataset(dataset, folder=paths.data_dir(data_dir), base=Path())
    places = sample_places(loaded.train_labels, n, seed)

    from gridsearch.report.pictures import Picture, Sheet, in_square

    pictures = [Picture(loaded.train_images[i], loaded.class_names[loaded.train_labels[i]]) for i in places]
    channels, height, width = loaded.image_shape
    kind = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
    count = f"{len(places)} of {len(loaded.train_labels):,} training images in {loaded.num_classes} classes"
    note = f"{count}; {width} x {height} pixels, {kind}."
    write_sheet(Sheet(loaded.name, note, in_square(pictures)), target)


def check_suffix(target: Path) -> None:
    """Refuse a file whose name does not tell one of the two forms."""
    if target.suffix.lower() not in (".html", ".png"):
        raise GridsearchError(f"--output {target}: the name must end in .html or .png")


def write_sheet(sheet: Sheet, target: Path, store: str = "") -> None:
    """Write pictures in the form that the file's name tells, and print the name."""
    from gridsearch.atomic import replacing
    from gridsearch.report.page import Stamp
    from gridsearch.report.pictures import sheet_page, sheet_png

    content = (
        sheet_png(sheet)
        if target.suffix.lower() == ".png"
        else sheet_page(sheet, Stamp(datetime.now(UTC), store)).encode()
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            file.write(content)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise GridsearchError(f"--output {target}: cannot be written ({reason}); name another file") from None
    data(str(target))

"""`gridsearch samples`: images of a data set, as a model is given them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridsearch import paths
from gridsearch.cli.options import DEFAULT_DASHBOARDS, DataOption
from gridsearch.cli.pictures import PictureFile, SampleSeed, check_suffix, write_sheet
from gridsearch.cli.streams import say
from gridsearch.config.image_format import Background, Resize
from gridsearch.errors import GridsearchError

if TYPE_CHECKING:
    from gridsearch.config.image_format import ImageFormat


DatasetName = Annotated[str, typer.Argument(metavar="DATASET", help="Name or path of a data set, as in a job file.")]


SampleCount = Annotated[int, typer.Option("-n", "--number", min=1, max=1000, help="How many images to draw.")]


SizeOption = Annotated[
    str | None,
    typer.Option(
        "--image-size", metavar="SIZE", help="Resize images to this size, such as 64 or 48x64 (a job's image_size)."
    ),
]


ResizeOption = Annotated[
    Resize | None, typer.Option("--resize", help="How to fit images of another aspect ratio (default: pad).")
]


BackgroundOption = Annotated[
    Background | None, typer.Option("--background", help="Colour behind transparent pixels (default: white).")
]


ArgumentsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Set an argument of torchvision's class or of your function; repeatable."
    ),
]


def samples(
    dataset: DatasetName,
    n: SampleCount = 25,
    seed: SampleSeed = 0,
    output: PictureFile = None,
    image_size: SizeOption = None,
    resize: ResizeOption = None,
    background: BackgroundOption = None,
    set_: ArgumentsOption = None,
    data_dir: DataOption = None,
) -> None:
    """Draw sample images of a data set with their classes, as a page or an image file.

    These are training images, drawn at random and evenly across classes.
    """
    from gridsearch.config.overrides import parse_override
    from gridsearch.data.samples import label_text, sample_places
    from gridsearch.data.scaling import unit_text
    from gridsearch.engine.prepare.job_data import load_data

    target = output or paths.samples_page(DEFAULT_DASHBOARDS, Path(dataset).name)
    check_suffix(target)
    image_format = _image_format(image_size, resize, background)
    # As in a job, a list is one value.
    options = dict(parse_override(text, example="split=letters") for text in set_ or ())
    folder = paths.data_dir(data_dir)
    loaded = load_data(dataset, folder=folder, base=Path(), image_format=image_format, options=options)
    loaded.require_pixels("samples")
    for told in loaded.notes:
        say(told)
    places = sample_places(loaded.train_labels, n, seed)

    from gridsearch.visualization.pictures import Picture, Sheet, in_square

    pictures = [Picture(loaded.train_images[i], label_text(loaded, loaded.train_labels[i])) for i in places]
    channels, height, width = loaded.image_shape
    kind = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
    count = f"{len(places)} of {len(loaded.train_labels):,} training images"
    count += f" in {loaded.num_classes} classes" if loaded.targets == "classes" else ""
    note = f"{count}; {height} x {width} {unit_text((height, width))}, {kind}."
    write_sheet(Sheet(loaded.name, note, in_square(pictures)), target)


def _image_format(size: str | None, resize: str | None, background: str | None) -> ImageFormat:
    """Return how images are read, as the keys of a job would say it."""
    from gridsearch.config.image_format import MOST_PIXELS, format_of

    if resize and size is None:
        raise GridsearchError("--resize needs a size: add --image-size 64")
    sides = [int(side) for side in size.split("x")] if size and re.fullmatch(r"\d{1,5}(x\d{1,5})?", size) else []
    if size and not (sides and all(1 <= side <= MOST_PIXELS for side in sides)):
        raise GridsearchError(
            f"--image-size {size}: write a side in pixels, such as 64, or height x width, such as 48x64"
        )
    wanted = {"image_size": (sides * 2)[:2] if sides else None, "resize": resize, "background": background}
    return format_of(wanted)

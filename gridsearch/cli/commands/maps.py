"""`gridsearch maps`: where a trained trial's convolutions are active."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gridsearch import paths
from gridsearch.cli.options import DEFAULT_DASHBOARDS, DEFAULT_STORE, DataOption, StoreOption
from gridsearch.cli.pictures import PictureFile, SampleSeed, check_suffix, write_sheet
from gridsearch.cli.render.wording import short_id
from gridsearch.cli.resources import DeviceOption, checked_device
from gridsearch.cli.streams import say
from gridsearch.cli.supervising import models_behind, require_own_process, supervisable

if TYPE_CHECKING:
    from gridsearch.engine.trained.load import TrainedTrial
    from gridsearch.visualization.pictures import Sheet


TrialName = Annotated[str, typer.Argument(metavar="TRIAL", help="A trial's id, or the first digits of it.")]


MapCount = Annotated[int, typer.Option("-n", "--number", min=1, max=200, help="How many images to draw.")]


Layers = Annotated[
    list[str] | None,
    typer.Option(
        "--layer", metavar="NAME", help="Name of a convolution in the model; repeatable. Default: up to four of them."
    ),
]


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
    """Draw where a trial's convolutions are active on validation images, as a page or an image file.

    A layer's activity is its output after the ReLU, summed over all channels and scaled for each image.
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
    from gridsearch.data.samples import label_text, sample_places
    from gridsearch.engine.trained.maps import validation_maps
    from gridsearch.visualization.overlays import overlay
    from gridsearch.visualization.pictures import Picture, Sheet

    found.split.dataset.require_pixels("maps")
    places = sample_places(found.split.validation_labels, n, seed)
    active = validation_maps(found, places, layers)
    rows = []
    for order, place in enumerate(places):
        image, names = found.split.validation_images[place], found.class_names
        true, taken = found.split.validation_labels[place], active.predicted[order]
        wrong = found.split.dataset.targets == "classes" and true != taken
        caption = label_text(found.split.dataset, true) + (f" as {names[taken]}" if wrong else "")
        rows.append((Picture(image, caption), *(Picture(overlay(image, maps[order])) for maps in active.maps.values())))
    note = (
        f"Trial {short_id(found.row.trial_id)} of {found.job.name}, {found.config.model} after epoch {found.epoch}, on"
        f" {len(places)} validation images; misclassified images show both classes. Each map is a layer's positive"
        f" output, summed over its channels and scaled for each image: clear where lowest, yellow where highest."
    )
    sizes = [f"{name} ({maps.shape[2]} x {maps.shape[1]})" for name, maps in active.maps.items()]
    return Sheet("Activation maps", note, tuple(rows), headings=("image", *sizes))

"""What a plan says of the images: their shape, their classes, what of them is used, and what reading left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridsearch.config.byte_sizes import size_text
from gridsearch.config.value_kinds import as_written
from gridsearch.data.checks import CHANNEL_COUNTS
from gridsearch.data.kinds import values_text
from gridsearch.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridsearch.data.dataset import ImageDataset
    from gridsearch.engine.prepare.preparation import PreparedJob

#: Of so many classes each is told with its number of images.
MOST_LISTED = 12


def dataset_rows(prepared: PreparedJob) -> list[tuple[str, str, str]]:
    """Return which data sets a function made for a job whose settings are its arguments, and what they take."""
    job = prepared.job
    made = prepared.data.combinations(job) if job.data_settings else []
    if not made:
        return []
    taken = sum(dataset.nbytes for dataset in prepared.datasets.values())
    names = ", ".join(name for name in job.setting_names if name in job.data_settings)
    rows = [("data sets", f"{len(made):,}", f"by {names}; {size_text(taken)} in memory")]
    for settings, fingerprint in made[:MOST_LISTED]:
        told = ", ".join(f"{name} {as_written(value)}" for name, value in settings.items())
        rows.append(("", "", f"{told}: {' x '.join(map(str, prepared.datasets[fingerprint].image_shape))}"))
        if prepared.images(fingerprint) != prepared.images():
            parts = ", ".join(f"{count:,} {part}" for part, count in prepared.images(fingerprint).items())
            rows[-1] = ("", "", f"{rows[-1][2]}; {parts}")
    return rows + ([("", "", "and others")] if len(made) > MOST_LISTED else [])


def first_of(prepared: PreparedJob) -> str:
    """Return that what is told is of the first data set, where there are several that differ in size."""
    several = {str(prepared.images(fingerprint)) for fingerprint in prepared.datasets}
    return " (of the first data set)" if len(several) > 1 else ""


def data_rows(prepared: PreparedJob) -> list[tuple[str, str, str]]:
    """Return what the images are, what becomes of those that the data set sets apart, and what reading it left out."""
    dataset = prepared.dataset
    rows = []
    if own := len(dataset.test_labels):
        rows.append(("", f"{own:,}", prepared.own_test_use))
    if own := len(dataset.validation_labels):
        rows.append(("", f"{own:,}", prepared.own_validation_use))
    rows += [("", "!", note) for note in prepared.data_notes]
    shapes = dict.fromkeys(map(shape_text, prepared.datasets.values()))
    rows += [("shape" if not number else "", "", text) for number, text in enumerate(list(shapes)[:MOST_LISTED])]
    if dataset.targets == "numbers":
        return [*rows, ("targets", f"{dataset.num_classes:,}", _targets_text(dataset))]
    kind = "classes" if dataset.targets == "classes" else "labels"
    return [*rows, (kind, f"{dataset.num_classes:,}", _classes_text(prepared.class_counts()))]


def _targets_text(dataset: ImageDataset) -> str:
    """Return what the numbers are that models are to predict."""
    own = [part for part in dataset.labels if part.size]
    low, high = min(part.min() for part in own), max(part.max() for part in own)
    return f"numbers to predict for each example: {own[0].dtype.name} from {low:.4g} to {high:.4g}"


def shape_text(dataset: ImageDataset) -> str:
    """Return the shape of an image, or of another example, in words: `1 x 28 x 28: grey, 28 pixels high, 28 wide`."""
    if not dataset.has_pixels:
        return _numbers_text(dataset)
    channels, height, width = dataset.image_shape
    kind = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
    return f"{channels} x {height} x {width}: {kind}, {height} pixels high, {width} wide"


def _numbers_text(dataset: ImageDataset) -> str:
    """Return what examples are that are no images of bytes, and how models get them."""
    shape = dataset.image_shape
    text = f"{' x '.join(map(str, shape))}: {values_text(dataset.train_images, dataset.values)}"
    if dataset.whole:
        return f"{text}, given to models as int64, for embeddings (save np.float32 for numbers to compute with)"
    text += ", as they are"
    if len(shape) == 2 or (len(shape) == 3 and shape[2] in CHANNEL_COUNTS and shape[0] not in CHANNEL_COUNTS):
        text += " (if these are images: save them as (N, C, H, W))"
    return text


def _classes_text(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Return how many images the classes have: of many only the smallest and the largest; and which lack some."""
    totals = {name: sum(parts.values()) for name, parts in counts.items()}
    few, many = min(totals, key=lambda name: totals[name]), max(totals, key=lambda name: totals[name])
    text = (
        f"of {totals[few]:,} images each"
        if totals[few] == totals[many]
        else f"from {few!r} with {counted(totals[few], 'image')} to {many!r} with {totals[many]:,}"
    )
    if len(counts) <= MOST_LISTED and totals[few] != totals[many]:
        text += f" ({', '.join(f'{name}:{count:,}' for name, count in totals.items())})"
    for part, does in (("train", "train"), ("validation", "validate"), ("test", "test")):
        lacking = [name for name, parts in counts.items() if not parts[part]]
        if lacking and len(lacking) < len(counts):
            names = ", ".join(map(repr, lacking[:3])) + (", ..." if len(lacking) > 3 else "")
            text += f"; {counted(len(lacking), 'class', 'classes')} without an image to {does}: {names}"
    return text

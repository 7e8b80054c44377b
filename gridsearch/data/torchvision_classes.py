"""Any classification set of torchvision by the name of its class: `torchvision:EMNIST`, with its class's arguments.

Its files are read by torchvision itself, and downloaded by it where they are not in the folder of data sets. What was
read is kept there in the canonical form, so the files are looked at once.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsearch import paths
from gridsearch.config.image_format import AS_IT_IS, ImageFormat
from gridsearch.data.checks import Array, Images
from gridsearch.data.dataset import ImageDataset, dataset_from_arrays
from gridsearch.data.npz import load_npz, write_npz
from gridsearch.data.scaling import scaled, scaled_dataset, size_text
from gridsearch.data.torchvision_sets import FAILURES, addresses_of, quiet, reason_of
from gridsearch.errors import DataError, nearest, one_line
from gridsearch.network import fetchable, network_timeout

if TYPE_CHECKING:
    from PIL.Image import Image

_log = logging.getLogger(__name__)

PREFIX = "torchvision:"
OPTIONS = "dataset_options"
#: Arguments of torchvision's classes that are not a job's to say, and why.
_NOT_OPTIONS = {
    **dict.fromkeys(("root", "download"), "the folder of data sets is --data-dir's"),
    "train": "a data set's own parts are found by themselves",
    **dict.fromkeys(("transform", "target_transform", "transforms", "loader"), "images are read as they are"),
}
#: What the values of `split` are called in torchvision, by part; the first that a class knows is taken.
_SPLITS = {"train": ("train", "trainval", "train-standard"), "test": ("test",), "validation": ("val", "valid")}
_UNKNOWN_VALUE = "Unknown value"
_KEY = ("dataset",)
#: Classes for others to build on, and those that read a folder, which a job names itself.
_BASES = frozenset({"VisionDataset", "ImageFolder", "DatasetFolder"})


def load_torchvision_class(
    reference: str, options: Mapping[str, Any], folder: Path, image_format: ImageFormat = AS_IT_IS
) -> ImageDataset:
    """Return the data set of `torchvision:CLASS`, made with these arguments of its constructor, from below `folder`.

    Images uint8 (N, H, W) or (N, H, W, 3), its own parts as they are. Labels are numbered from 0 where the class leaves
    numbers out. `image_format` is needed where images have several sizes. Raises DataError for a class that
    is none of torchvision's or is not for classification, arguments that it does not take, and files that are not there
    and cannot be downloaded.
    """
    made = _found(reference, options)
    text = json.dumps(dict(options), sort_keys=True)
    native = paths.data_file(folder, paths.file_stem(f"torchvision-{made.name}{text if options else ''}"))
    of_format = json.dumps(image_format.as_json(), sort_keys=True)
    brought = paths.data_file(folder, paths.file_stem(f"torchvision-{made.name}{text}{of_format}"))
    for file in (native, brought):
        if file.exists():
            return scaled_dataset(load_npz(file, name=made.name), image_format)
    dataset, sizes = _read(made, folder, image_format)
    try:
        write_npz(brought if sizes > 1 else native, dataset)
    except OSError as error:  # a folder that cannot be written only costs reading again
        _log.info("%s cannot be written, so its files are read at every start: %s", native, one_line(error))
    return scaled_dataset(dataset, image_format)


@dataclass(frozen=True)
class _TorchvisionClass:
    """A class of torchvision's, the arguments it is made with, and those that it takes."""

    name: str
    make: Any
    options: Mapping[str, Any]
    takes: frozenset[str]

    def parts(self) -> dict[str, list[dict[str, Any]]]:
        """Return for each part the arguments that may mean it, in order; one that torchvision does not know is none."""
        if "train" in self.takes:
            return {"train": [{"train": True}], "test": [{"train": False}]}
        if "split" not in self.takes:
            return {"train": [{}]}
        own = {part: [{"split": value} for value in values] for part, values in _SPLITS.items()}
        return own | ({"train": [{"split": self.options["split"]}]} if "split" in self.options else {})

    def opened(self, folder: Path, part: Mapping[str, Any], *, download: bool) -> Any:
        """Return the part as torchvision has it; raises whatever torchvision raises."""
        more = {"download": download} if "download" in self.takes else {}
        return self.make(root=folder, **{**self.options, **part, **more})


def _found(reference: str, options: Mapping[str, Any]) -> _TorchvisionClass:
    """Return what is behind a reference; DataError where that is no class of images with one label each."""
    import torchvision.datasets as tv

    name = reference.removeprefix(PREFIX)
    classes = {key: value for key, value in vars(tv).items() if inspect.isclass(value)}
    known = [key for key, value in classes.items() if "root" in _arguments(value) and key not in _BASES]
    if name not in known:
        hint = nearest(name, known)
        raise DataError(f"torchvision has no data set {name!r}{hint}; its classes: torchvision.datasets", key=_KEY)
    takes = _arguments(classes[name])
    for option in options:
        if option in _NOT_OPTIONS:
            raise DataError(f"is not for a job to say: {_NOT_OPTIONS[option]}", key=(OPTIONS, option))
        if option not in takes:
            own = takes - _NOT_OPTIONS.keys()
            said = nearest(option, own) or "; it takes none"
            raise DataError(f"torchvision's {name} does not take it{said}", key=(OPTIONS, option))
    return _TorchvisionClass(name, classes[name], dict(options), takes)


def _arguments(made: Any) -> frozenset[str]:
    """Return the arguments that a class takes, those too that it hands on to the class it is built on."""
    found: set[str] = set()
    for base in inspect.getmro(made):
        if "__init__" not in vars(base) or base is object:
            continue
        parameters = inspect.signature(base.__init__).parameters.values()  # type: ignore[misc]
        kinds = {one.kind for one in parameters}
        found |= {
            one.name for one in parameters if one.kind is not one.VAR_KEYWORD and one.kind is not one.VAR_POSITIONAL
        }
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            break
    return frozenset(found - {"self"})


def _read(made: _TorchvisionClass, folder: Path, image_format: ImageFormat) -> tuple[ImageDataset, int]:
    """Return the data set, and in how many sizes its images are."""
    opened = _opened(made, folder)
    reader = _Reader(made.name, image_format, {part: [] for part in opened})
    labels: dict[str, list[int]] = {part: [] for part in opened}
    for part, items in opened.items():
        for index in range(len(items)):
            image, label = _example(made.name, items, index)
            reader.add(part, image)
            labels[part].append(label)
    numbers = np.unique(np.concatenate([np.array(one, np.int64) for one in labels.values()]))
    arrays: dict[str, Array] = {}
    for part in opened:
        arrays[f"{part}_images"] = reader.stacked(part)
        arrays[f"{part}_labels"] = np.searchsorted(numbers, np.array(labels[part], np.int64))
    notes = reader.notes()
    if not np.array_equal(numbers, np.arange(len(numbers))):
        notes.append(f"labels from {numbers[0]} to {numbers[-1]} are numbered 0 to {len(numbers) - 1}")
    names = _class_names(next(iter(opened.values())), numbers.tolist())
    source = f"torchvision's {made.name}"
    return dataset_from_arrays(made.name, arrays, class_names=names, source=source, notes=notes), len(reader.sizes)


def _opened(made: _TorchvisionClass, folder: Path) -> dict[str, Any]:
    """Return the parts of a data set as torchvision has them, downloaded first where they are not there."""
    found: dict[str, Any] = {}
    for part, candidates in made.parts().items():
        for arguments in candidates:
            try:
                found[part] = _part(made, folder, arguments)
            except ValueError as error:
                asked = arguments.get("split") == made.options.get("split")
                if _UNKNOWN_VALUE in str(error) and "split" in arguments and not asked:
                    continue
                raise DataError(f"torchvision's {made.name}: {one_line(error)}", key=(OPTIONS,)) from None
            except TypeError as error:
                needed = str(error).rpartition(": ")[2].strip("'")
                own = getattr(made.make, "splits", ()) if needed == "split" else ()
                may = f", such as {own[0]}" if own else ""
                said = f"torchvision's {made.name} needs {needed!r}: write it here{may}"
                raise DataError(said, key=(OPTIONS,)) from None
            break
    if "train" not in found:
        raise DataError(f"torchvision's {made.name} has no training part; write split under {OPTIONS}", key=_KEY)
    same = [part for part in found if part != "train" and made.options.get("split") in _SPLITS[part]]
    return {part: items for part, items in found.items() if part not in same}


def _part(made: _TorchvisionClass, folder: Path, arguments: Mapping[str, Any]) -> Any:
    missing: BaseException
    with quiet():
        try:
            return made.opened(folder, arguments, download=False)
        except (ValueError, TypeError):
            raise
        except Exception as error:  # no file, or a damaged one: each class has its own way to say so
            missing = error
    if "download" not in made.takes:
        raise _unavailable(made, folder, missing)
    try:
        if addresses := addresses_of(made.make):
            fetchable(addresses)
        _log.info("downloading %s into %s", made.name, folder)
        folder.mkdir(parents=True, exist_ok=True)
        with network_timeout(), quiet():
            return made.opened(folder, arguments, download=True)
    except FAILURES as error:
        raise _unavailable(made, folder, error) from error


def _unavailable(made: _TorchvisionClass, folder: Path, error: BaseException) -> DataError:
    how = "is not in" if "download" in made.takes else "must be put by hand into"
    why = f"and cannot be downloaded ({reason_of(error)})" if "download" in made.takes else f"({reason_of(error)})"
    return DataError(
        f"torchvision's {made.name} {how} {folder} {why}; run once where there is a network, or put torchvision's files"
        f" there, or name the folder that has them with --data-dir or ${paths.DATA_VARIABLE}",
        key=_KEY,
    )


def _example(name: str, items: Any, index: int) -> tuple[Any, int]:
    """Return an image and its label; DataError where they are something else."""
    from PIL.Image import Image

    try:
        image, label = items[index]
    except Exception as error:  # damaged files, each in its own way
        raise DataError(f"torchvision's {name}: image {index} cannot be read ({reason_of(error)})", key=_KEY) from error
    if not isinstance(image, Image):
        raise DataError(f"torchvision's {name} gives {type(image).__name__}, no image: it is not for this", key=_KEY)
    with contextlib.suppress(TypeError, ValueError):
        if np.ndim(label) == 0 and int(label) == label:
            return image, int(label)
    said = f"torchvision's {name} gives {type(label).__name__} for an image, no class number"
    raise DataError(f"{said}: it is not for classification, or needs {OPTIONS}", key=_KEY)


@dataclass
class _Reader:
    """Gathers images by their parts, in the size asked for once there are two; `sizes` are those seen."""

    name: str
    image_format: ImageFormat
    images: dict[str, list[Images]]
    sizes: set[tuple[int, int]] = field(default_factory=set)
    coloured: bool = False

    def add(self, part: str, image: Image) -> None:
        """Keep an image, uint8 (H, W) or (H, W, 3); DataError for a second size without one to bring all to."""
        plain = image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")
        self.coloured = self.coloured or plain.mode == "RGB"
        size = (plain.height, plain.width)
        if self.sizes and size not in self.sizes:
            self._require_size(size)
            if len(self.sizes) == 1:
                self.images = {name: [self._scaled(pixels) for pixels in own] for name, own in self.images.items()}
        self.sizes.add(size)
        pixels = np.asarray(plain)
        self.images[part].append(pixels if len(self.sizes) == 1 else self._scaled(pixels))

    def _require_size(self, other: tuple[int, int]) -> None:
        if self.image_format.size is None:
            (one,) = self.sizes
            raise DataError(
                f"images of torchvision's {self.name} have several sizes, {size_text(one)} and {size_text(other)};"
                f" bring all to one with image_size: {max(one)}",
                key=_KEY,
            )

    def _scaled(self, pixels: Images) -> Images:
        from PIL import Image

        return np.asarray(scaled(Image.fromarray(pixels), self.image_format))

    def stacked(self, part: str) -> Array:
        """Return the images of a part as one array, in colour where one of any part is; they are not kept."""
        own = self.images.pop(part)
        if self.coloured:
            own = [pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2) for pixels in own]
        return np.stack(own)

    def notes(self) -> list[str]:
        """Return a line about images that were brought to one size."""
        if len(self.sizes) < 2 or self.image_format.size is None:
            return []
        low, high = min(self.sizes), max(self.sizes)
        size = size_text(self.image_format.size)
        return [
            f"images of {len(self.sizes):,} sizes, from {size_text(low)} to {size_text(high)}, are brought to {size}"
        ]


def _class_names(items: Any, numbers: Sequence[int]) -> list[str]:
    """Return the names of classes by their numbers in torchvision, as far as it has them."""
    known = getattr(items, "classes", None)
    if not isinstance(known, (list, tuple)) or len(known) <= max(numbers):
        return [str(number) for number in numbers]
    return [str(known[number]) for number in numbers]

"""A folder of images, one subfolder for each class, as torchvision's ImageFolder reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gridsearch.data.checks import Array
from gridsearch.data.dataset import ImageDataset, dataset_from_arrays
from gridsearch.data.folder_parts import folder_parts, subfolders
from gridsearch.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
GREY_MODES = frozenset({"1", "L"})
#: Modes with more than 8 bits a channel: their conversion would clip, not scale.
DEEP_MODES = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


def load_folder(root: Path) -> ImageDataset:
    """Return the images below `root/<class>/`, or below `root/<part>/<class>/` for training and other parts.

    Parts go by their usual names (`part_names.py`). Classes are numbered in the order of their sorted names, images
    ordered by class, then path. Images that are all grey give uint8 (N, H, W); one colour image makes all of them RGB,
    (N, H, W, 3); transparency is dropped. Hidden files are passed over, files that are no images too, which a note
    says. The fingerprint is that of the decoded pixels. Raises DataError for a missing class or image, unequal sizes,
    more than 8 bits, or a file that cannot be read.
    """
    parts = folder_parts(root)
    classes = parts.classes
    passed: list[Path] = []
    files = {part: _files(folder, classes, part, passed) for part, folder in parts.roots.items()}
    pictures = [file for part in files.values() for file, _ in part]
    shape = _common_shape(pictures)
    places = {name: place for place, name in enumerate(classes)}
    arrays: dict[str, Array] = {}
    for part, labelled in files.items():
        images = np.empty((len(labelled), *shape), np.uint8)
        for row, (file, _) in enumerate(labelled):
            images[row] = _pixels(file, grey=len(shape) == 2)
        arrays[f"{part}_images"] = images
        arrays[f"{part}_labels"] = np.array([places[name] for _, name in labelled], np.int64)
    return dataset_from_arrays(
        root.resolve().name, arrays, class_names=classes, source=str(root), notes=_passed_over(root, passed)
    )


def _files(root: Path, classes: Sequence[str], part: str, passed: list[Path]) -> list[tuple[Path, str]]:
    """Return every image file of a part with its class, and add to `passed` what is none.

    Raises DataError for a class without any, but in parts other than training for one that has no folder.
    """
    passed += [file for file in root.iterdir() if file.is_file() and not file.name.startswith(".")]
    files: list[tuple[Path, str]] = []
    for name in classes:
        folder = root / name
        if part != "train" and not folder.is_dir():
            continue
        found = sorted(
            (file for file in folder.rglob("*") if file.is_file() and not _hidden(file.relative_to(folder))),
            key=lambda file: file.relative_to(folder).as_posix(),
        )
        images = [file for file in found if file.suffix.lower() in SUFFIXES]
        if not images:
            endings = ", ".join(sorted(SUFFIXES))
            raise DataError(f"{folder}: has no images ({endings}); add some, or remove the class folder")
        if all(file.parent != folder for file in images):
            raise DataError(
                f"{folder}: a class folder that holds only folders, such as {subfolders(folder)[0]!r}; name the folder"
                " in which the folders are the classes, or move the images up into the folder of their class"
            )
        passed += [file for file in found if file.suffix.lower() not in SUFFIXES]
        files += [(file, name) for file in images]
    return files


def _hidden(path: Path) -> bool:
    return any(name.startswith(".") for name in path.parts)


def _passed_over(root: Path, passed: Sequence[Path]) -> list[str]:
    """Return a line about the files that are no images, or lie in no class."""
    if not passed:
        return []
    endings = Counter(file.suffix.lower() or "no ending" for file in passed).most_common()
    kinds = ", ".join(f"{count:,} {ending}" for ending, count in endings[:6]) + (", ..." if len(endings) > 6 else "")
    are = "file that is no image of a class was" if len(passed) == 1 else "files that are no images of a class were"
    return [f"{len(passed):,} {are} passed over ({kinds}), such as {passed[0].relative_to(root)}"]


def _common_shape(files: Sequence[Path]) -> tuple[int, ...]:
    """Return (H, W) when all images are grey, else (H, W, 3), from the files' headers alone."""
    sizes: dict[tuple[int, int], Path] = {}
    grey = True
    for file in files:
        with _opened(file) as image:
            sizes.setdefault(image.size, file)
            grey = grey and image.mode in GREY_MODES
            if image.mode in DEEP_MODES:
                raise DataError(f"{file}: has more than 8 bits a pixel (mode {image.mode}); convert it to 8 beforehand")
        if len(sizes) > 1:
            (one, first), (other, second) = sizes.items()
            raise DataError(
                f"{first} is {one[0]} x {one[1]} but {second} is {other[0]} x {other[1]} pixels "
                f"(width x height); resize all images to one size beforehand"
            )
    width, height = next(iter(sizes))
    return (height, width) if grey else (height, width, 3)


def _pixels(file: Path, *, grey: bool) -> Array:
    """Return one decoded image, uint8 (H, W) or (H, W, 3)."""
    with _opened(file) as image:
        try:
            return np.asarray(image.convert("L" if grey else "RGB"))
        except Exception as error:
            raise _unreadable(file, error) from error


def _opened(file: Path) -> Image:
    """Open an image file, reading its header only."""
    import PIL.Image

    try:
        return PIL.Image.open(file)
    except Exception as error:  # each of Pillow's decoders raises its own kinds on damaged bytes
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return DataError(f"{file}: not a readable image ({reason}); replace the file or remove it")

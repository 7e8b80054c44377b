"""A folder of images, one subfolder for each class, as torchvision's ImageFolder reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gridsearch.data.checks import Array
from gridsearch.data.dataset import ImageDataset, dataset_from_arrays
from gridsearch.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
GREY_MODES = frozenset({"1", "L"})
#: Modes with more than 8 bits a channel: their conversion would clip, not scale.
DEEP_MODES = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


def load_folder(root: Path) -> ImageDataset:
    """Return the images below `root/<class>/`, or below `root/train/<class>/` and `root/test/<class>/`.

    Classes are numbered in the order of their sorted names, images ordered by class, then path. Images that
    are all grey give uint8 (N, H, W); one colour image makes all of them RGB, (N, H, W, 3); transparency is
    dropped. Hidden files and those that are no images are passed over. The fingerprint is that of the decoded
    pixels. Raises DataError for a missing class or image, unequal sizes, more than 8 bits, or a file that
    cannot be read.
    """
    train_root, test_root = _parts(root)
    classes = _class_folders(train_root)
    files = {"train": _files(train_root, classes)}
    if test_root is not None:
        files["test"] = _files(test_root, _test_classes(test_root, classes))
    pictures = [file for part in files.values() for file, _ in part]
    shape = _common_shape(pictures)
    arrays: dict[str, Array] = {}
    for part, labelled in files.items():
        images = np.empty((len(labelled), *shape), np.uint8)
        for row, (file, _) in enumerate(labelled):
            images[row] = _pixels(file, grey=len(shape) == 2)
        arrays[f"{part}_images"] = images
        arrays[f"{part}_labels"] = np.array([classes.index(name) for _, name in labelled], np.int64)
    return dataset_from_arrays(root.resolve().name, arrays, class_names=classes, source=str(root))


def _parts(root: Path) -> tuple[Path, Path | None]:
    """Return the folders whose subfolders are classes: for training and, if there is one, for testing."""
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; correct the path of the image folder")
    train, test = root / "train", root / "test"
    if not (train.is_dir() and _subfolders(train)):
        return root, None
    others = [name for name in _subfolders(root) if name not in ("train", "test")]
    if others:
        raise DataError(
            f"{root}: has the folder {others[0]!r} beside 'train'; validation images are taken from the "
            f"training images by the job's split, so move its images into train/<class> or out of this folder"
        )
    return train, test if test.is_dir() else None


def _subfolders(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _class_folders(train_root: Path) -> list[str]:
    """Return the sorted names of the classes; raises DataError when there are fewer than two."""
    classes = _subfolders(train_root)
    if len(classes) < 2:
        found = f"only one class folder, {classes[0]!r}" if classes else "no class folders"
        raise DataError(f"{train_root}: has {found}; put the images of each of two or more classes in a folder there")
    return classes


def _test_classes(test_root: Path, classes: Sequence[str]) -> list[str]:
    """Return the classes that have test images; raises DataError for one that has no training images."""
    found = _subfolders(test_root)
    unknown = [name for name in found if name not in classes]
    if unknown:
        raise DataError(
            f"{test_root / unknown[0]}: class without training images; the classes of "
            f"{test_root.parent / 'train'} are {', '.join(classes)}: rename the folder or remove it"
        )
    if not found:
        raise DataError(f"{test_root}: has no class folders; put test images in one for each class, or remove it")
    return found


def _files(root: Path, classes: Sequence[str]) -> list[tuple[Path, str]]:
    """Return every image file with its class; raises DataError for a class without any."""
    files: list[tuple[Path, str]] = []
    for name in classes:
        folder = root / name
        images = sorted(
            (file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file()),
            key=lambda file: file.relative_to(folder).as_posix(),
        )
        images = [file for file in images if not any(p.startswith(".") for p in file.relative_to(folder).parts)]
        if not images:
            endings = ", ".join(sorted(SUFFIXES))
            raise DataError(f"{folder}: has no images ({endings}); add some, or remove the class folder")
        files += [(file, name) for file in images]
    return files


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

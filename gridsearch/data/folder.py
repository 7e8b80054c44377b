"""A folder of images, one subfolder for each class, as torchvision's ImageFolder reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gridsearch.config.image_format import AS_IT_IS, ImageFormat
from gridsearch.data.checks import Array
from gridsearch.data.dataset import ImageDataset, dataset_from_arrays
from gridsearch.data.folder_parts import folder_parts, subfolders
from gridsearch.data.image_files import SUFFIXES, ImageReader, header_of
from gridsearch.data.scaling import size_text, unit_text
from gridsearch.errors import DataError
from gridsearch.quantities import counted


def load_folder(root: Path, image_format: ImageFormat = AS_IT_IS) -> ImageDataset:
    """Load the images below `root/<class>/`, or below `root/<part>/<class>/`.

    Parts have their usual names (`part_names.py`). Classes are numbered by their sorted names; images are ordered by
    class, then path, and turned upright as their EXIF orientation says. If all images are grey, they become uint8 (N,
    H, W); one colour image makes all of them RGB, (N, H, W, 3). Hidden files are skipped. The fingerprint is that of
    the resulting pixels; the notes say what was done, and which files are not images.

    Args:
        root: The folder.
        image_format: The colour behind transparent pixels, and the size to bring images to.

    Raises:
        DataError: A class or its images are missing, sizes differ without one to bring them to, an image has more than
            8 bits, or a file cannot be read.
    """
    parts = folder_parts(root)
    classes = parts.classes
    passed: list[Path] = []
    files = {part: _files(folder, classes, part, passed) for part, folder in parts.roots.items()}
    pictures = [file for part in files.values() for file, _ in part]
    kind = _kind(pictures, image_format)
    reader = ImageReader(image_format, kind.grey)
    places = {name: place for place, name in enumerate(classes)}
    arrays: dict[str, Array] = {}
    for part, labelled in files.items():
        images = np.empty((len(labelled), *kind.shape), np.uint8)
        for row, (file, _) in enumerate(labelled):
            images[row] = reader.pixels(file)
        arrays[f"{part}_images"] = images
        arrays[f"{part}_labels"] = np.array([places[name] for _, name in labelled], np.int64)
    _refuse_flat(root, reader)
    notes = _notes(kind, reader, root) + _passed_over(root, passed)
    return dataset_from_arrays(root.resolve().name, arrays, class_names=classes, source=str(root), notes=notes)


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
                " in which the folders are the classes, or move the images up into the folder of their class, or, if"
                f" {name!r} is a part of the data, call it train, val or test"
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
    files = counted(
        len(passed), "file that is not an image of a class was", "files that are not images of a class were"
    )
    return [f"{files} skipped ({kinds}), such as {passed[0].relative_to(root)}"]


@dataclass(frozen=True)
class _Kind:
    """What the images of a folder have in common, as they will be: their size (H, W), and whether all are grey.

    `sizes` are those of the files, `with_frames` is how many of these have several frames. `coloured` is how many are
    in colour, `example` one of them, where others are grey; `grey_palettes` how many of them have a palette of grey.
    """

    size: tuple[int, int]
    sizes: frozenset[tuple[int, int]]
    grey: bool
    with_frames: int
    coloured: int
    grey_palettes: int
    example: Path | None

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of an image: (H, W) or (H, W, 3)."""
        return self.size if self.grey else (*self.size, 3)


def _kind(files: Sequence[Path], image_format: ImageFormat) -> _Kind:
    """Return what the files have in common, from their headers alone; DataError for two sizes and none to come to."""
    sizes: dict[tuple[int, int], Path] = {}
    with_frames = coloured = grey_palettes = 0
    example: Path | None = None
    for file in files:
        header = header_of(file)
        sizes.setdefault(header.size, file)
        coloured += not header.grey
        grey_palettes += header.grey_palette
        example = example or (None if header.grey else file)
        with_frames += header.frames > 1
        if len(sizes) > 1 and image_format.size is None:
            (one, first), (other, second) = sizes.items()
            raise DataError(
                f"{first} is {size_text(one)} but {second} is {size_text(other)} {unit_text(one, other)};"
                f" bring all to one size with image_size: {max(one)} (and resize: pad, crop or stretch)"
            )
    return _Kind(
        image_format.size or next(iter(sizes)),
        frozenset(sizes),
        coloured == 0,
        with_frames,
        coloured,
        grey_palettes,
        example if coloured < len(files) or grey_palettes == coloured else None,
    )


def _colour_note(kind: _Kind, example: Path) -> str:
    """Return a line about the images in colour that make all of them so."""
    if kind.grey_palettes == kind.coloured:
        have = counted(kind.coloured, "image has a palette", "images have palettes")
        return f"{have}, such as {example}, so all are read as colour; without palettes, as they are grey, as grey"
    return f"{counted(kind.coloured, 'image is', 'images are')} in colour, such as {example}, so all are read as colour"


def _notes(kind: _Kind, reader: ImageReader, root: Path) -> list[str]:
    """Return a line about each thing that was done to images."""
    image_format, done, notes = reader.image_format, reader.done, []
    if transparent := done["transparent"]:
        other = "black" if image_format.background == "white" else "white"
        have = counted(transparent, "image has", "images have")
        laid = f"laid over {image_format.background} (background: {other} lays them over {other})"
        notes.append(f"{have} transparent pixels: {laid}")
    if turned := done["turned"]:
        notes.append(f"{counted(turned, 'image was', 'images were')} turned upright as their EXIF orientation says")
    if kind.coloured and kind.example:
        notes.append(_colour_note(kind, kind.example.relative_to(root)))
    if kind.with_frames:
        notes.append(f"{counted(kind.with_frames, 'file has', 'files have')} several frames: the first is taken")
    if kind.sizes != {kind.size}:
        some, largest = f"{len(kind.sizes):,} sizes, from {size_text(min(kind.sizes))} to ", size_text(max(kind.sizes))
        notes.append(
            f"images of {some if len(kind.sizes) > 1 else ''}{largest} are brought to {size_text(kind.size)}"
            f" {unit_text(*kind.sizes, kind.size)}, resize: {image_format.resize}"
        )
    return notes


def _refuse_flat(root: Path, reader: ImageReader) -> None:
    """Raise DataError where every transparent image shows nothing, being of the background's colour."""
    done, background = reader.done, reader.image_format.background
    if done["transparent"] and done["flat"] == done["transparent"]:
        other = "black" if background == "white" else "white"
        raise DataError(
            f"{root}: over {background} nothing can be seen of the {done['transparent']:,} images with transparent"
            f" pixels;"
            f" write background: {other}"
        )

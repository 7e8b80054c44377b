"""Which folders of a data set are its parts, and which its classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gridsearch.data.part_names import PART_NAMES, part_alike, part_of_folder
from gridsearch.errors import DataError

_USUAL = ", ".join(f"{first} (or {', '.join(others)})" for first, *others in PART_NAMES.values())


@dataclass(frozen=True)
class FolderParts:
    """The folders whose subfolders are classes, `roots`, by part, and the classes, sorted."""

    roots: Mapping[str, Path]
    classes: Sequence[str]


def folder_parts(root: Path) -> FolderParts:
    """Find the parts of the data set in a folder: training images, and others if it has folders for them.

    Raises:
        DataError: A folder that is no part lies beside one that is, a part appears twice, there are fewer than two
            classes, or a class has no training images.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; correct the path of the image folder")
    roots = _parts(root)
    classes = _class_folders(roots["train"])
    for part, folder in roots.items():
        _check_classes_of_part(folder, part, roots["train"], classes)
    return FolderParts(roots, classes)


def subfolders(folder: Path) -> list[str]:
    """Return the sorted names of the folders in a folder, without hidden ones and those that archivers leave."""
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith(".") and entry.name != "__MACOSX"
    )


def _parts(root: Path) -> dict[str, Path]:
    """Return the folder of each part; all is for training where the folders in `root` are classes."""
    folders = subfolders(root)
    named = [name for name in folders if part_of_folder(name)]
    others = [name for name in folders if name not in named]
    of_parts = [name for name in named if subfolders(root / name)]
    _refuse_other_names(root, named, others)
    if not of_parts:
        if named and not others and any(part_of_folder(name) == "train" for name in named):
            raise DataError(
                f"{root / named[0]}: a part of a data set without class folders; put its images into a folder for each"
                f" class, as in {named[0]}/CLASS/1.png"
            )
        return {"train": root}
    if not any(part_of_folder(name) == "train" for name in of_parts):
        if others:  # classes that happen to be called so
            return {"train": root}
        raise DataError(f"{root}: has {', '.join(named)} but no training images; put these into {root / 'train'}")
    if others:
        raise DataError(
            f"{root}: has the folder {others[0]!r} beside {of_parts[0]!r}; parts of a data set are called {_USUAL}, so"
            " rename it, or move it out of this folder"
        )
    parts: dict[str, Path] = {}
    for name in sorted(named, key=lambda name: list(PART_NAMES).index(part_of_folder(name) or "")):
        part = part_of_folder(name) or ""
        if part in parts:
            raise DataError(f"{root}: {parts[part].name} and {name} are both the {part} part; keep one of them")
        parts[part] = root / name
    return parts


def _refuse_other_names(root: Path, named: Sequence[str], others: Sequence[str]) -> None:
    """Raise DataError for folders that hold only folders, and whose names are much like those of parts."""
    if not all(_holds_only_folders(root / name) for name in (*named, *others)):
        return
    taken = {part_of_folder(name) or "" for name in named}
    meant: dict[str, str] = {}
    for name in others:
        if part := part_alike(name, taken):
            meant[name] = PART_NAMES[part][0]
            taken.add(part)
    if meant:
        renamed = ", ".join(f"{name!r} to {part!r}" for name, part in meant.items())
        raise DataError(f"{root}: rename the folder {renamed}; parts of a data set are called {_USUAL}")


def _holds_only_folders(folder: Path) -> bool:
    return bool(subfolders(folder)) and not any(
        entry.is_file() and not entry.name.startswith(".") for entry in folder.iterdir()
    )


def _class_folders(train_root: Path) -> list[str]:
    """Return the sorted names of the classes; raises DataError when there are fewer than two."""
    classes = subfolders(train_root)
    if len(classes) < 2:
        found = f"only one class folder, {classes[0]!r}" if classes else "no class folders"
        inside = train_root / classes[0] if classes else train_root
        mend = (
            f"name {inside} if the classes are the folders in it"
            if classes and subfolders(inside)
            else "put the images of each of two or more classes in a folder there"
        )
        raise DataError(f"{train_root}: has {found}; {mend}")
    return classes


def _check_classes_of_part(folder: Path, part: str, train_root: Path, classes: Sequence[str]) -> None:
    """Raise DataError for a part without class folders, or with one that has no training images."""
    found = subfolders(folder)
    unknown = [name for name in found if name not in classes]
    if unknown:
        raise DataError(
            f"{folder / unknown[0]}: class without training images; the classes of {train_root} are"
            f" {_listed(classes)}: rename the folder or remove it"
        )
    if not found:
        raise DataError(f"{folder}: has no class folders; put {part} images in one for each class, or remove it")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")

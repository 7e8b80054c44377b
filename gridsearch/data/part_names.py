"""The names by which people call the parts of a data set: of folders, and of arrays in a file."""

from __future__ import annotations

import re
from collections.abc import Collection

#: For each part what its folder may be called, in any case; arrays are called so too, `val_images`.
PART_NAMES = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
#: Beginnings of words that people have in other names of parts, and the parts that are likely meant.
_ALIKE = {
    "train": ("train", "trn", "learn"),
    "validation": ("val", "dev", "eval"),
    "test": ("test", "tst", "eval", "holdout", "unseen"),
}
_PARTS = {name: part for part, names in PART_NAMES.items() for name in names}
#: What the two arrays of a part may end in, or begin with as Keras has them: `x_train`.
_CONTENTS = {"images": "images", "labels": "labels"}
_KERAS = {"x": "images", "y": "labels"}


def part_of_folder(name: str) -> str | None:
    """Return the part that a folder of this name is, None where it is none.

    >>> part_of_folder("Testing")
    'test'
    """
    return _PARTS.get(name.lower())


def part_alike(name: str, taken: Collection[str] = ()) -> str | None:
    """Return the part, not one of those `taken`, that a name which is none of the usual ones likely means.

    >>> [part_alike(name) for name in ("Train_set", "images-val", "eval", "cat")]
    ['train', 'validation', 'validation', None]
    """
    words = re.findall(r"[a-z]+", name.lower())
    for part, beginnings in _ALIKE.items():
        if part not in taken and any(word.startswith(beginnings) for word in words):
            return part
    return None


def array_alike(name: str) -> str | None:
    """Return the usual name of an array whose own is much like it, None where that is no part's.

    >>> [array_alike(name) for name in ("eval_images", "trainset_label", "notes", "train_weights")]
    ['val_images', 'train_labels', None, None]
    """
    first, _, second = name.lower().rpartition("_")
    content = next((content for content in _CONTENTS if content.removesuffix("s") == second.removesuffix("s")), None)
    part = part_alike(first) if content else None
    return f"{PART_NAMES[part][0]}_{content}" if part else None


def counterpart(name: str) -> str:
    """Return what the labels are called whose images have this name, and the other way round.

    >>> [counterpart(name) for name in ("val_images", "Y_test", "train_labels")]
    ['val_labels', 'X_test', 'train_images']
    """
    first, line, second = name.partition("_")
    if first.lower() in _KERAS:
        other = "y" if first.lower() == "x" else "x"
        return f"{other.upper() if first.isupper() else other}{line}{second}"
    other = "labels" if second.lower() == "images" else "images"
    return f"{first}{line}{other.upper() if second.isupper() else other}"


def canonical_array(name: str) -> str | None:
    """Return what an array of this name is called in the canonical file, None where that has none of it.

    >>> [canonical_array(name) for name in ("val_images", "x_train", "Y_test", "notes")]
    ['validation_images', 'train_images', 'test_labels', None]
    """
    first, _, second = name.lower().partition("_")
    if first in _KERAS:
        part, content = _PARTS.get(second), _KERAS[first]
    else:
        part, content = _PARTS.get(first), _CONTENTS.get(second, "")
    return f"{part}_{content}" if part and content else None

"""The names by which people call the parts of a data set: of folders, and of arrays in a file."""

from __future__ import annotations

#: For each part what its folder may be called, in any case; arrays are called so too, `val_images`.
PART_NAMES = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
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

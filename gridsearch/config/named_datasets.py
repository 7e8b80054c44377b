"""The data sets that a job may name, and what it says where it names a file, a folder or a function instead."""

from __future__ import annotations

#: What a job may name, with one line about each.
DATASETS = {
    "digits": "1,797 handwritten digits, 8 x 8 grey, 10 classes; ships with scikit-learn",
    "mnist": "70,000 handwritten digits, 28 x 28 grey, 10 classes",
    "fashion_mnist": "70,000 pictures of clothing, 28 x 28 grey, 10 classes",
    "cifar10": "60,000 photographs, 32 x 32 colour, 10 classes",
}

#: What the name of a class of torchvision's begins with.
_TORCHVISION = "torchvision:"


def file_behind(dataset: str) -> str:
    """Return the file or folder that a job's data set is read from, or whose function makes it; else nothing.

    >>> file_behind("small.npz"), file_behind("my_data.sets:make"), file_behind("torchvision:EMNIST")
    ('small.npz', 'my_data/sets.py', '')
    """
    if not dataset or dataset in DATASETS or dataset.startswith(_TORCHVISION):
        return ""
    module, colon, _ = dataset.partition(":")
    return module_file(module) if colon else dataset


def module_file(module: str) -> str:
    """Return the file of a module, from the folder that it is imported from.

    >>> module_file("nets"), module_file("nets.wide")
    ('nets.py', 'nets/wide.py')
    """
    return f"{module.replace('.', '/')}.py"

"""A data set that a function of the user's returns: `dataset: my_data:load`, its arguments options or settings."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsearch.config.image_format import AS_IT_IS, ImageFormat
from gridsearch.data.checks import CHANNEL_COUNTS, Array
from gridsearch.data.dataset import ImageDataset, dataset_from_arrays
from gridsearch.data.part_names import part_of_folder
from gridsearch.data.scaling import scaled_dataset
from gridsearch.data.torchvision_classes import OPTIONS
from gridsearch.errors import DataError, ModelError, nearest
from gridsearch.models.arguments import Wanted, wanted_of
from gridsearch.models.source_code import fingerprint_of
from gridsearch.models.user_objects import found_of_the_user
from gridsearch.user_code import told

if TYPE_CHECKING:
    from torch import Tensor

#: The parts in the order in which a function returns them.
_RETURNED = ("train", "validation", "test")
_KEY = ("dataset",)
_SHAPES = "return (train, validation, test), each (examples, labels), a torch Dataset, or None where there is none"


#: The sources of the modules imported here: what was edited since is not what runs.
_known: dict[str, Mapping[str, str]] = {}


@dataclass(frozen=True)
class DataSignature:
    """What a data set's function takes.

    Attributes:
        required: Its arguments without a default.
        optional: The others, with their defaults.
        wanted: What values each may have.
        open_ended: Whether it takes any others too (`**kwargs`).
    """

    required: tuple[str, ...]
    optional: Mapping[str, Any]
    wanted: Mapping[str, Wanted]
    open_ended: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of its arguments."""
        return (*self.required, *self.optional)

    def takes(self, name: str) -> Wanted:
        """Return what values an argument may have."""
        return self.wanted.get(name) or Wanted()


def is_function(reference: str) -> bool:
    """Whether a job's data set is a function: `package.module:function`."""
    return re.fullmatch(r"[^\W\d]\w*(\.\w+)*:[^\W\d]\w*", reference) is not None


def load_from_function(
    reference: str, options: Mapping[str, Any], search: Sequence[Path], image_format: ImageFormat = AS_IT_IS
) -> ImageDataset:
    """Return the data set that a function returns, called with these arguments; its module is looked for in `search`.

    It returns the training, the validation and the test part, each a pair of arrays or tensors, examples and labels, a
    torch `Dataset`, or None where there is none, as a tuple or by their names. torch's, numpy's and Python's generators
    are seeded before. The fingerprint is of the content and of the code: the module's and that of the user's modules
    that it imports. Raises one-line DataError for a function that is not found, arguments that it does not take,
    whatever it raises, and for what it returns if that is no data set.
    """
    from gridsearch.models.seeding import random_states_kept, seed_everything  # torch: most data sets are no function

    function, sources = _found(reference, search)
    signature = _signature(reference, function)
    check_options(reference, signature, options)
    arguments = {key: signature.takes(key).fitted(value) for key, value in options.items()}
    name = reference.rpartition(":")[2]
    try:
        with random_states_kept():
            seed_everything(0)
            returned = function(**arguments)
            parts = {part: _arrays(given, part) for part, given in _parts(returned).items()}
    except DataError as error:
        raise DataError(f"{reference}: {error.problem}", key=_KEY) from None
    except (Exception, SystemExit) as error:
        raise DataError(f"{reference}: {told(error)}", key=_KEY) from error
    classes = next((names for _, _, names in parts.values() if names), None)
    arrays = {f"{part}_images": examples for part, (examples, _, _) in parts.items()}
    arrays |= {f"{part}_labels": labels for part, (_, labels, _) in parts.items()}
    made = dataset_from_arrays(name, arrays, class_names=classes, source=reference)
    made = scaled_dataset(made, image_format)
    both = hashlib.sha256(f"{made.fingerprint} {fingerprint_of(sources)}".encode())
    return replace(made, fingerprint=both.hexdigest())


def signature_of(reference: str, search: Sequence[Path]) -> DataSignature:
    """Return what a data set's function takes; errors as for `load_from_function`."""
    return _signature(reference, _found(reference, search)[0])


def _found(reference: str, search: Sequence[Path]) -> tuple[Callable[..., Any], Mapping[str, str]]:
    module_name, _, name = reference.partition(":")
    try:
        found, sources = found_of_the_user("data function", reference, search)
    except ModelError as error:
        raise DataError(str(error), key=_KEY) from None
    if not callable(found):
        raise DataError(f"{reference!r}: {name!r} is no function; {_SHAPES}", key=_KEY)
    if _known.setdefault(module_name, sources) != sources:
        raise DataError(f"{reference}: its module has changed since it was imported here; start Python again", key=_KEY)
    return found, sources


def _signature(reference: str, function: Callable[..., Any]) -> DataSignature:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise DataError(f"{reference!r}: what it takes cannot be told; write a function around it", key=_KEY) from None
    named = {key: one for key, one in parameters.items() if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)}
    if odd := next((key for key, one in named.items() if one.kind is one.POSITIONAL_ONLY), None):
        raise DataError(f"{reference!r}: argument {odd!r} cannot be given by keyword", key=_KEY)
    return DataSignature(
        tuple(key for key, one in named.items() if one.default is one.empty),
        {key: one.default for key, one in named.items() if one.default is not one.empty},
        wanted_of(function),
        any(one.kind is one.VAR_KEYWORD for one in parameters.values()),
    )


def check_options(
    reference: str, signature: DataSignature, options: Mapping[str, Any], settings: Collection[str] = ()
) -> None:
    """Raise DataError for options that a function does not take, for wrong ones, and for what is missing.

    `settings` are arguments that it is given besides.
    """
    names = signature.names
    for key, value in options.items():
        if key not in names and not signature.open_ended:
            said = nearest(key, names) or "; it takes none"
            raise DataError(f"{reference} does not take it{said}", key=(OPTIONS, key))
        if key in names and (said := signature.takes(key).problem(value)):
            raise DataError(f"{reference}: {said}", key=(OPTIONS, key))
    if missing := next((key for key in signature.required if key not in options and key not in settings), None):
        mend = f"write {OPTIONS}: {{{missing}: ...}}, or an axis under 'space'"
        raise DataError(f"{reference} needs {missing!r}: {mend}", key=_KEY)


def _parts(returned: Any) -> dict[str, Any]:
    """Return by their names the parts that a function returned, those that are there."""
    if isinstance(returned, Mapping):
        named = {part_of_folder(str(key)): value for key, value in returned.items()}
        if None in named or len(named) != len(returned):
            raise DataError(f"returned the parts {', '.join(map(str, returned))}; call them train, validation, test")
        parts = {str(part): value for part, value in named.items()}
    elif isinstance(returned, (tuple, list)) and len(returned) == len(_RETURNED):
        parts = dict(zip(_RETURNED, returned, strict=True))
    else:
        count = f" of {len(returned)}" if isinstance(returned, (tuple, list)) else ""
        raise DataError(f"returned {type(returned).__name__}{count}; {_SHAPES}")
    found = {part: value for part, value in parts.items() if value is not None}
    if "train" not in found:
        raise DataError(f"returned no training part; {_SHAPES}")
    return found


def _arrays(given: Any, part: str) -> tuple[Array, Array, list[str] | None]:
    """Return the examples and the labels of a part, and the names of the classes where a Dataset has them."""
    if isinstance(given, (tuple, list)) and len(given) == 2:
        return _array(given[0]), _array(given[1]), None
    if not hasattr(given, "__getitem__") or isinstance(given, (np.ndarray, str, tuple, list, Mapping)):
        raise DataError(f"returned {type(given).__name__} as its {part} part; {_SHAPES}")
    if not hasattr(given, "__len__"):
        raise DataError(f"returned a {part} part without a length; give a torch Dataset with __len__ and __getitem__")
    return _collected(given, part)


def _collected(dataset: Any, part: str) -> tuple[Array, Array, list[str] | None]:
    """Return the items of a torch Dataset, each asked for once."""
    examples, labels = [], []
    for index in range(len(dataset)):
        item = dataset[index]
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise DataError(f"{part} item {index} is {type(item).__name__}; a Dataset gives (example, label)")
        examples.append(_array(item[0], batched=False))
        labels.append(_array(item[1], batched=False))
        if examples[-1].shape != examples[0].shape:
            raise DataError(
                f"{part} item {index} has shape {examples[-1].shape}, item 0 {examples[0].shape}; bring all to one"
            )
    if not examples:
        raise DataError(f"returned an empty {part} part; return None where there is none")
    names = getattr(dataset, "classes", None)
    named = isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names)
    return np.stack(examples), np.stack(labels), list(names) if named and names else None


def _array(given: Any, *, batched: bool = True) -> Array:
    """Return an array, a tensor, a picture or numbers as an array: a tensor's images of bytes channels last."""
    from torch import Tensor

    if isinstance(given, Tensor):
        return _of_tensor(given, batched=batched)
    with contextlib.suppress(ValueError):  # rows of several lengths
        return np.asarray(given)
    raise DataError("returned examples of several shapes; bring all to one")


def _of_tensor(tensor: Tensor, *, batched: bool) -> Array:
    array: Array = tensor.detach().cpu().numpy()
    channels = 1 if batched else 0
    # torch's images are channels first, those of bytes in the canonical form last.
    if array.dtype == np.uint8 and array.ndim == 3 + channels and array.shape[channels] in CHANNEL_COUNTS:
        return np.moveaxis(array, channels, -1)
    return array

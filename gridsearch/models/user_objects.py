"""Something of the user's by its name, `package.module:Name`: a model, a loss, a metric, a function."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gridsearch.errors import ModelError, nearest
from gridsearch.models.source_code import code_sources
from gridsearch.user_code import told

#: Folders put on Python's path for the sake of users' models: for this process, and none that it starts.
USER_FOLDERS: set[str] = set()


def found_of_the_user(
    what: str, reference: str, search: Sequence[Path], *, seeded: bool = True
) -> tuple[Any, Mapping[str, str]]:
    """Return what `package.module:Name` names, and the sources of its module (`sources_of`).

    Args:
        what: What it is to be, as a message says it: `model`.
        reference: Its name.
        search: Folders in which the module may lie, besides those on Python's path.
        seeded: As for `import_of_the_user`.

    Raises:
        ModelError: The module cannot be imported, or has nothing of that name.
    """
    module_name, _, name = reference.rpartition(":")
    module = import_of_the_user(f"{what} {reference!r}", module_name, search, seeded=seeded)
    found = getattr(module, name, None)
    if found is None:
        named = {
            key: value for key, value in vars(module).items() if inspect.isclass(value) or inspect.isfunction(value)
        }
        own = [key for key, value in named.items() if value.__module__ == module.__name__]
        hint = shadowed(module, module_name, search) or nearest(name, own or named)
        raise ModelError(f"{what} {reference!r}: module {module_name!r} has no {name!r}{hint}")
    return found, sources_of(module, search)


def import_of_the_user(what: str, module_name: str, search: Sequence[Path], *, seeded: bool = True) -> Any:
    """Return a module of the user's, which may lie in the folders `search`; `ModelError` begins with `what`.

    What it draws from the global generators is the same in every process, if it is `seeded`, which needs torch.
    """
    _make_importable(search)
    try:
        with _seeded() if seeded else contextlib.nullcontext():
            return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise ModelError(
                f"{what}: no module named {error.name!r} beside the job file, in this folder or installed"
            ) from None
        raise ModelError(f"{what}: importing {module_name!r} failed: {told(error)}") from error
    except Exception as error:
        raise ModelError(f"{what}: importing {module_name!r} failed: {told(error)}") from error


@contextlib.contextmanager
def _seeded() -> Iterator[None]:
    from gridsearch.models.seeding import random_states_kept, seed_everything

    with random_states_kept():
        seed_everything(0)
        yield


def _make_importable(folders: Sequence[Path]) -> None:
    """Put folders on Python's path for good: a model's module may import its neighbours later.

    At its end: a file of the user's with the name of a library is that library to nobody.
    """
    for folder in folders:
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
            USER_FOLDERS.add(str(folder))
    importlib.invalidate_caches()


def shadowed(module: Any, name: str, search: Sequence[Path]) -> str:
    """Say so where a module of another place was found, and the user has one of that name, which comes after it."""
    found = Path(getattr(module, "__file__", None) or ".").resolve()
    parts = name.split(".")
    own = [folder.joinpath(*parts).with_suffix(".py").resolve() for folder in search]
    other = next((file for file in own if file.is_file() and file != found), None)
    return f": it is {found}, which comes before {other}; give yours another name" if other else ""


def sources_of(module: Any, search: Sequence[Path]) -> dict[str, str]:
    """Return the source of a module of the user's: edited, or what it imports of the user's edited, it is another."""
    path = getattr(module, "__file__", None)
    return code_sources(module.__name__, Path(path), search) if path and Path(path).is_file() else {}

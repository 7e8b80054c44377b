"""The fingerprint of a user's model: its source, and that of the user's modules it imports. Nothing is run."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

#: Python's own modules and ours: not the user's, wherever they lie.
_LIBRARIES = (*(Path(sysconfig.get_path(key)) for key in ("stdlib", "platstdlib")), Path(__file__).parents[1])
_INSTALLED = frozenset({"site-packages", "dist-packages"})


def code_fingerprint(module: str, file: Path, search: Sequence[Path]) -> str:
    """Return the SHA-256 over the source of a module and of the user's modules that it reaches by import statements."""
    return fingerprint_of(code_sources(module, file, search))


def fingerprint_of(sources: Mapping[str, str]) -> str:
    """Return the SHA-256 over sources, by the names of their modules."""
    return hashlib.sha256(json.dumps(sorted(sources.items())).encode()).hexdigest()


def code_sources(module: str, file: Path, search: Sequence[Path]) -> dict[str, str]:
    """Return the source of a module and of the user's modules that it reaches by import statements, by their names.

    The user's are those below the folders `search` or below the one that the module is imported from, installed
    packages aside. Files are found and read here, so what is loaded already makes no difference; names of modules
    count, places of files do not.
    """
    home = file.parents[module.count(".") + (file.name == "__init__.py")]
    roots = [folder.absolute() for folder in (*search, home)]
    folders = [*roots, *map(Path, sys.path)]
    sources: dict[str, str] = {}
    waiting = [(module, file)]
    while waiting:
        name, path = waiting.pop()
        sources[name] = path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for wanted in {*_with_parents(name), *_imported(sources[name], package)} - sources.keys():
            found = source_file(wanted, folders)
            if found is not None and _is_the_users(found, roots):
                waiting.append((wanted, found))
    return sources


@lru_cache(1024)
def _imported(source: str, package: str) -> frozenset[str]:
    """Return the names of all modules that import statements may load, wherever they stand, and of their packages.

    Kept, as a worker asks for each model it builds, and parsing takes longer than building a small one.
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):
        return frozenset()
    return frozenset(_names_in(nodes, package))


def _names_in(nodes: Sequence[ast.AST], package: str) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: 1 - node.level or None] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:  # each may be a module, or something in one
                yield from _with_parents(f"{origin}.{alias.name}")


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[: length + 1]) for length in range(len(parts)))


def source_file(name: str, folders: Sequence[Path]) -> Path | None:
    """Return the source file of a module, found in folders as Python finds it; None where there is none."""
    file: Path | None = None
    for part in name.split("."):
        inits = ((folder / part / "__init__.py", folder / f"{part}.py") for folder in folders)
        file = next((path for pair in inits for path in pair if path.is_file()), None)
        if file is None:  # no file: a folder without one is a package too
            folders = [folder / part for folder in folders if (folder / part).is_dir()]
        else:
            folders = [file.parent] if file.name == "__init__.py" else []
    return file


def _is_the_users(file: Path, roots: Sequence[Path]) -> bool:
    if _INSTALLED & set(file.parts) or any(file.is_relative_to(library) for library in _LIBRARIES):
        return False
    return any(file.is_relative_to(root) and not _in_environment(file, root) for root in roots)


def _in_environment(file: Path, root: Path) -> bool:
    """Whether a virtual environment lies on the way from a folder down to a file."""
    inside = list(file.relative_to(root).parents)[:-1]
    return any((root / folder / "pyvenv.cfg").exists() for folder in inside)

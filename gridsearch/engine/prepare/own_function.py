"""A training function of the user's, `train: my_training:train`: found, read and looked at; nothing of it is run here.

It is imported once before a launch, in a process of its own (`ImportCheck`), and then by the workers that call it.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

from gridsearch.config.durations import duration_text
from gridsearch.config.job import JobSpec
from gridsearch.config.own_training import OWN_KEYS
from gridsearch.engine.prepare import trying_process
from gridsearch.engine.prepare.model_channel import Limits
from gridsearch.engine.prepare.own_code import OwnCode
from gridsearch.errors import ModelError, StopNowError, closest, nearest
from gridsearch.models.source_code import code_sources, source_file

#: What is to be written instead of what cannot be called.
_SHAPE = "write def {name}(trial): ..."
_POLL_SECONDS = 0.02
_IMPORT = """
import sys
sys.path.append(sys.argv[1])
from pathlib import Path
from gridsearch.errors import ModelError
from gridsearch.training.own.function import imported
try:
    imported(sys.argv[2], [Path(folder) for folder in sys.argv[3:]], seeded=False)
except ModelError as error:
    sys.stderr.write("\\n" + str(error))
    sys.exit(3)
"""
#: How that ends where the module cannot be imported, and why stands in its last line.
_REFUSED = 3


def read_function(reference: str, search: Sequence[Path]) -> OwnCode:
    """Return the code of `package.module:function`: of its module and of the user's modules that it imports.

    Raises:
        ModelError: There is no such module or function, or it takes no trial.
    """
    module, colon, name = reference.partition(":")
    if not colon or not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise ModelError(f"{reference!r} is no function; write it as my_training:train, for train in my_training.py")
    file = source_file(module, [*search, *map(Path, sys.path)])
    if file is None:
        names = [path.stem for folder in search for path in folder.glob("*.py")]
        raise ModelError(
            f"no module named {module!r} beside the job file, in this folder or installed{nearest(module, names)}"
        )
    try:
        tree = ast.parse(file.read_text(encoding="utf-8", errors="replace"))
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise ModelError(f"{file.name}{line}: {getattr(error, 'msg', None) or error}") from None
    _check(reference, name, tree)
    return OwnCode(reference, code_sources(module, file, search))


def _check(reference: str, name: str, tree: ast.Module) -> None:
    """Refuse what is certainly no function of a trial; what is made when the module runs shows when it is called."""
    defined = list(_defined(tree.body))
    found = [one for one in defined if one.name == name]
    if not found:
        if {name, "*", "__getattr__"} & {*_names(tree), *(one.name for one in defined)}:
            return
        raise ModelError(f"{reference!r}: the module has no {name!r}{nearest(name, [one.name for one in defined])}")
    shape = _SHAPE.format(name=name)
    if isinstance(found[-1], ast.ClassDef):
        raise ModelError(f"{reference!r} is a class; {shape}")
    if isinstance(found[-1], ast.AsyncFunctionDef):
        raise ModelError(f"{reference!r} is an async function; {shape}")
    arguments = found[-1].args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    needed = [one.arg for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if not default]
    if found[-1].decorator_list:
        return  # what it takes is the decorator's affair
    if not positional and not arguments.vararg:
        raise ModelError(f"{reference!r} takes no trial; {shape}")
    if required > 1 or needed:
        others = ", ".join([one.arg for one in positional[1:required]] + needed)
        raise ModelError(f"{reference!r} takes more than a trial ({others}), which has all settings; {shape}")


def _defined(body: Sequence[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield what a module defines, in blocks (`if`, `try`) too."""
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield statement
        else:
            for field in ("body", "orelse", "finalbody"):
                yield from _defined(getattr(statement, field, []))
            for handler in getattr(statement, "handlers", []):
                yield from _defined(handler.body)


def _names(tree: ast.Module) -> frozenset[str]:
    """Return what a module's statements may give a name to, without looking into what they do; * may be anything."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return frozenset(found)


def unread_settings(job: JobSpec, code: OwnCode) -> list[str]:
    """Return which settings a function's code does not mention, and is hardly meant to have."""
    text = "\n".join(code.sources.values())
    words = set(re.findall(r"\w+", text))
    unread = [name for name in job.setting_names if name not in words and name not in OWN_KEYS]
    if not unread or "**trial" in text or "dict(trial)" in text:
        return []
    meant = closest(unread[0], [key for key in OWN_KEYS if key not in job.setting_names])
    hint = f" (did you mean {meant!r}?)" if meant else ""
    return [f"the code of {job.models_text} does not mention the setting {' and '.join(unread)}{hint}"]


class ImportCheck:
    """The import of a training function in a process of its own, begun at once: it takes seconds where torch is."""

    def __init__(self, reference: str, search: Sequence[Path]) -> None:
        self.reference = reference
        self._said = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - it lives as long as the process
        package = str(Path(__file__).parents[3])
        self._process = trying_process.start(
            _IMPORT,
            [package, reference, *map(str, search)],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
        )
        self._end = weakref.finalize(self, trying_process.end, self._process, self._said)

    def wait(self, limits: Limits) -> None:
        """Wait until it has been imported.

        Raises:
            ModelError: It cannot be imported, or not within the time limit.
            StopNowError: A stop is wanted.
        """
        deadline = time.monotonic() + limits.seconds
        try:
            while self._process.poll() is None:
                if limits.stopping():
                    raise StopNowError
                if time.monotonic() > deadline:
                    module = self.reference.partition(":")[0]
                    raise ModelError(
                        f"importing {module!r} took longer than {duration_text(limits.seconds)} (--model-timeout)"
                    )
                time.sleep(_POLL_SECONDS)
            if self._process.returncode:
                raise ModelError(self._why())
        finally:
            self._end()

    def _why(self) -> str:
        self._said.seek(0)
        last = (self._said.read().strip().splitlines() or [""])[-1]
        if self._process.returncode == _REFUSED:
            return last
        return f"{self.reference!r}: importing it ended Python (exit code {self._process.returncode}): {last}"

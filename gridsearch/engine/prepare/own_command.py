"""A command of the user's, `command: python train.py --lr {learning_rate}`: its code is read, and nothing of it is run.

Its code is every script that it names and that lies in the job's folder or below it, and of Python's scripts the user's
modules that they import. Where its numbers are (`metrics_from`) counts as code: another pattern finds other numbers.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from gridsearch.config.command import EPOCH, Command, variable_of
from gridsearch.config.job import JobSpec
from gridsearch.engine.prepare.own_code import OwnCode
from gridsearch.errors import ModelError, nearest
from gridsearch.models.source_code import code_sources, source_file
from gridsearch.training.own.process import search_path

_PYTHON = ".py"
_SCRIPTS = frozenset(
    {_PYTHON, ".sh", ".bash", ".zsh", ".fish", ".r", ".jl", ".js", ".mjs", ".cjs", ".ts", ".pl", ".rb", ".lua", ".m",
     ".awk", ".php", ".tcl", ".ipynb"}
)  # fmt: skip
#: Programs whose first argument that is no option is a script.
_INTERPRETER = re.compile(r"(python|pypy)[\d.]*|sh|bash|zsh|dash|Rscript|julia|node|perl|ruby|lua|php")
_KNOWN_PROGRAMS = ("python", "python3", "sh", "bash", "Rscript", "julia", "node", "perl", "ruby", "java", "torchrun")


def read_command(command: Command, base: Path) -> OwnCode:
    """Return the code of a command that is run in the folder `base`."""
    words = _words(command)
    sources: dict[str, str] = {}
    for index, word in enumerate(words):
        for name, file in _files_in(word, base):
            if index == 0 or file.suffix.lower() in _SCRIPTS:
                sources |= _sources(name, file, base)
    if (module := _module(words)) and (source := source_file(module, [base])):
        sources |= code_sources(module, source, [base])
    if command.metrics_from:
        sources["metrics_from"] = json.dumps(command.metrics_from.model_dump(exclude_defaults=True), sort_keys=True)
    if command.shell:
        sources["shell"] = "true"
    return OwnCode(command.text, sources)


def check_startable(command: Command, base: Path) -> None:
    """Refuse a command that certainly cannot be started; `ModelError` says what to write.

    What a shell's line, or a program that a setting names, can do shows in the first trial.
    """
    program = command.words[0]
    if command.shell or "{" in program:
        return
    if os.sep in program:
        _check_file(program, base / Path(program))
    elif not shutil.which(program, path=search_path()):
        if (base / program).is_file():
            raise ModelError(f"{program!r} is a file beside the job, and no program; write {_run_by(program)}")
        raise ModelError(f"there is no program {program!r}{nearest(program, _KNOWN_PROGRAMS).partition(' (valid')[0]}")
    words = _words(command)
    if _INTERPRETER.fullmatch(Path(program).name) and (script := _script(words)):
        if (base / script).exists() or "{" in script:
            return
        beside = [path.name for path in base.iterdir() if path.suffix == Path(script).suffix]
        raise ModelError(f"there is no file {base / script}{nearest(script, beside)}")


def remarks_on(job: JobSpec, code: OwnCode) -> list[str]:
    """Return what the job does not tell its command, or does not know of it, and is hardly meant so."""
    assert job.own and job.own.command
    command = job.own.command
    told = "\n".join([*command.words, *code.sources.values()])
    unused = [
        name
        for name in job.setting_names
        if name not in command.names and name != "early_stopping" and variable_of(name) not in told
    ]
    said = []
    if unused and "GRIDSEARCH_SETTINGS" not in told:
        names = " and ".join(unused)
        variables = " and ".join(map(variable_of, unused))
        said.append(f"the command does not use {names}; its script may read {variables}")
    if files := [name for name in _others(command, job.base, code) if name not in job.own.inputs]:
        are = "is" if len(files) == 1 else "are"
        said.append(
            f"{' and '.join(files)} in the command {are} no part of a trial's identity; to have another content make"
            f" new trials, list it under inputs"
        )
    return [*said, *_objective_remark(job, command)]


def _objective_remark(job: JobSpec, command: Command) -> Iterator[str]:
    if not command.metrics_from or not command.metrics_from.stdout:
        return
    groups = {name for pattern in command.metrics_from.stdout for name in re.compile(pattern).groupindex} - {EPOCH}
    if job.objective.metric not in groups:
        hint = nearest(job.objective.metric, groups)
        yield f"no pattern of metrics_from has a group {job.objective.metric}, which the objective is{hint}"


def _words(command: Command) -> Sequence[str]:
    """Return the words that a command consists of; of a shell's line as far as they can be told."""
    if not command.shell:
        return command.words
    try:
        return shlex.split(command.words[0], comments=True)
    except ValueError:
        return command.words[0].split()


def _module(words: Sequence[str]) -> str:
    """Return the module that Python is to run, `python -m package.train`; else nothing."""
    if not re.fullmatch(r"(python|pypy)[\d.]*", Path(words[0]).name):
        return ""
    return next((after for word, after in pairwise(words) if word == "-m"), "")


def _script(words: Sequence[str]) -> str:
    """Return the script that an interpreter is given, as far as that is certain; else nothing."""
    first = next(iter(words[1:]), "")
    return first if Path(first).suffix.lower() in _SCRIPTS else ""


def _check_file(program: str, path: Path) -> None:
    if not path.is_file():
        beside = [str(Path(program).with_name(one.name)) for one in path.parent.glob("*")]
        raise ModelError(f"there is no file {path}{nearest(program, beside).partition(' (valid')[0]}")
    if not os.access(path, os.X_OK):
        raise ModelError(f"{path} is not executable; run chmod +x {path.name}, or write {_run_by(program)}")


def _run_by(program: str) -> str:
    by = {_PYTHON: "python", ".sh": "sh", ".bash": "bash", ".r": "Rscript", ".jl": "julia", ".js": "node"}
    suffix = Path(program).suffix.lower()
    return f"{by[suffix]} {program}" if suffix in by else f"./{Path(program).name}, and make it executable"


def _files_in(word: str, base: Path) -> Iterator[tuple[str, Path]]:
    """Yield the file below the job's folder that a word names, as `--script=train.py` does too."""
    name = word.rpartition("=")[2]
    if not name or "{" in name or "\0" in name:
        return
    root, path = base.absolute(), Path(os.path.normpath(base.absolute() / name))
    try:
        if path.is_relative_to(root) and path.is_file():
            yield path.relative_to(root).as_posix(), path
    except OSError:  # no name of a file at all
        return


def _sources(name: str, file: Path, base: Path) -> Mapping[str, str]:
    """Return the source of a script; of Python's with the user's modules that it imports, as Python finds them."""
    if file.suffix.lower() == _PYTHON:
        found = code_sources(file.stem, file, [file.parent, base])
        return {name if key == file.stem else key: text for key, text in found.items()}
    content = file.read_bytes()
    try:
        return {name: content.decode().replace("\r\n", "\n")}
    except UnicodeDecodeError:
        return {name: hashlib.sha256(content).hexdigest()}


def _others(command: Command, base: Path, code: OwnCode) -> list[str]:
    """Return the files below the job's folder that a command names and that are none of its code."""
    found = [name for word in _words(command)[1:] for name, _ in _files_in(word, base)]
    return [name for name in dict.fromkeys(found) if name not in code.sources]

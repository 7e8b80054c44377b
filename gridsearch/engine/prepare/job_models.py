"""The models of a job: what each takes, what it adds to who a trial is, and who answers questions about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gridsearch.config.comparisons import texts_compared
from gridsearch.config.habits import module_path
from gridsearch.config.job import JobSpec
from gridsearch.config.job_file import MODEL
from gridsearch.config.value_kinds import values_text
from gridsearch.config.yaml_source import parse_document
from gridsearch.engine.prepare.dooms import model_place
from gridsearch.engine.prepare.model_channel import Limits
from gridsearch.engine.prepare.model_process import ModelProcess
from gridsearch.engine.prepare.model_questions import Seen
from gridsearch.errors import ModelError, closest, nearest
from gridsearch.models.plain import is_plain
from gridsearch.models.registry import (
    MODELS,
    ModelSignature,
    check_hyperparameters,
    find_model,
    has_beside,
)
from gridsearch.models.signatures import signature_of
from gridsearch.search.grid import ModelPart

if TYPE_CHECKING:
    from gridsearch.engine.prepare.probing import Tried


class JobModels:
    """Finds models by their names, and answers for each; of users' models one at a time has a process.

    `seen` is what the models are given and asked for, once that is known: by the fingerprint of the data set.
    """

    def __init__(self, names: Iterable[str], folders: Sequence[Path], limits: Limits | None = None) -> None:
        self.names, self.folders, self.limits = tuple(names), folders, limits
        self.seen: Mapping[str, Seen] = {}
        self._signatures: dict[str, ModelSignature] = {}
        self._here: dict[tuple[str, Seen], Tried] = {}
        self._processes: dict[str, ModelProcess] = {}
        self._current: ModelProcess | None = None
        # At once: it takes seconds to start, in which the data are loaded.
        if first := next((name for name in self.names if name not in MODELS), None):
            self._process(first)

    def __getitem__(self, name: str) -> ModelSignature:
        """Return what a model takes; `ModelError` where it cannot be found."""
        if name not in self._signatures:
            self._signatures[name] = signature_of(name) if name in MODELS else self._process(name).signature()
        return self._signatures[name]

    def has(self, name: str, key: str, names: Sequence[str] = ()) -> bool:
        """Return whether something is a setting of a model beside others, the job's where none are named."""
        return has_beside(self[name], key, [self[other] for other in names or self.names])

    def tried(self, name: str, dataset: str) -> Tried:
        """Return who answers the next question about a model on a data set, as `probing.Tried` says.

        `dataset` is the fingerprint of the data set.
        """
        seen = self.seen[dataset]
        if name not in MODELS:
            process = self._process(name)
            process.seen = seen
            return process
        if (name, seen) not in self._here:
            from gridsearch.engine.prepare.probing import TriedHere  # torch: mistakes in the job itself show without it

            self._here[name, seen] = TriedHere(find_model(name), seen)
        return self._here[name, seen]

    def part(
        self, name: str, pretrained: Mapping[str, str] | None = None, unusable: Mapping[str, str] | None = None
    ) -> ModelPart:
        """Return what a model adds to who its trials are; the mappings as `ModelPart` has them."""
        model = self[name]
        return ModelPart(
            model.code,
            {key: value for key, value in model.optional.items() if is_plain(value)},
            model.version,
            lambda key: self.has(name, key),
            pretrained or {},
            unusable or {},
        )

    def process_of(self, name: str) -> ModelProcess:
        """Return the process that a loss, or other code of the user's that sees no examples, is looked at in."""
        process = self._process(name)
        process.seen = next(iter(self.seen.values()), None)
        return process

    def rest(self) -> None:
        """Give back what was needed to answer; the next question may take longer."""
        if self._current:
            self._current.rest()

    def leave(self) -> None:
        """Leave the process to the next model that is asked about, as if nothing had been."""
        if self._current:
            self._current.leave()

    def _process(self, name: str) -> ModelProcess:
        if name not in self._processes:
            self.leave()
            self._processes[name] = ModelProcess(name, self.folders, self.limits)
        elif self._current is not self._processes[name]:
            self.leave()
        self._current = self._processes[name]
        return self._current


def check_found(job: JobSpec, models: JobModels, of_data: Sequence[str] = ()) -> None:
    """Raise `ModelError`, with its place, for a model that is not found or lacks a setting that it needs.

    A setting must be known to one of the models; so must each be that has a name of its own. `of_data` are the
    arguments of the data set's function, which may have been meant by what nobody knows.
    """
    for name in job.models:
        try:
            models[name]
        except ModelError as error:
            raise ModelError(f"{model_place(job, name)}: {error}") from None
    found = [models[name] for name in job.models]
    names = job.model_settings
    unknown = next((key for key in names if not any(model.has(key) for model in found)), None)
    if unknown is not None and len(found) > 1:
        raise ModelError(
            f"{_place(job, found[0], unknown)}: {_known_to_none(job, found, unknown, of_data)}{_part_of(job)}"
        )
    for model in found:
        own = names if len(found) == 1 else [key for key in names if models.has(model.name, key)]
        try:
            check_hyperparameters(model, own)
        except ModelError as error:
            culprit = next((key for key in own if repr(key) in str(error)), None)
            if culprit and of_data and culprit not in model.data_arguments and not model.has(culprit):
                error = ModelError(_known_to_none(job, found, culprit, of_data))
            part = _part_of(job) if culprit and not model.has(culprit) else ""
            raise ModelError(f"{_place(job, model, culprit)}: {error}{part}") from None


def check_rules(job: JobSpec) -> None:
    """Raise `JobError`, with its place, for a rule that names a model which there is not.

    One of ours may be named in a job that does not have it; so may any in a job of the store, which was accepted once,
    and where `--set` has narrowed the models of the file.
    """
    if job.document.accepted or job.document.override((MODEL,)):
        return
    for index, rule in enumerate(job.rules):
        for name in texts_compared(rule.tree, MODEL):
            if name in job.models or name in MODELS or _is_other(name, job.models):
                continue
            meant = _same_model(name, job.models) or closest(name, job.models)
            hint = f" (did you mean {meant!r}?)" if meant and len(job.models) > 1 else ""
            said = f"{MODEL} is never {name!r}: it is {values_text(job.models)}{hint}"
            raise job.document.error(("rules", index, "skip"), said)


def _is_other(name: str, models: Sequence[str]) -> bool:
    """Whether a name is of a user's model that is none of these, and no other way to write one of them."""
    return ":" in name and _same_model(name, models) is None


def _same_model(name: str, models: Sequence[str]) -> str | None:
    """Return the model that is meant by a file and a class, `./nets.py:Net`, or by a class alone."""
    try:
        written = module_path(name)
    except ValueError:
        return None
    if written in models:
        return written
    return next((own for own in models if own.rpartition(":")[2] == name), None)


def _part_of(job: JobSpec) -> str:
    """Return how a part of a file's models is trained, where `--set` has left out those that know a setting."""
    written = parse_document(job.document.text, job.document.source).data.get(MODEL)
    if not (job.document.override((MODEL,)) and isinstance(written, list) and set(job.models) < set(written)):
        return ""
    of = f"== {job.models[0]!r}" if len(job.models) == 1 else f"in {list(job.models)}"
    return f'; a part of the file\'s models is trained with --only "{MODEL} {of}"'


def left_out(job: JobSpec, model: str, condition: str) -> str:
    """Return how one of several models is left out of what does not suit it; nothing for an only one."""
    if len(job.models) == 1:
        return ""
    return f"; leave model {model!r} out of it with a rule, skip: {MODEL} == {model!r} and {condition}"


def _known_to_none(job: JobSpec, models: Sequence[ModelSignature], key: str, of_data: Sequence[str]) -> str:
    if any(key in model.data_arguments for model in models):
        return f"{key!r} comes from the data set and cannot be set"
    known = dict.fromkeys([*(name for model in models for name in model.hyperparameters), *of_data])
    names = ", ".join(repr(model.name) for model in models)
    what = f"a setting of one of the models {names}" if len(models) > 1 else f"a setting of model {names}"
    ours = f"{what}, nor an argument of {job.dataset}" if of_data else what
    return f"{key!r} is neither a recipe key nor {ours}{nearest(key, known)}"


def _place(job: JobSpec, model: ModelSignature, culprit: str | None) -> str:
    named = job.document.place(job.trail(culprit), key=True) if culprit else None
    place = (job.document.override((MODEL,)) if named is None or named.line else None) or named
    return str(place or model_place(job, model.name))

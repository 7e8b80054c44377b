"""Images that validate or test and are not new to the models: in two parts at once, or trained on before."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from gridsearch.data.catalog import load_dataset
from gridsearch.data.splits import SplitDataset, apply_split
from gridsearch.engine.preparation import PreparedJob, load_divided
from gridsearch.engine.teachers import UNTRAINED, teacher_job
from gridsearch.engine.trained import job_with
from gridsearch.errors import DataError, GridsearchError
from gridsearch.spec.identity import parse
from gridsearch.spec.trial import TrialConfig
from gridsearch.store.contract import Store

#: What tells whether two images are the same one: places of the first of each, or hashes.
Keys = npt.NDArray[np.int64] | npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Seen:
    """How many of a division's validation and test images were seen before: of so many."""

    validation: int = 0
    test: int = 0
    of_validation: int = 0
    of_test: int = 0

    def __bool__(self) -> bool:
        """Whether any was."""
        return bool(self.validation or self.test)


@dataclass(frozen=True)
class Leaks:
    """What the numbers of a job rest on that is not new to its models; of several divisions the one with the most.

    `copies` are validation images whose pixels are also those of a training image, and test images that also train or
    validate; `taught` those that the teacher was trained on, `started` those that the weights to start from were, as
    far as a file of ours beside these tells. `untold` says why nobody can tell what the teacher has seen.
    """

    copies: Seen
    taught: Seen = Seen()
    started: Seen = Seen()
    untold: str = ""


def leaks_of(prepared: PreparedJob, store: Store | None, data_dir: Path) -> Leaks:
    """Return the leaks of a job; while its teacher is not trained, those of the worst it may be."""
    divisions = list(prepared.splits.values())
    copies = _most(_copies(split) for split in divisions)
    started = _most(_before(split, origin) for origin in _origins(prepared) for split in divisions)
    try:
        teachers = _teachers(prepared, store, data_dir)
    except GridsearchError as error:  # the data the teacher had are gone, say
        return Leaks(copies, started=started, untold=str(error))
    return Leaks(copies, _most(_before(split, teacher) for teacher in teachers for split in divisions), started)


def _most(found: Iterable[Seen]) -> Seen:
    return max(found, key=lambda seen: (seen.validation, seen.test), default=Seen())


def _copies(split: SplitDataset) -> Seen:
    first, indices = split.dataset.first_of_each, split.indices
    train, validation, test = (first[part] for part in (indices.train, indices.validation, indices.test))
    return _seen(validation, train, test, np.union1d(train, validation))


def _before(split: SplitDataset, earlier: SplitDataset) -> Seen:
    """Compare by the images' hashes: an earlier data set may be another that has some of the same images."""
    known = earlier.dataset.image_hashes[earlier.indices.train]
    hashes, indices = split.dataset.image_hashes, split.indices
    return _seen(hashes[indices.validation], known, hashes[indices.test], known)


def _seen(validation: Keys, before: Keys, test: Keys, before_test: Keys) -> Seen:
    return Seen(
        int(np.isin(validation, before).sum()),
        int(np.isin(test, before_test).sum()),
        len(validation),
        len(test),
    )


def _teachers(prepared: PreparedJob, store: Store | None, data_dir: Path) -> Sequence[SplitDataset]:
    """Return the data of the trial that teaches; while there is none, of all that may come to."""
    if prepared.job.teacher is None:
        return []
    if prepared.teacher == UNTRAINED or store is None:
        job = teacher_job(prepared.job, store)
        return list(load_divided(job, data_dir)[1].values()) if job else []
    trial = prepared.teacher.partition("@")[0]
    config = parse(store.trial(trial).config)
    dataset = prepared.dataset
    if config.dataset != dataset.fingerprint:
        spec = store.job(job_with(store, trial)).spec
        dataset = load_dataset(str(spec.get("dataset")), folder=data_dir, base=Path(str(spec.get("base", "."))))
    return [apply_split(dataset, config.split, config.data_seed, config.fold)]


def _origins(prepared: PreparedJob) -> Iterator[SplitDataset]:
    """Yield the data that weights to start from were trained on: of our own files, on the same data set."""
    for file in prepared.pretrained.values():
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, ValidationError, DataError):
            config = TrialConfig(**json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))["config"])
            if config.dataset == prepared.dataset.fingerprint:
                yield apply_split(prepared.dataset, config.split, config.data_seed, config.fold)

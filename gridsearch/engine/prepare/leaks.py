"""Images that validate or test and are not new to the models: in two parts at once, or trained on before."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from gridsearch.config.identity import parse
from gridsearch.config.trial import TrialConfig
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.splits import Indices, SplitDataset, apply_split
from gridsearch.engine.prepare.preparation import PreparedJob, divided
from gridsearch.engine.prepare.prepared import Prepared
from gridsearch.engine.prepare.teachers import UNTRAINED, teacher_job
from gridsearch.errors import DataError, GridsearchError, passed_over
from gridsearch.store.contract import Store

_log = logging.getLogger(__name__)

#: Of each image of a data set (N,) whether something holds.
Mask = npt.NDArray[np.bool_]


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


def leaks_of(prepared: Prepared, store: Store | None, data_dir: Path) -> Leaks | None:
    """Return the leaks of a job; while its teacher is not trained, those of the worst it may be.

    None for a training of the user's own, whose data nobody knows.
    """
    if not isinstance(prepared, PreparedJob):
        return None
    divisions = list(prepared.splits.values())
    copies = _most(_copies(split) for split in divisions)
    started = _before(divisions, _origins(prepared))
    try:
        teachers = _teachers(prepared, store, data_dir)
    except GridsearchError as error:  # the data the teacher had are gone, say
        return Leaks(copies, started=started, untold=str(error))
    return Leaks(copies, _before(divisions, teachers), started)


def _most(found: Iterable[Seen]) -> Seen:
    return max(found, key=lambda seen: (seen.validation, seen.test), default=Seen())


def _copies(split: SplitDataset) -> Seen:
    indices = split.indices
    trained = _same_as(split.dataset, indices.train)
    return _seen(split, trained, trained | _same_as(split.dataset, indices.validation))


def _same_as(dataset: ImageDataset, chosen: Indices) -> Mask:
    """Return which of a data set's images have the same pixels as one of those chosen."""
    first = dataset.first_of_each
    mask = np.zeros(len(first), np.bool_)
    mask[first[chosen]] = True
    found: Mask = mask[first]
    return found


def _trained(dataset: ImageDataset, earlier: SplitDataset) -> Mask:
    """Return which of a data set's images an earlier training had, on this data set or on one with some of them."""
    if earlier.dataset is dataset:
        return _same_as(dataset, earlier.indices.train)
    return np.isin(dataset.image_hashes, earlier.dataset.image_hashes[earlier.indices.train])


def _before(divisions: Sequence[SplitDataset], earlier: Iterable[SplitDataset]) -> Seen:
    """Return what an earlier training saw, the one of several that saw the most."""
    datasets = {split.dataset.fingerprint: split.dataset for split in divisions}
    return _most(
        _seen(split, mask, mask)
        for one in earlier
        for fingerprint, dataset in datasets.items()
        for mask in [_trained(dataset, one)]
        for split in divisions
        if split.dataset.fingerprint == fingerprint
    )


def _seen(split: SplitDataset, for_validation: Mask, for_test: Mask) -> Seen:
    validation, test = split.indices.validation, split.indices.test
    return Seen(int(for_validation[validation].sum()), int(for_test[test].sum()), len(validation), len(test))


def _teachers(prepared: PreparedJob, store: Store | None, data_dir: Path) -> Sequence[SplitDataset]:
    """Return the data of the trial that teaches; while there is none, of all that may come to."""
    if prepared.job.teacher is None:
        return []
    if prepared.teacher == UNTRAINED or store is None:
        job, mine = teacher_job(prepared.job, store), prepared.datasets
        divisions = divided(job, data_dir) if job else []
        return [replace(one, dataset=mine.get(one.dataset.fingerprint, one.dataset)) for one in divisions]
    trial = prepared.teacher.partition("@")[0]
    config = parse(store.trial(trial).config)
    dataset = prepared.datasets.get(config.dataset)
    if dataset is None:
        from gridsearch.engine.trained.load import job_with, recorded_dataset  # torch

        dataset = recorded_dataset(store.job(job_with(store, trial)).record, data_dir, config.data_settings)
    return [apply_split(dataset, config.split, config.data_seed, config.fold)]


def _origins(prepared: PreparedJob) -> Iterator[SplitDataset]:
    """Yield the data that weights to start from were trained on: of our own files, on the same data set."""
    for file in prepared.pretrained.values():
        with passed_over(
            _log,
            f"what {file} was trained on is not known",
            OSError,
            ValueError,
            TypeError,
            KeyError,
            ValidationError,
            DataError,
        ):
            config = TrialConfig(**json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))["config"])
            if dataset := prepared.datasets.get(config.dataset):
                yield apply_split(dataset, config.split, config.data_seed, config.fold)

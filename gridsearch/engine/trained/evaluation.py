"""A trained trial on the test images, once and for good, and how fast its model answers."""

from __future__ import annotations

import math
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from gridsearch.config.extra_metrics import OF_TASK, column_of
from gridsearch.config.metrics import metric_of
from gridsearch.config.tasks import task_of
from gridsearch.engine.executors.worker_context import choose_device
from gridsearch.engine.trained.load import ModelSource, TrainedTrial, check_ours, own_tally, trained
from gridsearch.engine.trained.retention import trial_epoch
from gridsearch.engine.trained.weights import NOISE
from gridsearch.errors import DataError
from gridsearch.quantities import counted
from gridsearch.store.contract import Store
from gridsearch.store.rows import Evaluation, EvaluationRow, JobRow, Latency, LatencyRow, TrialRow
from gridsearch.training.arrays import DeviceArrays
from gridsearch.training.loop.blame import charged
from gridsearch.training.loop.evaluation import evaluation_batch
from gridsearch.training.loop.metrics import extra_metrics, meter_of

#: How many images are timed, where there are as many, and in batches of which sizes.
IMAGES, BATCH_SIZES = 1000, (1, 100)
#: How many batches warm up; how often the images are gone through, and after how many seconds no more.
WARM_UP, REPEATS, MOST_SECONDS = 20, 5, 10.0


@dataclass(frozen=True)
class Wanted:
    """What to find out of a trial: `again` even where the store has it."""

    test: bool = True
    latency: bool = True
    again: bool = False


@dataclass(frozen=True)
class Found:
    """What the store has now of what was wanted of a trial; `fresh` says whether anything was measured for it.

    `val_accuracy` and `val_loss` are those of the epoch whose weights the trial has; without classes there is no
    accuracy. `val_objective` is the metric `objective`, by which the job ranks its trials, in that epoch.
    """

    row: TrialRow
    val_accuracy: float | None
    evaluation: EvaluationRow | None
    latencies: Sequence[LatencyRow]
    fresh: bool
    val_loss: float | None = None
    objective: str = ""
    val_objective: float | None = None

    @property
    def has_classes(self) -> bool:
        """Whether a share of the images can be right."""
        return self.evaluation.accuracy is not None if self.evaluation else self.val_accuracy is not None


def evaluate(source: ModelSource, job_name: str, trial: str, wanted: Wanted) -> Found:
    """Find out what the store does not have yet of a job's trial, named by its id or the beginning of it.

    Test numbers are stored once: measured again, they are compared with those, and `source.note` is told. Latencies
    measured again replace the older. `DataError` when the job has no test images; errors also as for `trained`.
    """
    store, row, job = source.store, source.store.trial(trial), source.store.job(job_name)
    if wanted.test:
        _require_test_images(job)
    before = _stored(store, row, job, wanted, fresh=False)
    test = wanted.test and (wanted.again or before.evaluation is None)
    latency = wanted.latency and (wanted.again or not _timed(before.latencies, source.device))
    if not test and not latency:
        return before
    model = trained(source, job_name, row.trial_id)
    if test:
        made = on_test_images(model)
        _compare(made, store.put_evaluation(made), source.note)
    if latency:
        store.put_latencies(latencies(model))
    return _stored(store, row, job, wanted, fresh=True)


def on_test_images(model: TrainedTrial) -> Evaluation:
    """Return what a model does with the test images."""
    images = model.test()
    classes = len(model.class_names)
    tally = own_tally(model.config, model.context, images)
    answers = []
    started = time.perf_counter()
    for pixels, labels in images.in_order(evaluation_batch(images)):
        logits = model.logits(pixels)
        tally.add(logits[None], labels)
        answers.append(logits)
    outputs = torch.cat(answers)
    ((loss, _),) = tally.means()
    confusion: tuple[tuple[int, ...], ...] = ()
    correct = b""
    if images.targets == "classes":
        # At once: of thousands of classes there are millions of cells.
        counts = torch.bincount(images.labels * classes + outputs.argmax(1), minlength=classes * classes)
        confusion = tuple(map(tuple, counts.view(classes, classes).tolist()))
        correct = np.packbits((outputs.argmax(1) == images.labels).cpu().numpy()).tobytes()
    metrics = _metrics(model, outputs, images)
    seconds = time.perf_counter() - started
    return Evaluation(
        model.row.trial_id,
        model.epoch,
        loss,
        model.class_names,
        confusion,
        seconds,
        examples=0 if confusion else len(images),
        metrics=metrics,
        correct=correct,
    )


def _metrics(model: TrainedTrial, outputs: torch.Tensor, images: DeviceArrays) -> dict[str, float]:
    """Return the metrics that a trial asks for, and where there are no classes those of its task."""
    task = task_of(images.targets, model.config.loss)
    names = [*model.config.metrics, *(OF_TASK[task] if task != "classification" else ())]
    if not names:
        return {}
    own = charged(meter_of)(model.config, model.context.model_search).own
    (found,) = extra_metrics(list(dict.fromkeys(names)), outputs[None], images.labels, task, own)
    return {column_of(name, "test"): value for name, value in found.items()}


def latencies(model: TrainedTrial) -> list[Latency]:
    """Return how long a model takes for images that are on its device already, one by one and in batches.

    They are test images, or validation images where the job has no test images.
    """
    source = model.test() if len(model.split.test_labels) else model.context.validation
    images = source.normalized(source.pixels(source.images[:IMAGES]))
    found = []
    for size in BATCH_SIZES:
        batches = torch.split(images, size)
        _pass(model, batches[:WARM_UP])
        taken = [_pass(model, batches)]
        while len(taken) < REPEATS and sum(taken) < MOST_SECONDS:
            taken.append(_pass(model, batches))
        seconds = statistics.median(taken)
        found.append(
            Latency(model.row.trial_id, device_name(model.device), size, len(images), seconds, repeats=len(taken))
        )
    return found


def device_name(device: torch.device) -> str:
    """Return what a person would call a device: the GPU, or the processor and how many threads are used of it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{_processor()}, {counted(threads, 'thread')}"


def _pass(model: TrainedTrial, batches: Sequence[torch.Tensor]) -> float:
    """Return the seconds that a model takes for batches, one after another."""
    started = time.perf_counter()
    for batch in batches:
        model.logits(batch)
    if model.device.type == "cuda":
        torch.cuda.synchronize(model.device)
    return time.perf_counter() - started


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _timed(measured: Sequence[LatencyRow], device: str) -> bool:
    """Whether there are latencies of the device that is meant; of any, where none is."""
    if device == "auto" or not measured:
        return bool(measured)
    return device_name(choose_device(device)) in {one.device for one in measured}


def _stored(store: Store, row: TrialRow, job: JobRow, wanted: Wanted, *, fresh: bool) -> Found:
    evaluations = store.evaluations(job.name) if wanted.test else ()
    measured = store.latencies(job.name) if wanted.latency else ()
    curve = store.epochs([row.lineage_id])
    epoch = trial_epoch(job.record.objective, row, curve)
    return Found(
        row,
        None if epoch is None else curve[epoch].val_accuracy,
        next((one for one in evaluations if one.trial_id == row.trial_id), None),
        [one for one in measured if one.trial_id == row.trial_id],
        fresh,
        None if epoch is None else curve[epoch].val_loss,
        job.record.objective.metric,
        None if epoch is None else metric_of(curve[epoch], job.record.objective.metric),
    )


def _compare(made: Evaluation, stored: EvaluationRow, note: Callable[[str], None]) -> None:
    if made.accuracy is None or stored.accuracy is None:
        apart = (
            made.loss is not None
            and stored.loss is not None
            and not math.isclose(made.loss, stored.loss, rel_tol=NOISE, abs_tol=1e-9)
        )
        if apart:
            note(
                f"trial {made.trial_id[:8]}: measured again, its test loss is {made.loss:.4f}; the recorded"
                f" {stored.loss:.4f} is kept"
            )
    elif made.confusion != stored.confusion:
        note(
            f"trial {made.trial_id[:8]}: measured again, its test accuracy is {made.accuracy:.4f}; the recorded"
            f" {stored.accuracy:.4f} is kept"
        )


def _require_test_images(job: JobRow) -> None:
    check_ours(job)
    if not job.record.images.get("test"):
        raise DataError(
            f"job {job.name!r} has no test images: set some aside under split, such as test: 0.1, and launch again;"
            " --latency-only needs none"
        )

"""The runs of a job as a folder for TensorBoard: scalars of each epoch, and what its HParams tab reads."""

from __future__ import annotations

import importlib.util
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridsearch import atomic
from gridsearch.config.events import OPEN_STATES, SCORED_STATES, TrialState
from gridsearch.errors import GridsearchError
from gridsearch.export.runs import LEARNING_RATE, SCORE, Run, RunAxis, Runs, id_in
from gridsearch.output_places import not_written
from gridsearch.version import __version__

if TYPE_CHECKING:
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

#: The file that says whose runs a folder has; TensorBoard passes it over.
_MARK = "gridsearch.json"
#: TensorBoard reads files with `tfevents` in their names. A run has this one alone, so no event is there twice.
_EVENTS = "events.out.tfevents.0.gridsearch"
_PLUGIN = "hparams"
#: How tensorboardX is told where records go: by what stands before a colon.
_IN_MEMORY = "gridsearch-memory"
_EXPERIMENT, _BEGIN, _END = (f"_hparams_/{what}" for what in ("experiment", "session_start_info", "session_end_info"))
#: An axis of numbers with more values than this is filtered by a range, not value by value.
_MOST_BOXES = 50


@dataclass
class Written:
    """What an export did: runs that were written, and those that were there already as they are."""

    written: int = 0
    kept: int = 0
    #: Runs in the folder of trials that are no points of the job any more.
    others: int = 0


def check_tensorboard() -> None:
    """Raise `GridsearchError` where the package that writes TensorBoard's files is missing."""
    if importlib.util.find_spec("tensorboardX") is None:
        raise GridsearchError("--tensorboard needs the package tensorboardX; install it with: pip install tensorboardX")


def write_tensorboard(job: str, runs: Runs, folder: Path) -> Written:
    """Write the runs of a job to a folder of their own, each whole or not at all; what is there already stays.

    A run has a folder with a name of its settings and its trial's id. Its file is written again where the trial has
    gone on since; the folder gets a new name where the job has other axes now.

    Args:
        job: The job's name.
        runs: Its runs.
        folder: A folder that is new, empty, or has runs of the same job.

    Raises:
        GridsearchError: It has something else, or cannot be written.
    """
    try:
        _claim(folder, job)
        there = {found: path for path in folder.iterdir() if path.is_dir() and (found := id_in(path.name))}
        done, metrics = Written(), dict.fromkeys((SCORE,))
        for run in runs:
            metrics |= dict.fromkeys(name for step in run.steps for name in step.values if name != LEARNING_RATE)
            known = there.pop(run.name[-12:], None)
            if known is not None and known.name != run.name:
                known.rename(folder / run.name)
            if _put(folder / run.name / _EVENTS, _run_events(run)):
                done.written += 1
            else:
                done.kept += 1
        _put(folder / _EVENTS, _experiment(job, runs.axes, list(metrics)))
    except OSError as error:
        raise not_written(f"--tensorboard {folder}", folder, error, "folder") from None
    done.others = len(there)
    return done


def _claim(folder: Path, job: str) -> None:
    """Say in a folder whose runs it has; `GridsearchError` where it has others, or anything else."""
    mark = folder / _MARK
    if folder.exists() and not folder.is_dir():
        raise not_written(f"--tensorboard {folder}", folder, NotADirectoryError(), "folder")
    if not folder.exists() or not any(folder.iterdir()):
        atomic.write(mark, json.dumps({"job": job, "gridsearch": __version__}).encode() + b"\n")
        return
    try:
        told = json.loads(mark.read_bytes())
        owner = str(told["job"])
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        raise GridsearchError(
            f"--tensorboard {folder}: holds files that no export has written; name a new or an empty folder"
        ) from None
    if owner != job:
        raise GridsearchError(f"--tensorboard {folder}: holds the runs of job {owner!r}; name a folder for {job!r}")


def _put(target: Path, events: Iterable[Event]) -> bool:
    """Write events to a file unless it has just them; return whether it was written."""
    content = _framed(events)
    try:
        if target.read_bytes() == content:
            return False
    except FileNotFoundError:
        pass
    atomic.write(target, content, durable=False)
    return True


class _Memory:
    """Where tensorboardX's writer of records puts them: in memory, as files are to appear whole."""

    def __init__(self) -> None:
        self.content = io.BytesIO()

    def open(self, path: str) -> io.BytesIO:
        """Return what takes the records; the name is of no use."""
        return self.content


def _framed(events: Iterable[Event]) -> bytes:
    from tensorboardX.record_writer import RecordWriter, register_writer_factory

    memory = _Memory()
    register_writer_factory(_IN_MEMORY, memory)
    writer = RecordWriter(f"{_IN_MEMORY}:")
    for event in events:
        writer.write(event.SerializeToString(deterministic=True))
    return memory.content.getvalue()


def _run_events(run: Run) -> Iterator[Event]:
    """Yield the events of a run; their times are those of the training, so that they are the same at any time."""
    from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

    yield _file_begins(run.started)
    begin = SessionStartInfo(group_name=run.point, start_time_secs=run.started)
    for name, value in run.axes.items():
        _set_value(begin.hparams[name], value)
    yield _told(_BEGIN, HParamsPluginData(session_start_info=begin), run.started)
    for step in run.steps:
        yield _scalars(step.epoch, step.at, step.values)
    if run.score is not None:
        yield _scalars(run.steps[-1].epoch if run.steps else 0, run.ended, {SCORE: run.score})
    if run.state not in OPEN_STATES:
        end = SessionEndInfo(status=_status(run.state), end_time_secs=run.ended)
        yield _told(_END, HParamsPluginData(session_end_info=end), run.ended)


def _file_begins(at: float) -> Event:
    from tensorboardX.proto.event_pb2 import Event

    return Event(wall_time=at, file_version="brain.Event:2")


def _scalars(epoch: int, at: float, values: Mapping[str, float]) -> Event:
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.summary_pb2 import Summary

    told = [Summary.Value(tag=name, simple_value=_single(value)) for name, value in values.items()]
    return Event(wall_time=at, step=epoch, summary=Summary(value=told))


def _single(value: float) -> float:
    """Return a number as TensorBoard's scalars hold it, in single precision; what is too large for it is infinite."""
    return math.copysign(math.inf, value) if abs(value) > 3.4028234e38 else value


def _experiment(job: str, axes: tuple[RunAxis, ...], metrics: list[str]) -> Iterator[Event]:
    """Yield what the HParams tab shows: the axes with their values, and the metrics; it is told once, of all runs."""
    from tensorboardX.proto.api_pb2 import Experiment, HParamInfo, MetricInfo, MetricName
    from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

    told = Experiment(name=job)
    for axis in axes:
        info = HParamInfo(name=axis.name, type=_type(axis.kind))
        if axis.kind is float and len(axis.values) > _MOST_BOXES:
            info.domain_interval.min_value, info.domain_interval.max_value = axis.values[0], axis.values[-1]
        else:
            for value in axis.values:
                _set_value(info.domain_discrete.values.add(), value)
        told.hparam_infos.append(info)
    told.metric_infos.extend(MetricInfo(name=MetricName(tag=name)) for name in metrics)
    yield _file_begins(0.0)
    yield _told(_EXPERIMENT, HParamsPluginData(experiment=told), 0.0)


def _told(tag: str, content: HParamsPluginData, at: float) -> Event:
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata

    plugin = SummaryMetadata.PluginData(plugin_name=_PLUGIN, content=content.SerializeToString(deterministic=True))
    value = Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=plugin))
    return Event(wall_time=at, summary=Summary(value=[value]))


def _set_value(target: Any, value: bool | float | str) -> None:
    """Set a `google.protobuf.Value`."""
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, str):
        target.string_value = value
    else:
        target.number_value = value


def _type(kind: type) -> int:
    from tensorboardX.proto.api_pb2 import DataType

    names = {float: "DATA_TYPE_FLOAT64", bool: "DATA_TYPE_BOOL", str: "DATA_TYPE_STRING"}
    return int(DataType.Value(names[kind]))


def _status(state: TrialState) -> int:
    from tensorboardX.proto.api_pb2 import Status

    return int(Status.Value("STATUS_SUCCESS" if state in SCORED_STATES else "STATUS_FAILURE"))

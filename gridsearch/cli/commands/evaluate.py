"""The command that looks at trained models with fresh eyes: evaluate."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridsearch import paths
from gridsearch.cli import jobs
from gridsearch.cli.options import (
    DEFAULT_STORE,
    DataOption,
    FormatOption,
    JobName,
    StoreOption,
    TableFile,
    TrialOption,
    count_from,
)
from gridsearch.cli.render import tables
from gridsearch.cli.render.behind import behind_first, behind_grid, behind_json, with_behind
from gridsearch.cli.render.evaluated_numbers import (
    MISSING,
    as_written,
    head_lines,
    head_room,
    in_words,
    measured,
    number_text,
    of_validation,
    tested_measures,
    validation_measures,
    without_empty,
)
from gridsearch.cli.render.evaluated_points import EvaluatedPoint, point_head, point_json, point_names, points_grid
from gridsearch.cli.render.wording import id_within, moment, short_id
from gridsearch.cli.resources import DeviceOption, ThreadsOption, checked_device
from gridsearch.cli.streams import columns, data, into, say
from gridsearch.cli.supervising import models_behind, require_own_process, supervisable
from gridsearch.errors import GridsearchError
from gridsearch.output_places import require_file
from gridsearch.shell_words import quoted

if TYPE_CHECKING:
    from gridsearch.analysis.evaluation import ClassScore, Scores
    from gridsearch.engine.trained.evaluation import Found
    from gridsearch.store.rows import JobRow

#: Of the name of a class so much heads a column of the confusion matrix on a terminal.
_MOST_OF_A_NAME = 16

Top = Annotated[
    int | None,
    typer.Option(
        "-n", "--top", parser=count_from(1), metavar="N|all", help="Evaluate the N best trials, one line each; or all."
    ),
]
Again = Annotated[
    bool, typer.Option("--again", help="Measure again and compare with the recorded test numbers, which are kept.")
]
WithLatency = Annotated[bool, typer.Option("--latency/--no-latency", help="Measure how fast the model predicts.")]
LatencyOnly = Annotated[bool, typer.Option("--latency-only", help="Measure the latency only, without the test images.")]


@supervisable
def evaluate(
    job: JobName,
    trial: TrialOption = None,
    top: Top = None,
    again: Again = False,
    latency: WithLatency = True,
    latency_only: LatencyOnly = False,
    format_: FormatOption = None,
    output: TableFile = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    store: StoreOption = DEFAULT_STORE,
    data_dir: DataOption = None,
) -> None:
    """Evaluate the best trial, or a given one, on the test images: once, later calls print the recorded result.

    In a job with repeats or folds, all trials of the best point are evaluated, each listed with its seed and fold, and
    their mean is printed with its spread; the results per class and the confusion matrix then cover all of them, and
    the latency is that of the first. The kept weights are used; if a trial has none, it is trained again. Prints
    accuracy, loss, the job's metrics, results per class, the confusion matrix (rows are true classes), and how long the
    model takes for 1,000 images, one by one and in batches. Of a job without classes (regression, several labels) it
    prints the loss and the metrics of its task. With more than 50 classes, only the worst classes and the most frequent
    confusions are printed.
    """
    if trial and top:
        raise GridsearchError("--trial evaluates one trial, --top several: use only one of them")
    if latency_only and not latency:
        raise GridsearchError("--latency-only and --no-latency together leave nothing to measure: use only one of them")
    checked_device(device)
    kind = tables.format_of(format_, output)
    if output is not None:
        require_file(str(output), output)
    from gridsearch.store.opening import open_store, refuse_unsound

    jobs.require_store(store, job)
    with open_store(store, create=False) as opened:
        refuse_unsound(opened, store)
        name = jobs.stored_name(opened, job)
        chosen = jobs.chosen_points(opened, name, trial, top or 1)
        require_own_process(models_behind(opened, [one for ids, _ in chosen for one in ids]))
        # torch: a mistake shows without it.
        import torch

        from gridsearch.engine.executors.descriptors import stdout_to_stderr
        from gridsearch.engine.trained.evaluation import Wanted
        from gridsearch.engine.trained.evaluation import evaluate as find_out
        from gridsearch.engine.trained.load import ModelSource

        torch.set_num_threads(threads)
        source = ModelSource(opened, store, paths.data_dir(data_dir), device, note=say)
        wanted = Wanted(test=not latency_only, latency=latency, again=again)
        # All trials of a point have the same layers, so one of them is timed.
        others = replace(wanted, latency=False)
        with stdout_to_stderr():  # what models print
            points = [
                EvaluatedPoint(
                    [find_out(source, name, one, others if place else wanted) for place, one in enumerate(ids)]
                    if wanted.test
                    else [find_out(source, name, ids[0], wanted)],
                    of,
                    point_names(opened.job(name)) if of > 1 else (),
                )
                for ids, of in chosen
            ]
        differing = _differing(opened.job(name), [point.found[0] for point in points], whole=kind is tables.Format.CSV)
    for point in points:
        _say_recorded(point.found)
    found = [point.found[0] for point in points]
    with into(output):
        if any(point.of > 1 for point in points) and wanted.test:
            _print_points(name, points, differing, kind, several=top is not None)
        elif top:
            _print_several(found, differing, kind)
        else:
            _print_one(name, found[0], kind)


def _say_recorded(found: Sequence[Found]) -> None:
    known = [one for one in found if not one.fresh]
    dates = [one.at for trial in known for one in (trial.evaluation, *trial.latencies) if one is not None]
    if dates:
        whose = f"trial {short_id(known[0].row.trial_id)}" if len(known) == 1 else f"{len(known)} trials"
        say(f"{whose}: as recorded {moment(max(dates))}; measure again with --again")


def _print_points(
    name: str,
    points: Sequence[EvaluatedPoint],
    differing: Mapping[str, Sequence[str]],
    format_: tables.Format,
    *,
    several: bool,
) -> None:
    """Print points of several trials: of one all that is known, of several a line for each trial and each mean."""
    from gridsearch.analysis.evaluation import pooled, scores

    if format_ is tables.Format.JSON:
        every = [
            point_json(
                point, [_as_json(one, scores(one.evaluation) if one.evaluation else None) for one in point.found]
            )
            for point in points
        ]
        data(json.dumps(every if several else every[0], indent=2))
        return
    grids = [points_grid(points, differing, whole=format_ is tables.Format.CSV)]
    if not several:
        point = points[0]
        tested = [one.evaluation for one in point.found if one.evaluation]
        together = scores(pooled(tested))
        grids += _tables_of(name, together, format_, f"of {len(tested)} trials together" if len(tested) > 1 else "")
        grids += _speeds(point.found[0], format_)
        if format_ is tables.Format.TABLE:
            data("\n".join(point_head(point, columns(sys.stdout))))
    _print_grids(grids, format_, below=not several)


def _print_grids(grids: Sequence[tables.Grid], format_: tables.Format, *, below: bool) -> None:
    """Print tables with a line between them; `below` a head, where that is printed."""
    for number, grid in enumerate(grids):
        if number or (below and format_ is tables.Format.TABLE):
            data("")
        tables.write(as_written(grid, format_), format_)


def _print_one(name: str, found: Found, format_: tables.Format) -> None:
    from gridsearch.analysis.evaluation import scores

    result = scores(found.evaluation) if found.evaluation else None
    if format_ is tables.Format.JSON:
        data(json.dumps(_as_json(found, result), indent=2))
        return
    # On the terminal the head has them.
    grids = [_trials([found], {}, format_)] if format_ is not tables.Format.TABLE else []
    grids += _tables_of(name, result, format_) if result else []
    grids += _speeds(found, format_)
    if format_ is tables.Format.TABLE:
        data("\n".join(_head(found, result)))
    _print_grids(grids, format_, below=True)


def _differing(job: JobRow, found: Sequence[Found], *, whole: bool) -> dict[str, list[str]]:
    """Return the axes in which trials differ, each with their values, long numbers rounded unless `whole`."""
    from gridsearch.analysis.labels import label
    from gridsearch.analysis.rounding import rounded

    settings = [job.record.settings_of(one.row.config) for one in found]
    values = {axis.name: [known[axis.name] for known in settings if axis.name in known] for axis in job.record.axes}
    shown = {axis.name: rounded([*axis.values, *values[axis.name]]) for axis in job.record.axes}
    # Nothing where a trial's model does not have the setting.
    full = {name: [label(known[name]) if name in known else "" for known in settings] for name in values}
    texts = full if whole else {name: [shown[name].get(text, text) for text in own] for name, own in full.items()}
    return {name: own for name, own in texts.items() if len(set(own)) > 1}


def _print_several(found: Sequence[Found], differing: Mapping[str, Sequence[str]], format_: tables.Format) -> None:
    from gridsearch.analysis.evaluation import scores

    if format_ is tables.Format.JSON:
        each = [_as_json(one, scores(one.evaluation) if one.evaluation else None) for one in found]
        behind = map(behind_json, behind_first(found))
        data(json.dumps([one | {"behind_first": own} for one, own in zip(each, behind, strict=True)], indent=2))
        return
    grid = _trials(found, differing, format_, timed=True)
    if format_ is tables.Format.CSV:
        _print_grids([with_behind(grid, found)], format_, below=False)
        return
    compared = behind_grid(found, differing)
    _print_grids([grid, compared] if compared else [grid], format_, below=False)


def _head(found: Found, result: Scores | None) -> list[str]:
    row = found.row
    said: list[tuple[str, str]] = []
    if result:
        said.append(("weights", f"of epoch {result.epoch} of {row.epochs}"))
        said += [] if found.has_classes else [("test examples", f"{result.images:,}")]
        said += [(in_words(name), _test_text(found, name, result)) for name in tested_measures([found])]
    told = [(name, number_text(measured(found, name))) for name in validation_measures([found])]
    said.append(("validation", of_validation(told)))
    width = columns(sys.stdout)
    room = width and width - head_room(name for name, _ in said)
    return head_lines([("trial", id_within(row.trial_id, room)), *said])


def _test_text(found: Found, name: str, result: Scores) -> str:
    value = measured(found, name)
    if value is None:
        return "not finite"
    if name != "test_accuracy":
        return number_text(value)
    low, high = result.interval or (0.0, 1.0)
    return f"{value:.4f} of {result.images:,} images (95 % interval {low:.4f} to {high:.4f})"


def _tables_of(name: str, result: Scores, format_: tables.Format, whose: str = "") -> list[tables.Grid]:
    """Return the classes and the confusion matrix; of many classes the worst and the most frequent confusions.

    CSV has all of both. `whose` says of what they are, where that is not one trial.
    """
    from gridsearch.analysis.evaluation import WORST

    if result.accuracy is None:
        return []
    if not result.many:
        return [_classes(result, result.classes, whose), _confusion(result, format_)]
    most = None if format_ is tables.Format.CSV else WORST
    count = f"of {len(result.class_names):,} classes"
    everything = f"gridsearch evaluate {quoted(name)} --format csv"
    return [
        _classes(
            result,
            result.worst[:most],
            "; ".join(text for text in (f"the {WORST} {count} with the lowest F1" if most else "", whose) if text),
        ),
        _mistakes(result, most, f"the {WORST} most frequent confusions {count}; see all: {everything}"),
    ]


def _classes(result: Scores, shown: Sequence[ClassScore], caption: str = "") -> tables.Grid:
    from gridsearch.analysis.evaluation import absent_text

    rows = [
        [one.name, number_text(one.precision), number_text(one.recall), number_text(one.f1), str(one.support)]
        for one in (*shown, result.mean)
    ]
    headings = ["class", "precision", "recall", "f1", "images"]
    said = "; ".join(text for text in (caption, absent_text(result)) if text)
    return tables.Grid(headings, [False, True, True, True, True], rows, caption=said, keys=1)


def _mistakes(result: Scores, most: int | None, caption: str) -> tables.Grid:
    rows = [[one.true, one.predicted, str(one.images), f"{one.share:.4f}"] for one in result.mistakes[:most]]
    headings = ["true", "predicted", "images", "share_of_true"]
    return tables.Grid(headings, [False, False, True, True], rows, caption=caption, keys=1)


def _confusion(result: Scores, format_: tables.Format) -> tables.Grid:
    rows = [
        [name, *(str(count) for count in counts)]
        for name, counts in zip(result.class_names, result.confusion, strict=True)
    ]
    # The columns are in the order of the rows, which have the names whole.
    heads = list(result.class_names)
    if format_ is tables.Format.TABLE and columns(sys.stdout):
        heads = [tables.shortened(name, _MOST_OF_A_NAME) for name in heads]
    return tables.Grid(["true \\ predicted", *heads], [False, *(True for _ in heads)], rows, keys=1)


#: The columns of how fast models answer.
_SPEED = ("batch", "images", "total_s", "ms/image", "images/s", "device")


def _speed_rows(found: Found) -> list[list[str]]:
    """Return how fast a model answers, a line for each device and size of batch."""
    from gridsearch.analysis.evaluation import speeds

    return [
        [
            str(speed.batch_size),
            str(speed.images),
            f"{speed.seconds:.4f}",
            f"{speed.ms_per_image:.4f}",
            f"{speed.images_per_second:,.0f}",
            speed.device,
        ]
        for speed in speeds(found.latencies)
    ]


def _speeds(found: Found, format_: tables.Format) -> list[tables.Grid]:
    """Return a table of how fast a model answers, where that was measured."""
    rows = _speed_rows(found)
    return [_with_device(tables.Grid(_SPEED, [True] * 5 + [False], rows), format_)] if rows else []


def _trials(
    found: Sequence[Found], differing: Mapping[str, Sequence[str]], format_: tables.Format, *, timed: bool = False
) -> tables.Grid:
    """Return a table of trials: who they are, what they do with images and, if `timed`, how fast they answer.

    `differing` are the settings in which they differ, with the value of each. Timed trials have a line for each device
    and size of batch. Ids are whole for programs. Columns that nobody has anything in are left out.
    """
    measures = (*validation_measures(found), *tested_measures(found))
    named = str if format_ is tables.Format.CSV else short_id
    rows = []
    for place, one in enumerate(found):
        about = [
            named(one.row.trial_id),
            *(texts[place] for texts in differing.values()),
            *(number_text(measured(one, measure)) for measure in measures),
        ]
        speeds = _speed_rows(one) if timed else []
        rows += [[*about, *line] for line in speeds or [[MISSING] * 5 + [""]]]
    headings = ["trial", *differing, *measures, *_SPEED]
    grid = tables.Grid(headings, [False, *[True] * (len(headings) - 2), False], rows, keys=1)
    return _with_device(without_empty(grid), format_)


def _with_device(grid: tables.Grid, format_: tables.Format) -> tables.Grid:
    """Return a table with its last column, the device, as its caption, where that is the same in every line.

    Only the terminal has captions.
    """
    devices = {row[-1] for row in grid.rows} - {""} if grid.headings[-1] == _SPEED[-1] else set()
    if len(devices) != 1 or format_ is not tables.Format.TABLE:
        return grid
    rows = [row[:-1] for row in grid.rows]
    return replace(
        grid, headings=grid.headings[:-1], numeric=grid.numeric[:-1], rows=rows, caption=f"on {devices.pop()}"
    )


def _as_json(found: Found, result: Scores | None) -> dict[str, Any]:
    from dataclasses import asdict

    from gridsearch.analysis.evaluation import speeds

    test = None
    if result and found.evaluation:
        # Not asdict of the whole, which would copy each of the millions of cells that thousands of classes have.
        test = {name: getattr(result, name) for name in ("epoch", "images", "accuracy", "loss", "class_names")}
        if result.accuracy is not None:
            few = {"confusion": result.confusion, "shares": result.shares}
            test |= {"cells": result.cells} if result.many else few
            test |= {"classes": [asdict(one) for one in result.classes], "mean": asdict(result.mean)}
            test |= {"absent": result.absent}
        test |= {"metrics": dict(result.metrics)} if result.metrics else {}
        test |= {"seconds": found.evaluation.seconds, "at": found.evaluation.at.isoformat()}
    return {
        "trial": found.row.trial_id,
        "config": json.loads(found.row.config),
        **{name: measured(found, name) for name in validation_measures([found])},
        "measured_now": found.fresh,
        "test": test,
        "latency": [
            {key: value for key, value in asdict(speed).items() if key != "trial"} for speed in speeds(found.latencies)
        ],
    }

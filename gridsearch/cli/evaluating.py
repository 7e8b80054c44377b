"""The command that looks at trained models with fresh eyes: evaluate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridsearch import paths
from gridsearch.cli import jobs, tables
from gridsearch.cli.options import DEFAULT_STORE, DataOption, FormatOption, JobName, StoreOption, TrialOption
from gridsearch.cli.resources import DeviceOption, ThreadsOption, checked_device
from gridsearch.cli.streams import data, say
from gridsearch.cli.supervising import models_behind, require_own_process, supervisable
from gridsearch.cli.wording import moment, short_id
from gridsearch.errors import GridsearchError

if TYPE_CHECKING:
    from gridsearch.analysis.evaluations import ClassScore, Scores
    from gridsearch.engine.evaluating import Found
    from gridsearch.store.rows import JobRow

Top = Annotated[int | None, typer.Option("-n", "--top", min=1, help="The best so many trials, one line each.")]
Again = Annotated[
    bool, typer.Option("--again", help="Measure again; test numbers are compared with the recorded ones, which stay.")
]
WithLatency = Annotated[bool, typer.Option("--latency/--no-latency", help="How fast the model answers.")]
LatencyOnly = Annotated[bool, typer.Option("--latency-only", help="Leave the test images alone.")]


@supervisable
def evaluate(
    job: JobName,
    trial: TrialOption = None,
    top: Top = None,
    again: Again = False,
    latency: WithLatency = True,
    latency_only: LatencyOnly = False,
    format_: FormatOption = tables.Format.TABLE,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    store: StoreOption = DEFAULT_STORE,
    data_dir: DataOption = None,
) -> None:
    """Try the best trial, or the one named, on the test images: once, then what is recorded is printed.

    Its weights are the kept ones, else it is trained again. Prints accuracy, loss, each class, the confusion matrix
    (rows are true classes), and how long the model takes for 1,000 images one by one and in batches. Of more than 50
    classes it prints the worst, and the most frequent confusions.
    """
    if trial and top:
        raise GridsearchError("--trial names one trial, --top several: leave out one of the two")
    if latency_only and not latency:
        raise GridsearchError("--latency-only and --no-latency leave nothing to do: leave out one of the two")
    checked_device(device)
    from gridsearch.store.opening import open_store, refuse_unsound

    with open_store(store, create=False) as opened:
        refuse_unsound(opened, store)
        name = jobs.stored_name(opened, job)
        chosen = jobs.chosen_trials(opened, name, trial, top or 1)
        require_own_process(models_behind(opened, chosen))
        # torch: a mistake shows without it.
        import torch

        from gridsearch.engine.descriptors import stdout_to_stderr
        from gridsearch.engine.evaluating import Wanted
        from gridsearch.engine.evaluating import evaluate as find_out
        from gridsearch.engine.trained import ModelSource

        torch.set_num_threads(threads)
        source = ModelSource(opened, store, paths.data_dir(data_dir), device, note=say)
        wanted = Wanted(test=not latency_only, latency=latency, again=again)
        with stdout_to_stderr():  # what models print
            found = [find_out(source, name, one, wanted) for one in chosen]
        differing = _differing(opened.job(name), found, whole=format_ is tables.Format.CSV)
    for one in found:
        if not one.fresh:
            _say_recorded(one)
    if top:
        _print_several(found, differing, format_)
    else:
        _print_one(found[0], format_)


def _say_recorded(found: Found) -> None:
    dates = [one.at for one in (found.evaluation, *found.latencies) if one is not None]
    say(f"trial {short_id(found.row.trial_id)}: as recorded {moment(max(dates))}; --again measures again")


def _print_one(found: Found, format_: tables.Format) -> None:
    from gridsearch.analysis.evaluations import scores

    result = scores(found.evaluation) if found.evaluation else None
    if format_ is tables.Format.JSON:
        data(json.dumps(_as_json(found, result), indent=2))
        return
    grids = _tables_of(result, format_) if result else []
    grids += [_speeds([found])] if found.latencies else []
    if format_ is tables.Format.TABLE:
        data("\n".join(_head(found, result)))
    for number, grid in enumerate(grids):
        if number or format_ is tables.Format.TABLE:
            data("")
        tables.write(grid, format_)


def _differing(job: JobRow, found: Sequence[Found], *, whole: bool) -> dict[str, list[str]]:
    """Return the axes in which trials differ, each with their values, long numbers rounded unless `whole`."""
    from gridsearch.analysis.labels import label
    from gridsearch.analysis.question import axes, defaults
    from gridsearch.analysis.rounding import rounded
    from gridsearch.spec.identity import flatten

    settings = [defaults(job) | flatten(one.row.config) for one in found]
    values = {axis.name: [known.get(axis.name) for known in settings] for axis in axes(job)}
    shown = {axis.name: rounded([*axis.values, *values[axis.name]]) for axis in axes(job)}
    full = {name: [label(value) for value in own] for name, own in values.items()}
    texts = full if whole else {name: [shown[name][text] for text in own] for name, own in full.items()}
    return {name: own for name, own in texts.items() if len(set(own)) > 1}


def _print_several(found: Sequence[Found], differing: Mapping[str, Sequence[str]], format_: tables.Format) -> None:
    from gridsearch.analysis.evaluations import scores

    if format_ is tables.Format.JSON:
        data(json.dumps([_as_json(one, scores(one.evaluation) if one.evaluation else None) for one in found], indent=2))
    else:
        tables.write(_speeds(found, differing), format_)


def _head(found: Found, result: Scores | None) -> list[str]:
    row = found.row
    lines = [f"trial          {row.trial_id}"]
    if result:
        loss = "not finite" if result.loss is None else f"{result.loss:.4f}"
        lines += [
            f"weights        of epoch {result.epoch} of {row.epochs}",
            f"test accuracy  {result.accuracy:.4f} of {result.images:,} images",
            f"test loss      {loss}",
        ]
    return [*lines, f"validation     accuracy {_number(found.val_accuracy)}"]


def _tables_of(result: Scores, format_: tables.Format) -> list[tables.Grid]:
    """Return the classes and the confusion matrix; of many classes the worst and the most frequent confusions.

    CSV has all of both.
    """
    from gridsearch.analysis.evaluations import WORST

    if not result.many:
        return [_classes(result, result.classes), _confusion(result)]
    most = None if format_ is tables.Format.CSV else WORST
    count = f"of {len(result.class_names):,} classes"
    return [
        _classes(result, result.worst[:most], f"the {WORST} {count} with the lowest F1" if most else ""),
        _mistakes(result, most, f"the {WORST} most frequent confusions {count}; --format csv and json have all"),
    ]


def _classes(result: Scores, shown: Sequence[ClassScore], caption: str = "") -> tables.Grid:
    from gridsearch.analysis.evaluations import absent_text

    rows = [
        [one.name, _number(one.precision), _number(one.recall), _number(one.f1), str(one.support)]
        for one in (*shown, result.mean)
    ]
    headings = ["class", "precision", "recall", "f1", "images"]
    said = "; ".join(text for text in (caption, absent_text(result)) if text)
    return tables.Grid(headings, [False, True, True, True, True], rows, caption=said, keys=1)


def _mistakes(result: Scores, most: int | None, caption: str) -> tables.Grid:
    rows = [[one.true, one.predicted, str(one.images), f"{one.share:.4f}"] for one in result.mistakes[:most]]
    headings = ["true", "predicted", "images", "share_of_true"]
    return tables.Grid(headings, [False, False, True, True], rows, caption=caption, keys=1)


def _confusion(result: Scores) -> tables.Grid:
    rows = [
        [name, *(str(count) for count in counts)]
        for name, counts in zip(result.class_names, result.confusion, strict=True)
    ]
    headings = ["true \\ predicted", *result.class_names]
    return tables.Grid(headings, [False, *(True for _ in result.class_names)], rows, keys=1)


def _speeds(found: Sequence[Found], differing: Mapping[str, Sequence[str]] | None = None) -> tables.Grid:
    """Return a table of how fast models answer.

    With `differing`, the values of the axes in which they differ, it is also a table of who they are and what they do
    with test images.

    Of several devices each has its lines, and a trial that was not timed has one.
    """
    from gridsearch.analysis.evaluations import speeds

    rows: list[list[str]] = []
    for place, one in enumerate(found):
        test = f"{one.evaluation.accuracy:.4f}" if one.evaluation else "-"
        about = []
        if differing is not None:
            values = [texts[place] for texts in differing.values()]
            about = [short_id(one.row.trial_id), *values, _number(one.val_accuracy), test]
        timed = [
            [
                str(speed.batch_size),
                str(speed.images),
                f"{speed.seconds:.4f}",
                f"{speed.ms_per_image:.4f}",
                f"{speed.images_per_second:,.0f}",
                speed.device,
            ]
            for speed in speeds(one.latencies)
        ]
        rows += [[*about, *line] for line in timed or [["-"] * 6]]
    devices = {row[-1] for row in rows} - {"-"}
    headings = ["batch", "images", "total_s", "ms/image", "images/s", "device"]
    numeric = [True, True, True, True, True, False]
    if differing is not None:
        headings = ["trial", *differing, "val_accuracy", "test_accuracy", *headings]
        numeric = [False, *(True for _ in differing), True, True, *numeric]
    caption = ""
    if len(devices) == 1:  # the same in every line
        headings, numeric, rows = headings[:-1], numeric[:-1], [row[:-1] for row in rows]
        caption = f"on {devices.pop()}"
    return tables.Grid(headings, numeric, rows, caption=caption, keys=0 if differing is None else 1)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _as_json(found: Found, result: Scores | None) -> dict[str, Any]:
    from dataclasses import asdict

    from gridsearch.analysis.evaluations import speeds

    test = None
    if result and found.evaluation:
        # Not asdict of the whole, which would copy each of the millions of cells that thousands of classes have.
        test = {name: getattr(result, name) for name in ("epoch", "images", "accuracy", "loss", "class_names")}
        matrix = {"cells": result.cells} if result.many else {"confusion": result.confusion, "shares": result.shares}
        test |= matrix | {"classes": [asdict(one) for one in result.classes], "mean": asdict(result.mean)}
        test |= {"absent": result.absent, "seconds": found.evaluation.seconds, "at": found.evaluation.at.isoformat()}
    return {
        "trial": found.row.trial_id,
        "config": json.loads(found.row.config),
        "val_accuracy": found.val_accuracy,
        "measured_now": found.fresh,
        "test": test,
        "latency": [
            {key: value for key, value in asdict(speed).items() if key != "trial"} for speed in speeds(found.latencies)
        ],
    }

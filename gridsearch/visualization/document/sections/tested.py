"""What the trials that were evaluated do on the test images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gridsearch.analysis.evaluated_points import EvaluatedPoint, evaluated_points, told_of_each
from gridsearch.analysis.evaluated_trials import EvaluatedTrial
from gridsearch.analysis.evaluation import WORST, Scores, absent_text
from gridsearch.analysis.labels import score_text
from gridsearch.quantities import counted
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.grid import Grid
from gridsearch.visualization.document.parts import Block, Part, Section, Strong, Table
from gridsearch.visualization.document.phrases import listed, paragraph, sentence, settings_text, words

#: So many classes are named in a sentence.
_MOST_NAMED = 6


def tested(found: Findings) -> Section | None:
    """Return the section; None where no trial was evaluated."""
    points = evaluated_points(found.data, found.order)
    if not points:
        return None
    best = points[0]
    return Section(
        "On the test images",
        (
            *paragraph(*(_mean(best) if best.of > 1 else [_best(best.first)]), *_reading(best.together)),
            *_measured(best),
            *_confusion(found, best),
            *_all(found, points),
            *_speeds([one for point in points for one in point.trials]),
        ),
    )


def _best(best: EvaluatedTrial) -> list[Part]:
    """Return the sentence on a single trial."""
    scores = best.scores
    settings = settings_text(best.settings)
    place = f"rank {best.rank:,} in the ranking{f' ({settings})' if settings else ''}"
    which = f"Trial {best.trial[:8]}, {place}, after epoch {scores.epoch:,}, "
    if scores.accuracy is None or scores.interval is None:
        loss = score_text(scores.loss) or "that is not finite"
        return [f"{which}has a loss of ", Strong(loss), f" over {counted(scores.images, 'test example')}."]
    more = "".join(f", {_name(name)} {score_text(value) or 'not finite'}" for name, value in scores.metrics.items())
    low, high = scores.interval
    loss = "" if scores.loss is None else f", loss {scores.loss:.4f}"
    return [
        f"{which}is right on ",
        Strong(f"{100 * scores.accuracy:.2f} %"),
        f" of {counted(scores.images, 'test image')}"
        f" (95 % interval {100 * low:.2f} to {100 * high:.2f} %){loss}{more}.",
    ]


def _mean(best: EvaluatedPoint) -> Iterator[str | list[Part]]:
    """Yield the sentences on a point that is trained several times."""
    scores, tried = best.first.scores, len(best.trials)
    settings = settings_text(best.settings)
    unit = "test example" if scores.accuracy is None else "test image"
    images = counted(scores.images, unit)
    which = "each" if tried == best.of else f"of which {tried:,} {'was' if tried == 1 else 'were each'}"
    place = f"The point of rank {best.rank:,} in the ranking{f' ({settings})' if settings else ''}"
    yield f"{place} has {best.of:,} trainings, {which} tried on {images}."
    measure, *others = best.measures if scores.accuracy is not None else ("test_loss",)
    more = "".join(f", {_name(name)} {best.mean_text(name) or 'not finite'}" for name in others)
    value = best.mean_text(measure) or "not finite"
    spread = ": the mean over these trainings ± their standard deviation" if tried > 1 else ""
    yield [f"The test {_name(measure)} is ", Strong(value), f"{more}{spread}."]
    if tried > 1 and scores.accuracy is not None:
        yield (
            f"Classes and confusions are counted over the {tried:,} trainings together, so that each image counts"
            f" {tried:,} times."
        )


def _name(measure: str) -> str:
    return words(measure.removeprefix("test_"))


def _reading(scores: Scores) -> Iterator[str]:
    worst, mistakes = scores.worst, scores.mistakes
    if len(worst) > 1 and (low := worst[0].f1 or 0.0) < (high := worst[-1].f1 or 0.0):
        lowest, highest = ([one.name for one in scores.classes if one.f1 == f1] for f1 in (low, high))
        verb = "is" if len(lowest) == 1 else "are"
        yield (
            f"Of the classes, {_named(lowest)} {verb} recognised worst (F1 {low:.3f}), {_named(highest)} best"
            f" ({high:.3f})."
        )
    if mistakes:
        first, images = mistakes[0], counted(mistakes[0].images, "image")
        alike = sum(one.images == first.images for one in mistakes)
        taken = f"{first.true} taken for {first.predicted}"
        if alike == 1:
            yield f"The most frequent confusion is {taken}: {images}, {100 * first.share:.1f} % of that class."
        else:
            yield f"The most frequent confusions, {alike:,} of them, are of {images} each, {taken} among them."
    elif scores.accuracy is not None:
        yield "No image was taken for one of another class."
    if note := absent_text(scores):
        yield sentence(note)


def _named(classes: Sequence[str]) -> str:
    """Return classes that are recognised alike, as many as can be read."""
    return listed(classes) if len(classes) <= _MOST_NAMED else f"{len(classes):,} of them"


def _measured(best: EvaluatedPoint) -> Iterator[Table]:
    """Yield what was measured where there are no classes: many metrics are a table rather than a sentence."""
    if best.first.scores.accuracy is not None:
        return
    several = best.of > 1
    rows = [
        [_name(one), best.mean_text(one) if several else score_text(best.first.scores.measured(one))]
        for one in best.measures
    ]
    caption = "What was measured on the test images"
    yield Table(
        Grid(["measure", "mean" if several else "value"], [False, True], rows),
        f"{caption}, each the mean over the trainings ± their standard deviation" if several else caption,
    )


def _confusion(found: Findings, best: EvaluatedPoint) -> Iterator[Block]:
    scores, tried = best.together, len(best.trials)
    if scores.accuracy is None:
        return
    whose = f", {tried:,} trainings together" if tried > 1 else ""
    yield from found.figures(
        f"Confusion on the test images{whose}: each row is a true class, its cells the percentage predicted as each"
        " class",
        found.figure("confusion", "Confusion matrix on the test images"),
    )
    shown = scores.worst[:WORST] if scores.many else scores.classes
    rows = [
        [one.name, f"{one.support:,}", *map(_share, (one.precision, one.recall, one.f1))]
        for one in [*shown, scores.mean]
    ]
    which = f"The {len(shown)} classes with the lowest F1 of {len(scores.classes):,}" if scores.many else "The classes"
    yield Table(
        Grid(["class", "images", "precision", "recall", "F1"], [False, *[True] * 4], rows),
        f"{which}, and the mean over all{whose}"
        if scores.many
        else f"{which} on the test images{whose}, and their mean",
    )
    if scores.many:
        mistakes = scores.mistakes[:WORST]
        confused = [[one.true, one.predicted, f"{one.images:,}", f"{100 * one.share:.1f} %"] for one in mistakes]
        if confused:
            yield Table(
                Grid(["true class", "predicted as", "images", "share"], [False, False, True, True], confused),
                f"The most frequent confusions{whose}, each with its share of the true class",
            )


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _all(found: Findings, points: Sequence[EvaluatedPoint]) -> Iterator[Table]:
    """Yield all that were tried, a line each: points, where they are trained several times, then their trainings."""
    tries = [one for point in points for one in point.trials]
    several = points[0].of > 1
    axes = [name for name, _ in points[0].settings] if len(points) > 1 else []
    repeats = [name for name, _ in tries[0].repeat]
    measures = told_of_each(found.data, points)
    named = [f"test {_name(one)}" for one in measures]
    if several and len(points) > 1:
        yield Table(
            Grid(
                ["rank", *map(words, axes), found.score, *named],
                [True, *[False] * len(axes), True, *[True] * len(named)],
                [
                    [f"{one.rank:,}", *(text for _, text in one.settings), one.score, *map(one.mean_text, measures)]
                    for one in points
                ],
            ),
            "All points that were tried on the test images, in the order of the ranking: means over their trainings",
        )
    if len(tries) < 2:
        return
    rows = [
        [
            f"{one.rank:,}",
            one.trial[:8],
            *(text for _, text in one.settings if axes),
            *(text for _, text in one.repeat),
            score_text(one.score),
            *(score_text(one.scores.measured(measure)) for measure in measures),
        ]
        for one in tries
    ]
    headings = ["rank", "trial", *map(words, [*axes, *repeats]), found.score, *named]
    numeric = [True, False, *[False] * (len(axes) + len(repeats)), True, *[True] * len(named)]
    which = "trainings" if several else "trials"
    yield Table(
        Grid(headings, numeric, rows), f"All {which} that were tried on the test images, in the order of the ranking"
    )


def _speeds(tries: Sequence[EvaluatedTrial]) -> Iterator[Table]:
    rows = [
        [
            one.trial[:8],
            f"{speed.batch_size:,}",
            f"{speed.images:,}",
            f"{speed.seconds:.4f}",
            f"{speed.ms_per_image:.4f}",
            f"{speed.images_per_second:,.0f}",
            speed.device,
        ]
        for one in tries
        for speed in one.speeds
    ]
    if rows:
        headings = ["trial", "batch", "images", "total (s)", "ms per image", "images per s", "device"]
        yield Table(Grid(headings, [False, *[True] * 5, False], rows), "How fast predictions are")

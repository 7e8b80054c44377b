"""What the trials that were evaluated do on the test images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gridsearch.analysis.evaluated_trials import EvaluatedTrial, evaluated_trials
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
    tries = evaluated_trials(found.data, found.order)
    if not tries:
        return None
    return Section(
        "On the test images",
        (
            *paragraph(_best(tries[0]), *_reading(tries[0].scores)),
            *_confusion(found, tries[0].scores),
            *_all(found, tries),
            *_speeds(tries),
        ),
    )


def _best(best: EvaluatedTrial) -> list[Part]:
    scores = best.scores
    more = "".join(
        f", {words(name.removeprefix('test_'))} {score_text(value) or 'not finite'}"
        for name, value in scores.metrics.items()
    )
    settings = settings_text(best.settings)
    place = f"rank {best.rank:,} in the ranking{f' ({settings})' if settings else ''}"
    which = f"Trial {best.trial[:8]}, {place}, after epoch {scores.epoch:,}, "
    if scores.accuracy is None or scores.interval is None:
        loss = score_text(scores.loss) or "that is not finite"
        return [f"{which}has a loss of ", Strong(loss), f" over {counted(scores.images, 'test example')}{more}."]
    low, high = scores.interval
    loss = "" if scores.loss is None else f", loss {scores.loss:.4f}"
    return [
        f"{which}is right on ",
        Strong(f"{100 * scores.accuracy:.2f} %"),
        f" of {counted(scores.images, 'test image')}"
        f" (95 % interval {100 * low:.2f} to {100 * high:.2f} %){loss}{more}.",
    ]


def _reading(scores: Scores) -> Iterator[str]:
    worst, mistakes = scores.worst, scores.mistakes
    if len(worst) > 1 and (low := worst[0].f1 or 0.0) < (high := worst[-1].f1 or 0.0):
        lowest, highest = ([one.name for one in worst if one.f1 == f1] for f1 in (low, high))
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


def _confusion(found: Findings, scores: Scores) -> Iterator[Block]:
    if scores.accuracy is None:
        return
    yield from found.figures(
        "Confusion on the test images: each row is a true class, its cells the percentage predicted as each class",
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
        f"{which}, and the mean over all" if scores.many else f"{which} on the test images, and their mean",
    )
    if scores.many:
        mistakes = scores.mistakes[:WORST]
        confused = [[one.true, one.predicted, f"{one.images:,}", f"{100 * one.share:.1f} %"] for one in mistakes]
        if confused:
            yield Table(
                Grid(["true class", "predicted as", "images", "share"], [False, False, True, True], confused),
                "The most frequent confusions, each with its share of the true class",
            )


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _all(found: Findings, tries: Sequence[EvaluatedTrial]) -> Iterator[Table]:
    if len(tries) < 2:
        return
    axes = [name for name, _ in tries[0].settings]
    classes = tries[0].scores.accuracy is not None
    rows = [
        [
            f"{one.rank:,}",
            one.trial[:8],
            *(text for _, text in one.settings),
            score_text(one.score),
            *([score_text(one.scores.accuracy)] if classes else []),
            score_text(one.scores.loss),
        ]
        for one in tries
    ]
    headings = ["rank", "trial", *map(words, axes), found.score, *(["test accuracy"] if classes else []), "test loss"]
    numeric = [True, False, *[False] * len(axes), True, *([True] if classes else []), True]
    caption = "All trials that were tried on the test images, in the order of the ranking"
    yield Table(Grid(headings, numeric, rows), caption)


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

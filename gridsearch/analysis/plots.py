"""Which plots of curves a job has: its metrics, validation and training together, the most telling first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from gridsearch.analysis.curve import Curve
from gridsearch.analysis.filtering import TableError
from gridsearch.config.losses import CROSS_ENTROPY
from gridsearch.config.metrics import METRICS, better_direction, is_loss, is_share, metric_words, of_training
from gridsearch.config.record import JobRecord
from gridsearch.errors import nearest

_VALIDATION, _TRAINING = ("val_", "valid_", "validation_", "eval_"), "train_"
#: Values that are so many times apart are read on a logarithmic scale.
WIDE = 1000.0


@dataclass(frozen=True, slots=True)
class Plot:
    """A metric over the epochs, and what was measured of it in training.

    Attributes:
        metric: The metric.
        counterpart: The same of the training; empty where it was not recorded.
        title: The title of its axis.
        loss: Whether it is a loss.
        share: Whether it is a share by its name, and its values are.
        log: Whether it can be read on a logarithmic scale: all values are positive, and it is a loss or they are far
            apart.
        better: Whether its highest or its lowest value is the best; None where nobody knows.
    """

    metric: str
    counterpart: str
    title: str
    loss: bool
    share: bool
    log: bool
    better: Literal["max", "min"] | None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return what it shows."""
        return (self.metric, self.counterpart) if self.counterpart else (self.metric,)

    @property
    def of_training(self) -> bool:
        """Whether it shows what was measured in training alone."""
        return of_training(self.metric)

    @property
    def words(self) -> str:
        """Return what a person calls it: `loss`, where it shows that of training and validation."""
        return _quantity(self.metric) if self.counterpart else metric_words(self.metric)

    @property
    def line(self) -> str:
        """Return what its own line is called beside that of the training."""
        if self.of_training:
            return "training"
        return "validation" if self.counterpart or self.metric != _base(self.metric) else metric_words(self.metric)

    @property
    def best_words(self) -> str:
        """Return what its best value is called: `lowest validation loss`; nothing where none is the best."""
        if self.better is None:
            return ""
        return f"{'lowest' if self.better == 'min' else 'highest'} {metric_words(self.metric)}"

    def best_epoch(self, curve: Curve) -> int | None:
        """Return the first epoch of its best value; None where there is none."""
        if self.better is None:
            return None
        sign = 1 if self.better == "min" else -1
        return min(((sign * value, epoch) for epoch, value in curve.known(self.metric)), default=(0.0, None))[1]


def plots_of(record: JobRecord, curves: Iterable[Curve]) -> tuple[Plot, ...]:
    """Return the plots that these curves of a job fill.

    The loss comes first, then the objective, then the others in the order of tables. A metric that has one value in
    each trial, such as what a training returned at its end, is no curve.
    """
    found = list(curves)
    recorded = dict.fromkeys(name for curve in found for name in curve.values)
    drawn = [name for name in recorded if any(_is_curve(curve, name) for curve in found)]
    paired = {name: _counterpart(name, drawn) for name in drawn}
    leading = [name for name in drawn if name not in paired.values()]
    objective = record.objective.metric
    losses = [name for name in leading if is_loss(name)]
    first = next((name for name in ("val_loss", *losses) if name in leading), "")
    # Sorting is stable: the others keep their order.
    chosen = sorted(leading, key=lambda name: (name != first, objective not in (name, paired[name])))
    return tuple(_plot(record, name, paired[name], found) for name in chosen)


def is_cross_entropy(record: JobRecord) -> bool:
    """Whether the loss that all trials of a job minimise is our own cross-entropy."""
    return not record.training and record.values("loss") in ((), (CROSS_ENTROPY,))


def plot_named(plots: Sequence[Plot], metric: str | None) -> Plot | None:
    """Return the plot that shows a metric, by default the first; None where there are no plots.

    Raises:
        TableError: None shows it.
    """
    if metric is None:
        return next(iter(plots), None)
    for plot in plots:
        if metric in plot.metrics:
            return plot
    names = [name for plot in plots for name in plot.metrics]
    raise TableError(f"unknown metric {metric!r}{nearest(metric, names) if names else ': the job has no curves'}")


def spans_widely(values: Sequence[float], better: Literal["max", "min"] | None) -> bool:
    """Whether numbers are positive and too far apart for a linear scale; shares of what is right never are."""
    if not values or min(values) <= 0 or max(values) < WIDE * min(values):
        return False
    return not (better == "max" and are_shares(values))


def are_shares(values: Sequence[float]) -> bool:
    """Whether numbers are shares: none is below 0 or above 1."""
    return all(0 <= value <= 1 for value in values)


def trained_values(curves: Iterable[Curve], *names: str) -> list[float]:
    """Return the values of these metrics from epoch 1 on; where there are none, those of epoch 0.

    A model is as bad as chance before its first step: with that in view, what it learns afterwards is a flat line.
    """
    found = [pair for curve in curves for name in names for pair in curve.known(name)]
    return [value for epoch, value in found if epoch >= 1] or [value for _, value in found]


def _is_curve(curve: Curve, name: str) -> bool:
    """Whether there is a line to draw: two values, or one and the divergence after it."""
    known = curve.known(name)
    return len(known) > 1 or bool(known and curve.diverged_epoch is not None and curve.diverged_epoch > known[0][0])


def _base(name: str) -> str:
    return next((name.removeprefix(one) for one in _VALIDATION if name.startswith(one)), name)


def _quantity(name: str) -> str:
    return _base(name).removeprefix(_TRAINING).replace("_", " ")


def _counterpart(name: str, names: Sequence[str]) -> str:
    """Return the training's counterpart of a metric of validation, as far as it was recorded."""
    twin = f"{_TRAINING}{_base(name)}"
    # Of `val_loss` and `eval_loss` the first has it.
    rivals = [one for one in names if one != twin and _base(one) == _base(name)]
    return twin if twin in names and name in rivals[:1] and name != _base(name) else ""


def _plot(record: JobRecord, name: str, counterpart: str, curves: Sequence[Curve]) -> Plot:
    values = trained_values(curves, *filter(None, (name, counterpart)))
    loss, words = is_loss(name), _quantity(name) if counterpart or name in METRICS else metric_words(name)
    better = record.objective.direction if name == record.objective.metric else better_direction(name)
    in_nats = loss and name in METRICS and is_cross_entropy(record)
    # A loss of 0 is drawn at the edge of a logarithmic scale.
    positive = min(values, default=0.0) >= 0 and max(values, default=0.0) > 0
    return Plot(
        metric=name,
        counterpart=counterpart,
        title=f"{words} (nats)" if in_nats else words,
        loss=loss,
        share=is_share(name) and are_shares(values),
        log=positive if loss else spans_widely(values, better),
        better=better,
    )

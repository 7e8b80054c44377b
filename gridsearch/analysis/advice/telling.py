"""Advice where the numbers tell less than they seem to: ties, few images, one draw, tests looked at twice."""

from __future__ import annotations

from collections.abc import Iterator

from gridsearch.analysis.advice.look import Look, setting
from gridsearch.analysis.advice.piece import NOTHING, Advice
from gridsearch.analysis.effects import NO_EFFECT
from gridsearch.analysis.factors import SEEDS
from gridsearch.analysis.labels import brief_text, label
from gridsearch.analysis.ties import AS_GOOD, COSTS, Tied, Ties
from gridsearch.analysis.widening import Effort
from gridsearch.config.identity import point_of
from gridsearch.config.trial import REPEATED_SEEDS
from gridsearch.quantities import counted

#: So many repeats tell a spread.
_REPEATS = 5
#: More of the images than this would leave too few to train on.
_MOST_VALIDATION = 0.5
_FOLDS = 5
#: Of fewer trials shares of the variance tell nothing.
_FEWEST_TRIALS = 8
_WORDS = {"parameters": "parameters", "macs": "multiply-adds", "epochs": "epochs", "seconds": "seconds"}


def tie(look: Look) -> Iterator[Advice]:
    """Where the best cannot be told apart: the cheapest, and what would separate them."""
    found = look.ties
    if found is None or found.count < 2:
        return
    run, effort = _separating(look, found)
    yield Advice(
        "tie",
        f"{tied_text(found)}{_cheaper(found)}{_apart(look, found)}",
        _what_to_take(found, better=effort is not NOTHING),
        run,
        effort,
        found.best.chance,
    )


def tied_text(found: Ties) -> str:
    """Return how many cannot be told apart, and by what: `9 of 384 trials cannot be told apart at the top on ...`."""
    unit = "point" if found.repeats > 1 else "trial"
    by = {
        "images": f" on {found.on_images}",
        "repeats": f" with {found.repeats} trainings each",
        "equality": ": their scores are equal",
    }[found.judge]
    return f"{found.count:,} of {counted(found.of, unit)} cannot be told apart at the top{by}"


def _what_to_take(found: Ties, *, better: bool) -> str:
    take = "take the cheaper one"
    if found.take.rank == 1:
        cheaper = "take the first, as no cheaper one is as good"
        take = cheaper if found.cheapest else "the first is as good a choice as any"
    order = "nothing tells them apart" if found.equal else "their order may be chance"
    return f"{order}: {take}{', or measure them better' if better else ''}"


def _cheaper(found: Ties) -> str:
    take, best = found.take, found.best
    if take.rank == best.rank:
        return ""
    name = next(one for one in COSTS if take.cost(one) != best.cost(one))
    return (
        f"; the cheapest {AS_GOOD} is rank {take.rank:,} ({_settings(take)}), which has {brief_text(take.score)}:"
        f" {_amount(take, name)} {_WORDS[name]}, the best has {_amount(best, name)}"
    )


def _apart(look: Look, found: Ties) -> str:
    """Return how many repeats would separate the best from another that is tied with it, where that is known."""
    told = found.separation
    if found.judge != "repeats" or told is None:
        return ""
    gap = f"; rank {told.rank:,} lies {brief_text(told.difference)} behind the best"
    if told.repeats is None:
        more = ", which more repeats on the same folds cannot tell from chance" if look.data.job.record.folds else ""
        return f"{gap}{more}" if more else ""
    return f"{gap}, which {told.repeats:,} repeats would tell from chance in 4 of 5 cases"


def _settings(one: Tied) -> str:
    return ", ".join(f"{name} {text}" for name, text in one.settings if text)


def _amount(one: Tied, name: str) -> str:
    value = one.cost(name)
    return "?" if value is None else f"{value:,.3g}" if name == "seconds" else f"{value:,.0f}"


def _separating(look: Look, found: Ties) -> tuple[str, Effort]:
    """Return the command that would tell the tied apart: more repeats of these, where trainings can be repeated."""
    record = look.data.job.record
    if look.own or record.folds or not SEEDS.isdisjoint(record.axis_names):
        return look.command("top", "--top", str(min(found.count, 50)), "--bottom", "0"), NOTHING
    asked = (found.separation.repeats if found.separation else None) or 0
    repeats = max(_REPEATS, asked, record.repeats + 1)
    rules, selected = look.selection(found.trials)
    more = repeats / record.repeats - 1
    lineages = {row.lineage_id: row.epochs for row in sorted(selected, key=lambda row: row.epochs)}
    only = [word for rule in rules for word in ("--only", rule)]
    effort = Effort(round(more * len(selected)), look.seconds(round(more * sum(lineages.values()))))
    return look.launch(setting("repeats", repeats), only=only), effort


def few_images(look: Look) -> Iterator[Advice]:
    """Where the validation part is too small to tell the best from another that is tied with it."""
    found = look.ties
    if found is None or found.separation is None or found.images is None or look.own:
        return
    record, asked = look.data.job.record, found.separation.images
    if asked is None or asked <= found.images:
        return
    known = sum(record.images.get(part, 0) for part in ("train", "validation"))
    larger = asked <= _MOST_VALIDATION * known
    split = look.config.split.model_dump(exclude_defaults=True)
    split.pop("validation", None)
    written = ", ".join(f"{key}: {_yaml(value)}" for key, value in (split | {"folds": _FOLDS}).items())
    why = "the order of the best rests on a few images"
    seen = (
        f"{found.images:,} validation images are too few to tell {brief_text(found.separation.difference)} in"
        f" {found.heading} from chance; {asked:,} would, in 4 of 5 cases"
    )
    if asked > known:
        yield Advice("few-images", seen, f"{why}, and no split of {known:,} images changes that", "", None)
        return
    change = f"split.validation={asked}" if larger else f"split={{{written}}}"
    times = 1 if larger else _FOLDS
    epochs = look.data.cost.epochs if look.data.cost else 0
    yield Advice(
        "few-images",
        seen,
        why + ("" if larger else f"; with {_FOLDS} folds each image validates once"),
        look.launch(change),
        Effort(times * len(look.data.rows), look.seconds(times * epochs)),
    )


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def one_draw(look: Look) -> Iterator[Advice]:
    """Where every effect rests on one draw of the weights."""
    found, record = look.effects, look.data.job.record
    if found.seed is None or record.has_groups or found.n < 2:
        return
    epochs = look.data.cost.epochs if look.data.cost else 0
    yield Advice(
        "one-draw",
        f"all trials share seed {found.seed}",
        "models of equal width start from equal weights, so that every effect is that of one draw; repeats give it an"
        " interval",
        look.launch(setting("repeats", _REPEATS)),
        Effort((_REPEATS - 1) * len(look.data.rows), look.seconds((_REPEATS - 1) * epochs)),
    )


def no_effect(look: Look) -> Iterator[Advice]:
    """Where each value of an axis is as good as any other, over all and at the top."""
    found, tied = look.effects, look.ties
    if tied is None or found.n < _FEWEST_TRIALS or not found.pairs:
        return
    members = set(tied.trials)
    for axis in found.axes:
        share = (axis.share or 0.0) + sum(pair.share for pair in found.pairs if axis.name in pair.axes)
        if axis.ranges or axis.name in found.nested:
            continue
        if share < NO_EFFECT and all(value.best_trial in members for value in axis.values):
            yield Advice(
                "no-effect",
                f"{axis.name} explains {100 * share:.1f} % of the variance, pairs with others included, and each of its"
                " values reaches a score that is tied with the best",
                f"one of its {len(axis.values)} values is enough",
                look.launch(setting(axis.name, _value_of(look, axis.name, tied.take.trial)), name="plan"),
                NOTHING,
            )


def _value_of(look: Look, column: str, trial: str) -> object:
    """Return the value that a trial has on an axis, as the job has it."""
    axis = look.data.axes[look.data.axis_columns.index(column)]
    row = look.data.trials.iloc[look.data.place_of[trial]].to_dict()
    text = look.data.text(axis, row)
    return next((value for value in axis.values if label(value) == text), axis.values[0])


def reused_test(look: Look) -> Iterator[Advice]:
    """Where several settings were tried on the test images; repeats of one, by whatever seed, are no choice."""
    tried = {one.trial_id for one in look.data.evaluations}
    configs = [row.config for row in look.data.rows if row.trial_id in tried]
    settings = {point_of(config, REPEATED_SEEDS["both"]) for config in configs}
    if len(settings) < 2:
        return
    repeated = len(settings) < len(configs)
    unit = "points" if look.data.job.record.has_groups else "settings" if repeated else "trials"
    aside = ", not counting those that differ by seed alone" if unit == "settings" else ""
    yield Advice(
        "test-reused",
        f"{len(settings):,} {unit} were tried on the test images{aside}",
        "the best of several by the test is the luckiest too, so its test score is too high: choose by validation,"
        " and report the test of that one",
        look.command("evaluate"),
        NOTHING,
    )

"""Advice where trials are missing: nothing finished, nothing learned, failed, diverged, not trained yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gridsearch.analysis.advice.look import Look, setting
from gridsearch.analysis.advice.piece import NOTHING, Advice
from gridsearch.analysis.effects import chance_level
from gridsearch.analysis.shared_settings import shared_words
from gridsearch.analysis.widening import Effort
from gridsearch.config.events import OPEN_STATES, RESULT_STATES, TrialState
from gridsearch.quantities import counted
from gridsearch.store.rows import TrialRow

#: Values with so many times fewer trials than another are not alike.
_UNLIKE = 2


def no_result(look: Look) -> Iterator[Advice]:
    """Where no trial has a result, or a score, and none is being trained, there is nothing else to say."""
    rows = look.data.rows
    if not rows or look.data.is_trained:
        return
    results = [row for row in rows if row.state in RESULT_STATES]
    if results and not look.effects.of and any(row.state != TrialState.DIVERGED for row in results):
        yield Advice(
            "no-result",
            f"of {counted(len(results), 'trial')} with a result none has a {look.effects.heading} that is a finite"
            " number",
            "nothing can be ranked: see what the training measures",
            look.command("top"),
            None,
        )
    elif not results:
        run = "resume" if any(row.state in OPEN_STATES for row in rows) else "status"
        yield Advice("no-result", "no trial has a result yet", "there is nothing to tell", look.command(run), None)


def all_at_chance(look: Look) -> Iterator[Advice]:
    """Where no trial is better than guessing, no setting can be told from another."""
    level, found = chance_level(look.data), look.effects
    if level is None or not found.n or found.at_chance != found.n or look.own:
        return
    guess, limit = level
    yield Advice(
        "all-at-chance",
        f"no trial is better than guessing: none of {counted(found.n, 'trial')} has a {found.heading} above"
        f" {limit:.3f}, and naming one class always has {guess:.3f}",
        "nothing was learned; a learning rate that is too high or too low does this, and labels that do not fit the"
        " images",
        look.launch("learning_rate={logspace: [0.0001, 1], num: 5}"),
        None,
    )


def failed(look: Look) -> Iterator[Advice]:
    """Where trials failed: what they have in common."""
    if rows := look.rows(TrialState.FAILED):
        causes = {row.error for row in rows}
        cause = f", for {len(causes)} reasons" if len(causes) > 1 else f": {rows[0].error}"
        never = all("cannot be " in (row.error or "") for row in rows)
        they = "it is" if len(rows) == 1 else "they are"
        yield Advice(
            "failed",
            f"{counted(len(rows), 'trial')} failed{cause}{_in_common(look, rows)}",
            f"{they} missing from every mean and from the ranking"
            + ("; trying again gives the same: leave these settings out by a rule of the job" if never else ""),
            look.command("status") if never else look.command("resume", "--retry-failed"),
            NOTHING if never else Effort(len(rows), look.seconds(sum(row.epochs for row in rows))),
        )


def diverged(look: Look) -> Iterator[Advice]:
    """Where trials diverged: what they have in common; where all did, smaller learning rates."""
    rows = look.rows(TrialState.DIVERGED)
    if not rows:
        return
    rates = _smaller_rates(look, rows)
    if rates and len(rows) == sum(row.state in RESULT_STATES for row in look.data.rows):
        yield Advice(
            "diverged",
            f"every trial with a result diverged ({len(rows):,})",
            "nothing can be ranked; a smaller learning rate is what most often helps",
            look.launch(setting("learning_rate", rates)),
            None,
        )
        return
    yield Advice(
        "diverged",
        f"{counted(len(rows), 'trial')} diverged{_in_common(look, rows)}",
        "training is unstable there, and settings next to it may be close to that",
        look.command("top", "--state", "diverged"),
        NOTHING,
    )


def incomplete(look: Look) -> Iterator[Advice]:
    """Where trials are still to be trained, and no launch is at work on them."""
    left = [row for row in look.data.rows if row.state in OPEN_STATES]
    if left and not look.data.is_trained and look.effects.n:
        yield Advice(
            "incomplete",
            f"{counted(len(left), 'trial')} of {len(look.data.rows):,} {'has' if len(left) == 1 else 'have'} no result"
            " yet",
            "means and ranks are those of the others"
            + (", and effects are those of a fitted model" if look.effects.fitted is not None else ""),
            look.command("resume"),
            Effort(len(left), look.seconds(sum(row.epochs for row in left))),
        )


def unbalanced(look: Look) -> Iterator[Advice]:
    """Where one value of an axis has far fewer trials with a score than another, in a grid that was not drawn."""
    found = look.effects
    open_ones = any(row.state in OPEN_STATES for row in look.data.rows)
    if found.exact or found.nested or look.data.job.record.search or open_ones:
        return
    uneven = []
    for axis in found.axes:
        fewest, most = min(axis.values, key=lambda one: one.n), max(axis.values, key=lambda one: one.n)
        if not axis.ranges and _UNLIKE * fewest.n <= most.n:
            uneven.append((most.n / fewest.n, axis.name, fewest, most))
    if not uneven:
        return
    _, name, fewest, most = max(uneven, key=lambda one: one[0])
    yield Advice(
        "unbalanced",
        f"{name} {fewest.text} has {counted(fewest.n, 'trial')} with a score, {name} {most.text} has {most.n:,}",
        "their means are over unlike trials: compare the best that each reaches, or the shares of the model that allows"
        " for it",
        look.command("effects"),
        NOTHING,
    )


def _smaller_rates(look: Look, rows: Sequence[TrialRow]) -> tuple[float, ...]:
    """Return learning rates a thousandth, a hundredth and a tenth of the smallest of some trials; none without any."""
    if "learning_rate" not in look.data.trials:
        return ()
    known = look.data.trials["learning_rate"].iloc[[look.data.place_of[row.trial_id] for row in rows]]
    numbers = [float(one) for one in known.tolist() if isinstance(one, (int, float)) and one > 0]
    return tuple(float(f"{min(numbers) / factor:.1g}") for factor in (1000, 100, 10)) if numbers else ()


def _in_common(look: Look, rows: Sequence[TrialRow]) -> str:
    """Return the settings that trials share and no sound one has: `; all 12 have learning_rate 1`."""
    sound = (row for row in look.data.rows if row.state in RESULT_STATES and row.state != TrialState.DIVERGED)
    shared = shared_words(look.data.job, rows, sound)
    return f"; {'it has' if len(rows) == 1 else f'all {len(rows):,} have'} {shared}" if shared else ""

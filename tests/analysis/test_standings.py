from dataclasses import replace

from gridsearch.analysis.comparison import comparison
from gridsearch.analysis.curves import curves
from gridsearch.analysis.evaluated_trials import evaluated_trials
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.ranking import table
from gridsearch.analysis.standings import standings
from gridsearch.config.events import TrialState
from gridsearch.store.rows import EvaluationRow
from gridsearch.visualization.figures.curves import caption, outcome
from tests.analysis.grids import START, grid, job_data, make_epochs, make_job, make_trial

#: By neurons: the scores of three seeds. The best single trial is of the point with the lowest mean.
SCORES = {10: (0.60, 0.70, 0.62), 20: (0.64, 0.66, 0.68), 30: (0.1, 0.2, 0.9)}


def of_seeds(*, lost: int | None = None) -> JobData:
    rows = [
        make_trial({"neurons": n, "seed": seed}, state=TrialState.DIVERGED)
        if n == lost and seed == 1
        else make_trial({"neurons": n, "seed": seed}, score)
        for n, scores in SCORES.items()
        for seed, score in enumerate(scores)
    ]
    return job_data(make_job({"neurons": list(SCORES)}, repeats=3), rows, make_epochs(rows))


def test_the_best_curve_is_of_the_best_point_of_the_table() -> None:
    data = of_seeds()
    found = curves(data)
    assert [curve.settings for _, (curve,) in found.groups] == [(("neurons", str(n)),) for n in (20, 10, 30)]
    assert [curve.settings[0][1] for _, (curve,) in found.groups] == [row.cells[-1] for row in table(data).rows]
    assert (found.unit, found.total) == ("point", 3)


def test_a_panel_names_the_seed_of_the_trial_in_the_middle() -> None:
    best = curves(of_seeds()).best[0]
    assert (best.repeat, best.score, best.rank) == ((("seed", "1"),), 0.66, 1)
    assert outcome(best) == "0.6600 ± 0.0200 (n=3)"
    assert caption(best) == "<b>best · #1 · 0.6600 ± 0.0200 (n=3)</b><br>neurons 20 · seed 1"


def test_fold_and_seed_are_both_named_where_trials_differ_in_both() -> None:
    rows = [
        make_trial({"seed": seed, "fold": fold, "split": {"folds": 2}}, 0.5 + seed / 10 + fold / 100)
        for seed in (0, 1)
        for fold in (0, 1)
    ]
    data = job_data(make_job({}, repeats=2, folds=2), rows, make_epochs(rows))
    assert [one.repeat for one in standings(data)] == [(("seed", "0"), ("fold", "1"))]


def test_a_point_that_diverged_is_shown_by_the_trial_that_did() -> None:
    worst = curves(of_seeds(lost=20)).worst[0]
    assert (worst.settings, worst.repeat, worst.diverged_epoch) == ((("neurons", "20"),), (("seed", "1"),), 2)
    assert outcome(worst) == "diverged in epoch 2"


def test_compared_curves_are_of_points_too() -> None:
    found = comparison(of_seeds(), "neurons")
    assert [(curve.score, curve.of_point) for curve in found.curves] == [
        (0.62, "0.6400 ± 0.0529 (n=3)"),
        (0.66, "0.6600 ± 0.0200 (n=3)"),
        (0.2, "0.4000 ± 0.4359 (n=3)"),
    ]


def test_a_tested_trial_has_the_place_of_its_point() -> None:
    data = of_seeds()
    highest = data.rows[-1].trial_id
    tried = EvaluationRow(highest, 3, 0.5, ("a", "b"), ((1, 0), (0, 1)), 0.1, START)
    data = replace(data, evaluations=(tried,))
    assert [one.rank for one in evaluated_trials(data)] == [3]


def test_single_trials_stand_for_themselves() -> None:
    data = grid({"neurons": [1, 2]}, lambda point: point["neurons"] / 10)
    assert [(one.row["neurons"], one.of_point, one.repeat, one.leads) for one in standings(data)] == [
        (2, "", (), True),
        (1, "", (), True),
    ]

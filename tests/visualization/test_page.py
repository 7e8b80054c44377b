import base64
import hashlib
import html
import json
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from gridsearch.analysis.evaluated_trials import evaluated_trials
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.paired import Paired
from gridsearch.analysis.ranking import ranked
from gridsearch.config.events import Formation, Place, TrialState
from gridsearch.store.rows import EpochRow, EvaluationRow, LatencyRow, LaunchRow, Origin, TrainingRow
from gridsearch.visualization import page as page_module
from gridsearch.visualization.inlining import json_data, plotly_script
from gridsearch.visualization.page import Stamp, job_page
from gridsearch.visualization.wording import moment, share
from tests.analysis.grids import SHALLOW, START, grid, job_data, make_epochs, make_job, make_trial, shallow_score

STAMP = Stamp(START, "results.db")
HOSTILE = "\"><script>alert(1)</script>'"


class Outline(HTMLParser):
    """The elements of a page with their attributes, its scripts, and the text outside of both."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else ""
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif not self._inside:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def outline(data: JobData) -> Outline:
    return Outline(job_page(data, STAMP))


def test_the_page_says_what_the_report_said() -> None:
    text = outline(grid(SHALLOW, shallow_score, name="shallow")).text
    for words in (
        "shallow",
        "1,294 train, 323 validation, 180 test",
        "192 of 192 have a result",
        "0.957000",
        "384 for 576 epochs of results",
        "192 epochs saved (33 %)",
        "8m 00s",
        "182 trials between",
        "n = 192",
        "The best value of learning_rate (0.1) is the largest tried.",
        "2026-01-02 03:04 UTC",
        "results.db",
    ):
        assert words in text


def test_the_page_loads_nothing() -> None:
    shown = outline(grid(SHALLOW, shallow_score))
    for tag, attributes in shown.elements:
        assert tag not in ("img", "iframe", "object", "embed", "base")
        assert "src" not in attributes
        for key in ("href", "action"):
            assert not re.match(r"\w+:(?!,$)|//", attributes.get(key) or "")
    whole = job_page(grid(SHALLOW, shallow_score), STAMP).replace(plotly_script(), "")
    # The name of SVG, which nobody loads.
    whole = whole.replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in whole and "https://" not in whole and "@import" not in whole and "url(" not in whole


def test_the_policy_allows_exactly_the_scripts_of_the_page() -> None:
    shown = outline(grid(SHALLOW, shallow_score))
    policy = next(a["content"] for tag, a in shown.elements if a.get("http-equiv") == "Content-Security-Policy")
    kinds = [attributes.get("type") for tag, attributes in shown.elements if tag == "script"]
    assert kinds == ["application/json", None, None]
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in shown.scripts[1:]]
    assert policy is not None and re.findall(r"'sha256-([^']+)'", policy) == hashes
    assert "default-src 'none'" in policy and "script-src 'unsafe" not in policy


def test_a_hostile_job_is_shown_verbatim_and_runs_nowhere() -> None:
    axes = {"kind": ["</script><script>alert(2)</script>", "<!--", "plain"], "neurons": [1, 2]}
    base = grid(axes, lambda point: point["neurons"] / 10, name=HOSTILE)
    rows = [*base.rows, make_trial({"neurons": 9}, state=TrialState.FAILED, error=HOSTILE, log=HOSTILE)]
    job = replace(base.job, source="</pre><script>alert(3)</script>")
    shown = outline(job_data(job, rows, base.epoch_rows))
    assert HOSTILE in shown.text and "</pre><script>alert(3)</script>" in shown.text
    assert len(shown.scripts) == 3
    figures = json.loads(shown.scripts[0])
    assert any(html.escape("</script><script>alert(2)</script>") in text for text in figures["scatter"]["texts"])
    assert "<" not in shown.scripts[0]


def test_json_cannot_end_its_element() -> None:
    value = {"</script>": ["<!--", "&", "\u2028", 0.5, None]}
    text = json_data(value)
    assert json.loads(text) == value
    assert not set("<>&\u2028") & set(text)
    with pytest.raises(ValueError):
        json_data(float("nan"))


def test_nothing_finished_yet() -> None:
    rows = [
        make_trial({"neurons": 1}, state=TrialState.PENDING),
        make_trial({"neurons": 2}, state=TrialState.RUNNING),
    ]
    shown = outline(job_data(make_job({"neurons": [1, 2]}), rows, ()))
    assert "Nothing finished yet" in shown.text and "0 of 2 have a result" in shown.text
    assert not shown.scripts and len(job_page(job_data(make_job({}), [], ()), STAMP)) < 30_000


def test_failures_are_grouped_with_their_logs() -> None:
    rows = [
        make_trial({"neurons": n}, state=TrialState.FAILED, error=f"ValueError: {n} <odd>", log=f"logs/{n}.log")
        for n in (1, 2)
    ]
    text = outline(job_data(make_job({"neurons": [1, 2]}), [*rows, make_trial({"neurons": 3}, 0.5)], ())).text
    assert "2 trials failed" in text and "ValueError: 1 <odd>" in text and "logs/2.log" in text


def test_divergences_are_told_with_their_epoch_and_what_they_share() -> None:
    rows = [make_trial({"neurons": n}, state=TrialState.DIVERGED) for n in (1, 2)]
    data = job_data(make_job({"neurons": [1, 2, 3]}), [*rows, make_trial({"neurons": 3}, 0.5)], ())
    text = " ".join(outline(data).text.split())
    ids = " ".join(row.trial_id[:8] for row in rows)
    assert "Failures and divergences 2 trials of 3 diverged: all 2 have neurons 1 or 2, and no sound trial has." in text
    assert f"gridsearch top sample --state diverged lists them. Epoch Trials Ids 2 2 {ids}" in text
    assert "tries them again" not in text


@pytest.mark.parametrize(
    ("failed", "pending", "words"),
    [
        (
            3,
            0,
            "No trial has a result Of 3 trials all failed, so there is nothing to rank or to draw. The 2 causes are",
        ),
        (1, 0, "Of 1 trial 1 failed, so there is nothing to rank or to draw. The cause is below"),
        (2, 1, "Nothing finished yet 3 trials in the grid, 2 of them failed (see below)"),
    ],
)
def test_a_job_without_results_says_why(failed: int, pending: int, words: str) -> None:
    states = [TrialState.FAILED] * failed + [TrialState.PENDING] * pending
    rows = [
        make_trial({"neurons": n}, state=state, error=f"{'abc'[min(n, 1)]} went wrong")
        for n, state in enumerate(states)
    ]
    text = outline(job_data(make_job({"neurons": [0, 1, 2]}), rows, ())).text
    assert words in text and "a went wrong" in text


@pytest.mark.parametrize(
    ("without", "heading", "listed"),
    [(2, "All trials, best first", ["1", "2", "–", "–"]), (11, "All results, best first", ["1", "2"])],
)
def test_trials_without_a_result_are_listed_or_counted(without: int, heading: str, listed: list[str]) -> None:
    done = grid({"neurons": [1, 2]}, lambda point: point["neurons"] / 10)
    states = [TrialState.PENDING, TrialState.FAILED] + [TrialState.RUNNING] * (without - 2)
    rows = [*done.rows, *(make_trial({"neurons": 3 + n}, state=state) for n, state in enumerate(states))]
    shown = job_page(job_data(done.job, rows, done.epoch_rows), STAMP)
    text = Outline(shown).text
    assert heading in text and "2 trials ranked; without a result: 1 pending" in text
    assert re.findall(r'<td class="number rank">(.+?)</td>', shown) == listed
    cells = [cell for cell in re.findall(r'<td class="number score[^"]*">(.+?)</td>', shown)]
    assert cells == ["0.200000", "0.100000", "failed", "pending"][: len(listed)]


def test_the_description_stands_under_the_title() -> None:
    data = grid({"a": [1]}, lambda point: 0.5)
    told = replace(data, job=replace(data.job, spec={**data.job.spec, "description": f"what it is {HOSTILE}"}))
    assert f"sample what it is {HOSTILE} Data set" in outline(told).text


def test_small_and_unlucky_jobs_have_pages() -> None:
    assert "1 trial has a score; coefficients need at least three" in outline(grid({"a": [1]}, lambda p: 0.5)).text
    assert "Score against" not in outline(grid({}, lambda p: 0.5)).text
    diverged = outline(grid({"a": [1, 2, 3, 4]}, lambda p: None)).text
    assert "No trial has a score." in diverged and "diverged in epoch 2" in diverged
    words = outline(grid({"kind": ["a", "b", "c"]}, lambda p: 0.5)).text
    assert "No axis varies among the trials with a score. Left out: kind (not numbers)." in words


def test_diverged_trials_are_marked_and_left_out_of_the_plot() -> None:
    text = outline(grid({"a": list(range(1, 7))}, lambda p: None if p["a"] == 6 else p["a"] / 10)).text
    assert "1 diverged trial has no score and is not drawn." in text


def test_beyond_a_limit_fewer_points_are_drawn_and_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "MOST_POINTS", 50)
    shown = outline(grid(SHALLOW, shallow_score))
    assert "50 of 192 trials are drawn" in shown.text
    assert len(json.loads(shown.scripts[0])["scatter"]["scores"]) == 50


def test_a_page_of_thousands_of_trials_stays_small() -> None:
    axes = SHALLOW | {"weight_decay": [0.0, 1e-4, 1e-3, 1e-2], "seed": [0, 1, 2, 3, 4, 5]}
    data = grid(axes, lambda point: point["neurons"] / 200)
    assert len(data.rows) == 4608
    assert len(job_page(data, STAMP)) - len(plotly_script()) < 2_500_000


def test_the_page_opens_with_the_axes_that_matter_most() -> None:
    shown = outline(grid(SHALLOW, shallow_score))
    chosen = [attributes["value"] for tag, attributes in shown.elements if tag == "option" and "selected" in attributes]
    assert chosen == ["val_loss", "learning_rate", "batch_size", "learning_rate"]


def test_an_axis_of_one_value_is_no_choice() -> None:
    axes = {"batch_size": [8], "epochs": [3], "optimizer": ["sgd", "adam"]}
    shown = outline(grid(axes, lambda point: 0.5 if point["optimizer"] == "sgd" else 0.6))
    options = [attributes for tag, attributes in shown.elements if tag == "option"]
    assert [option["value"] for option in options][2:] == ["optimizer", "optimizer", "", "optimizer"]
    assert [option["value"] for option in options if "selected" in option][1:] == ["optimizer", "", "optimizer"]
    assert list(json.loads(shown.scripts[0])["scatter"]["x"]) == ["optimizer"]
    assert "Score against" not in outline(grid(axes | {"optimizer": ["sgd"]}, lambda point: 0.5)).text


def test_curves_are_compared_along_every_axis_whose_lines_can_be_told_apart() -> None:
    shown = outline(grid(SHALLOW, shallow_score))
    compared = json.loads(shown.scripts[0])["compare"]
    assert list(compared) == ["batch_size", "learning_rate", "neurons"]
    named = [trace["name"] for trace in compared["neurons"]["val_accuracy"]["data"] if trace["showlegend"]]
    assert named == ["10", "25", "50", "100"]
    assert "Curves by hyperparameter" not in outline(grid({"epochs": [1, 2]}, lambda point: 0.5)).text


def test_times_stand_in_a_table_for_each_axis_they_may_depend_on() -> None:
    data = grid({"batch_size": [8, 16], "learning_rate": [0.1, 1.0]}, lambda point: 0.5)
    text = outline(data).text
    assert "batch size ms per step s per epoch 8 6.17 1.00 16 12.35 1.00 Medians" in text
    assert "Time of a step" not in outline(grid({"learning_rate": [0.1, 1.0]}, lambda point: 0.5)).text


def test_overfitting_is_explained_where_it_is_shown() -> None:
    row = make_trial({"epochs": 9}, 0.5)
    losses = [2.3, 1.0, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6]
    epochs = [EpochRow(row.lineage_id, n, 2.3 / (1 + n), 0.5, loss, 0.5, 0.1, 1.0) for n, loss in enumerate(losses)]
    assert "overfitting begins" in outline(job_data(make_job({"epochs": [9]}), [row], epochs)).text
    assert "verfitting begins" not in outline(job_data(make_job({"epochs": [9]}), [row], epochs[:5])).text


def evaluated(data: JobData, *ranks: int) -> JobData:
    """The job with evaluations of the trials at these places of the ranking, and latencies of the first."""
    order = ranked(data)["trial"].tolist()
    tried = [
        EvaluationRow(order[rank - 1], 4, 0.5, ("cat", HOSTILE), ((40, 10), (5, 45 - rank)), 0.1, START)
        for rank in ranks
    ]
    fast = [LatencyRow(order[ranks[0] - 1], "a T4", batch, 1000, 1 / batch, 5, START) for batch in (1, 100)]
    return replace(data, evaluations=tuple(tried), latencies=tuple(fast))


def test_the_best_ranked_of_the_evaluated_trials_is_shown_class_by_class() -> None:
    assert "On the test images" not in outline(grid(SHALLOW, shallow_score)).text
    shown = outline(evaluated(grid(SHALLOW, shallow_score), 7, 2))
    best = next(one.trial for one in evaluated_trials(evaluated(grid(SHALLOW, shallow_score), 7, 2)))
    text = shown.text.replace(HOSTILE, "dog")
    said = f"84.69 % of 98 images (95 % interval 76.27 to 90.50 %), loss 0.5000: trial {best[:8]} , #2 in the ranking"
    assert f"On the test images {said}" in " ".join(text.split())
    assert "cat 50 0.889 0.800 0.842 dog 48 0.811 0.896 0.851 mean 98 0.850 0.848 0.847" in text
    assert "All evaluated trials" in text and "test accuracy test loss trial 2 4 4 0.1 " in text
    assert "1,000 1.0000 1.0000 1,000 a T4" in text and "1,000 0.0100 0.0100 100,000 a T4" in text
    matrix = json.loads(shown.scripts[0])["confusion"]["data"][0]
    assert matrix["customdata"][0][1] == f"10 of 50 cat predicted as {html.escape(HOSTILE, quote=False)}"
    assert len(shown.scripts) == 3


def test_evaluated_trials_are_held_against_the_best_ranked_image_by_image() -> None:
    data = evaluated(grid(SHALLOW, shallow_score), 2, 7)
    assert "behind" not in outline(data).text
    right = [[True] * 83 + [False] * 15, [False] * 9 + [True] * 78 + [False] * 11]
    counts = [((40, 10), (5, 43)), ((40, 10), (10, 38))]
    known = [
        replace(one, confusion=own, correct=np.packbits(answers).tobytes())
        for one, own, answers in zip(data.evaluations, counts, right, strict=True)
    ]
    text = outline(replace(data, evaluations=tuple(known))).text
    p = mcnemar([[0, 9], [4, 0]], exact=True).pvalue
    assert "test loss behind p trial" in text and f"0.500000 – – {known[0].trial_id[:8]}" in " ".join(text.split())
    low, high = Paired(98, first=9, second=4, both=74).interval
    assert f"0.0510 ({low:.4f} to {high:.4f}) {p:.4f}" in text


def test_the_test_of_a_point_is_the_mean_over_its_trainings() -> None:
    data = of_folds()
    rows = [
        EvaluationRow(row.trial_id, 3, 0.5, ("a", "b"), ((40 - place, 10 + place), (5, 45)), 0.1, START)
        for place, row in enumerate(data.rows)
    ]
    shown = outline(replace(data, evaluations=tuple(rows)))
    accuracies = [(85 - place) / 100 for place in (8, 9, 10, 11)]
    spread = f"± {np.std(accuracies, ddof=1):.4f} (n=4)"
    text = " ".join(shown.text.split())
    assert f"Test accuracy {np.mean(accuracies):.4f} {spread}, loss 0.5000 ± 0.0000 (n=4): point #1" in text
    assert (
        "each of its 4 trainings tried on 100 images; the mean over them" in text
        and "#1 in the ranking, after" not in text
    )
    assert "Counted over the 4 trainings together: each image counts 4 times." in text
    assert "All evaluated points" in text and "All evaluated trainings" in text and "All evaluated trials" not in text
    matrix = json.loads(shown.scripts[0])["confusion"]["data"][0]
    assert matrix["customdata"][0][1] == "78 of 200 a predicted as b"


def test_without_classes_every_metric_of_the_test_is_shown() -> None:
    data = grid({"neurons": [1, 2]}, lambda point: point["neurons"] / 10)
    metrics = {"test_rmse": 0.25, "test_r2": None}
    tried = [EvaluationRow(row.trial_id, 3, 0.5, (), (), 0.1, START, examples=9, metrics=metrics) for row in data.rows]
    shown = outline(replace(data, evaluations=tuple(tried)))
    text = " ".join(shown.text.split())
    assert "measure value loss 0.500000 rmse 0.250000 r2 –" in text and "Loss 0.500000 over 9 examples" in text
    assert "confusion" not in json.loads(shown.scripts[0])


def test_one_evaluation_alone_is_no_table_of_trials() -> None:
    data = replace(evaluated(grid(SHALLOW, shallow_score), 1), latencies=())
    text = outline(data).text
    assert "#1 in the ranking" in text and "All evaluated trials" not in text and "Prediction speed" not in text


def test_an_unfinished_lineage_has_a_page() -> None:
    rows = [make_trial({"epochs": 2}, 0.5), make_trial({"epochs": 8}, state=TrialState.RUNNING)]
    assert "1 of 2 have a result" in outline(job_data(make_job({"epochs": [2, 8]}), rows, make_epochs(rows[:1]))).text


def test_shares_and_moments() -> None:
    assert share(999, 1000).startswith("99") and share(1, 1).startswith("100") and share(0, 0).startswith("0")
    assert moment(START.replace(tzinfo=None)) == moment(START) == "2026-01-02 03:04 UTC"


def of_folds() -> JobData:
    rows = [
        make_trial({"neurons": n, "seed": seed, "fold": fold, "split": {"folds": 2}}, n / 100 + seed / 50 + fold / 25)
        for n in (10, 20, 30)
        for seed in (0, 1)
        for fold in (0, 1)
    ]
    return job_data(make_job({"neurons": [10, 20, 30]}, repeats=2, folds=2), rows, make_epochs(rows))


def test_the_best_panel_is_the_first_row_of_the_table_and_names_seed_and_fold() -> None:
    text = outline(of_folds()).text
    assert "# val accuracy neurons first trial 1 0.3300 ± 0.0258 (n=4) 30" in text
    assert re.search(
        r"Best 0\.3300 ± 0\.0258 \(n=4\) #1 of 3 neurons 30 drawn: [0-9a-f]{8} seed 1 fold 0 0\.320000", text
    )
    assert "by the trial with the middle score" in text


def test_losses_are_logarithmic_unless_asked_otherwise() -> None:
    shown = outline(grid(SHALLOW, shallow_score))
    checked = [a["name"] for tag, a in shown.elements if tag == "input" and a.get("value") == "log" and "checked" in a]
    assert checked == ["chosen-scale", "scale", "compare-scale"]
    figures = json.loads(shown.scripts[0])
    compared = figures["compare"]["neurons"]
    losses = [*(one["layout"] for one in figures["curves"]["val_loss"]), compared["val_loss"]["layout"]]
    assert {layout["yaxis"]["type"] for layout in losses} == {"log"}
    assert compared["val_accuracy"]["layout"]["yaxis"].get("type") != "log"


def test_long_numbers_are_rounded_everywhere_and_the_page_says_so() -> None:
    rates = [0.001, 0.0146779926762, 0.215443469003, 0.9]
    data = grid({"learning_rate": rates, "batch_size": [8, 16]}, lambda point: 0.5 - abs(point["learning_rate"] - 0.2))
    shown = outline(data)
    # A command has every digit: it is to be run.
    text = re.sub(r"gridsearch launch \S+( --\w+ ('[^']*'|\S+))*", "", shown.text)
    assert "0.484557 0.215 8" in text and "0.2154" not in text
    assert "Rounded here: learning rate; gridsearch top sample --format csv has every digit." in shown.text
    figures = json.loads(shown.scripts[0])
    assert figures["scatter"]["layouts"]["learning_rate"]["xaxis"]["ticktext"] == ["0.001", "0.0147", "0.215", "0.9"]
    assert [trace["name"] for trace in figures["scatter"]["colors"]["learning_rate"]["traces"]][1] == "0.0147"
    named = [trace["name"] for trace in figures["compare"]["learning_rate"]["val_loss"]["data"] if trace["showlegend"]]
    assert named == ["0.001", "0.0147", "0.215", "0.9"]
    assert any("learning_rate = 0.215443469003<br>" in text for text in figures["scatter"]["texts"])


def test_times_that_packing_made_alike_are_not_shown_as_a_cost() -> None:
    data = grid({"batch_size": [8, 16], "neurons": [1, 2]}, lambda point: 0.5)
    packs: dict[int, list[str]] = {}
    for row, size in zip(data.rows, data.trials["batch_size"], strict=True):
        packs.setdefault(size, []).append(row.lineage_id)
    trainings = [
        TrainingRow(one, 1, 0, 1, Formation("stacked", "cpu", 1, "2", tuple(Place(each, 1, 3) for each in pack)))
        for pack in packs.values()
        for one in pack
    ]
    text = outline(replace(data, trainings=tuple(trainings))).text
    assert "batch size ms per step s per epoch together 8 6.17 1.00 2 16 12.35 1.00 2 Medians" in text
    assert "What neurons costs is not known: trainings with different values were trained together" in text


def test_tables_of_many_classes_begin_on_one_line() -> None:
    data = grid({"neurons": [1, 2]}, lambda point: point["neurons"] / 10)
    names = tuple(f"class {n}" for n in range(60))
    counts = tuple(tuple(3 if i == j else int(j == i + 1) for j in range(60)) for i in range(60))
    tried = EvaluationRow(data.rows[1].trial_id, 3, 0.5, names, counts, 0.1, START)
    shown = outline(replace(data, evaluations=(tried,)))
    assert [a["class"] for tag, a in shown.elements if tag == "div" and "even" in (a.get("class") or "")] == [
        "pair even tables"
    ]


def test_the_page_says_where_a_launch_came_from() -> None:
    data = grid(SHALLOW, shallow_score, name="shallow")
    known = Origin(
        f"gridsearch launch {HOSTILE}", "5a1c04be3d29f8e1c2d3" * 2, clean=False, versions=(("numpy", "2.1"),)
    )
    rows = [LaunchRow(n, "shallow", "host", 1, 1.0, 0, 2, START, START, "complete") for n in (1, 2)]
    found = outline(replace(data, launches=(rows[0], replace(rows[1], origin=known))))
    assert "git commit command" in found.text
    assert "Versions numpy 2.1" in found.text and "host not known not known" in found.text
    assert f"5a1c04be3d29, with changes gridsearch launch {HOSTILE}" in found.text
    assert not any("alert(1)" in script for script in found.scripts)


def test_commands_name_a_job_in_one_word_of_a_shell() -> None:
    shown = job_page(grid(SHALLOW, shallow_score, name="weird job & 50%"), STAMP)
    commands = [html.unescape(one) for one in re.findall(r"<code>(gridsearch [^<]*)</code>", shown)]
    naming = [shlex.split(one) for one in commands if "weird" in one and ".yaml" not in one]
    assert len(naming) >= 2 and all("weird job & 50%" in words for words in naming)

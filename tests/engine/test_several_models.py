"""Several models in one job: the trials of jobs of one model each, in one grid, with one table and one page."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.analysis.correlation import correlation
from gridsearch.analysis.frames import load
from gridsearch.analysis.ranking import TableOptions
from gridsearch.analysis.ranking import table as ranking
from gridsearch.cli.render.trial import settings_of
from gridsearch.config.events import TrialState
from gridsearch.config.job import job_from_text
from gridsearch.config.selection import selecting
from gridsearch.engine.prepare import preflight_batches, preflight_models, preflight_recipe
from gridsearch.engine.prepare.changes import changes
from gridsearch.engine.prepare.narrowing import narrowing
from gridsearch.engine.prepare.preparation import PreparedJob, prepare
from gridsearch.engine.run.planning import check_same_job, plan_job
from gridsearch.engine.trained.load import ModelSource, trained
from gridsearch.errors import GridsearchError, JobError, ModelError
from gridsearch.store.opening import open_store
from gridsearch.visualization.dashboards import write_dashboards
from tests.engine.launching import Notes, launch, prepared, table

NETS = """
from torch import nn

class Net(nn.Module):
    def __init__(self, in_features, num_classes, width=8, depth=None):
        super().__init__()
        if width > 1000:
            raise ValueError("too wide")
        layers = [nn.Linear(width, width) for _ in range(depth or 0)]
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(in_features, width), *layers, nn.Linear(width, num_classes))

    def forward(self, x):
        return self.layers(x)

class Never(Net):
    def forward(self, x):
        raise ValueError("never works")

def anything(num_classes, in_features, **more):
    return Net(in_features, num_classes, **more)
"""
HEAD = """
name: small
dataset: digits
split: {validation: 300}
model: MODELS
space:
  batch_size: 64
  epochs: [1, 2]
  learning_rate: 0.1
"""
OURS, OWN = "  neurons: [4, 8]\n", "  width: [6, 12]\n  depth: [null, 1]\n"
BOTH = HEAD.replace("MODELS", "[shallow, several_nets:Net]") + OURS + OWN
ONLY_OURS, ONLY_OWN = HEAD.replace("MODELS", "shallow") + OURS, HEAD.replace("MODELS", "several_nets:Net") + OWN


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "several_nets.py").write_text(NETS)
    return tmp_path


def refusal(folder: Path, models: str, space: str = OURS + OWN, *overrides: str) -> str:
    with pytest.raises(GridsearchError) as caught:
        prepared(folder, *overrides, text=HEAD.replace("MODELS", models) + space)
    return str(caught.value)


@pytest.mark.slow
def test_the_trials_of_jobs_of_one_model_with_their_numbers(folder: Path) -> None:
    several, ours = prepared(folder, text=BOTH), prepared(folder, text=ONLY_OURS)
    own = prepared(folder, "name=own", text=ONLY_OWN)
    assert launch(several, folder / "r.db", keep=1).counts == {TrialState.COMPLETED: 12}
    for single in (ours, own):
        launch(single, folder / "single.db")
    assert table(folder / "r.db") == table(folder / "single.db") | table(folder / "single.db", "own")
    check_reading(folder)
    for single in (ours, own, several):
        notes = Notes()
        launch(single, folder / "r.db", notes=notes)
        assert notes.epochs == []


def check_reading(folder: Path) -> None:
    with open_store(folder / "r.db", create=False, read_only=True) as store:
        data = load(store, "small", with_epochs=True)
        rows = ranking(data, TableOptions(top=12, columns=["model", "neurons", "width", "depth"])).rows
        cells = {row.cells for row in rows}
        assert cells == {("shallow", n, "", "") for n in ("4", "8")} | {
            ("several_nets:Net", "", w, d) for w in ("6", "12") for d in ("null", "1")
        }
        assert ranking(data, TableOptions(filter="model == 'shallow' and neurons > 4")).total == 2
        found = correlation(data)
        assert "model" in found.text
        assert {"neurons", "width"} <= set(found.names)
        axis, texts = data.along("depth")
        assert (set(texts), None in axis.values) == ({"", "null", "1"}, True)
        page = write_dashboards(store, folder / "pages", "small")[0].read_text()
        assert "<dt>Model</dt><dd>shallow, several_nets:Net</dd>" in page

        source = ModelSource(store, folder / "r.db", folder / "data", "cpu")
        first = {row.cells[0]: row.trial for row in reversed(rows)}
        for model, trial in first.items():
            settings = settings_of(store.trial(trial), store.jobs())
            assert ("neurons" in settings, "width" in settings) == (model == "shallow", model != "shallow")
            assert trained(source, "small", trial).config.model == model


def test_a_launch_that_was_stopped_goes_on_from_the_store(folder: Path) -> None:
    job = prepared(folder, "model=shallow,deep", text=ONLY_OURS + "  hidden: [[4], [4, 4]]\n")
    notes = Notes(after=3)
    launch(job, folder / "r.db", notes=notes, stopping=lambda: len(notes.epochs) >= 3)
    with open_store(folder / "r.db", create=False) as store:
        source = store.job("small").source
    again = prepare(job_from_text(source, base=folder), folder / "data")
    assert again.job.models == ("shallow", "deep")
    assert launch(again, folder / "r.db").counts == {TrialState.COMPLETED: 8}
    assert table(folder / "r.db").keys() == {trial.trial_id for trial in job.grid.trials}


def dooms(job: PreparedJob) -> dict[str, tuple[int, str]]:
    return {doom.model: (job.doomed_by(doom, job.grid.trials), doom.mend) for doom in job.dooms}


def test_settings_under_which_a_model_does_not_work_cost_its_own_trials(folder: Path) -> None:
    text = HEAD.replace("MODELS", "[deep, several_nets:Net, several_nets:Never]")
    job = prepared(folder, text=text + "  width: [6, 2000]\n  hidden: [[4]]\n")
    assert dooms(job) == {
        "several_nets:Net": (2, "leave them out with a rule, skip: model == 'several_nets:Net' and width == 2000"),
        "several_nets:Never": (4, "leave the model out, or fix it"),
    }
    assert "never works" in next(doom.error for doom in job.dooms if doom.model.endswith("Never"))
    counts = launch(job, folder / "r.db").counts
    assert counts == {TrialState.COMPLETED: 4, TrialState.FAILED: 6}
    with pytest.raises(ModelError, match="never works"):
        prepared(folder, "model=several_nets:Never", "space.width=6", text=ONLY_OWN)


def test_a_last_batch_of_one_is_a_matter_of_each_model(folder: Path) -> None:
    text = HEAD.replace("MODELS", "[mlp, shallow]").replace("batch_size: 64", "batch_size: 16")
    job = prepared(folder, "split={train: 1025}", text=text + "  neurons: 4\n  hidden: [[4, 4]]\n")
    assert [(doom.model, job.doomed_by(doom, job.grid.trials)) for doom in job.dooms] == [("mlp", 2)]


@pytest.mark.parametrize(
    ("models", "space", "said"),
    [
        ("[shallow, shallow]", OURS, "job:5:18: model: the model 'shallow' is listed twice"),
        ("[]", OURS, "job:5:8: model: "),
        ("[shallow, 3]", OURS, "job:5:18: model: 3 is not a model: write one"),
        ("[shallow, nowhere]", OURS, "job:5:18: model 'nowhere' is not known"),
        ("[shallow, several_nets:Net]", OWN, "job:5:9: model 'shallow' needs 'neurons'; add it under 'space'"),
        (
            "[shallow, several_nets:Net]",
            OURS + "  widht: 3\n",
            "the models 'shallow', 'several_nets:Net' (did you",
        ),
        ("[shallow, several_nets:Net]", OURS + "  num_classes: 3\n", "comes from the data set and cannot be set"),
        ("[shallow, several_nets:Net]", "  neurons: [4.5]\n", "neurons: model 'shallow': 4.5 is not a whole number"),
        ("[several_nets:Net, shallow]", OURS + "  width: ['6']\n", "width: model 'several_nets:Net': '6' is text"),
    ],
)
def test_refusals(folder: Path, models: str, space: str, said: str) -> None:
    assert said in refusal(folder, models, space)


def test_a_model_open_to_any_keyword_takes_what_no_other_model_names(folder: Path) -> None:
    job = prepared(folder, text=HEAD.replace("MODELS", "[shallow, several_nets:anything]") + OURS + OWN)
    assert not job.dooms
    hypers = {name: [t.config.hyper for t in job.grid.trials if t.config.model == name] for name in job.job.models}
    assert {key for hyper in hypers["shallow"] for key in hyper} == {"neurons"}
    assert {key for hyper in hypers["several_nets:anything"] for key in hyper} == {"width", "depth"}
    # By itself it takes whatever it is given, as ever.
    alone = prepared(folder, text=HEAD.replace("MODELS", "several_nets:anything") + OWN)
    assert {t.trial_id for t in alone.grid.trials} < {t.trial_id for t in job.grid.trials}
    both = prepared(folder, text=HEAD.replace("MODELS", "[several_nets:Net, several_nets:anything]") + OWN)
    assert [t.config.hyper for t in both.grid.trials if t.config.model == "several_nets:anything"] == [{}, {}]


def test_a_value_of_a_wrong_kind_may_be_left_out_by_a_rule(folder: Path) -> None:
    (folder / "several_nets.py").write_text(
        NETS + "\nclass Words(Net):\n    def __init__(self, in_features, num_classes, width='8'):\n"
        "        super().__init__(in_features, num_classes, int(width))\n"
    )
    models, space = "[several_nets:Net, several_nets:Words]", "  width: [6, 12]\n"
    said = refusal(folder, models, space)
    assert "width: model 'several_nets:Words': 6 is a number, but it takes text" in said
    assert said.endswith("; or leave it out with a rule, skip: model == 'several_nets:Words' and width == 6")
    rule = "rules=[{skip: model == 'several_nets:Words' and width != 12}]"
    assert "12 is a number" in refusal(folder, models, space, rule)
    rules = "rules=[{skip: model == 'several_nets:Words'}]"
    job = prepared(folder, rules, text=HEAD.replace("MODELS", models) + space)
    assert [trial.config.hyper["width"] for trial in job.grid.trials] == [6, 12, 6, 12]


def test_each_model_has_its_share_of_tries_and_a_part_comes_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (preflight_models, preflight_batches, preflight_recipe):
        monkeypatch.setattr(module, "MOST_TRIED", 2)
    (folder / "several_nets.py").write_text(
        NETS + "\nclass Wide(Net):\n    def forward(self, x):\n"
        "        if len(x) not in (1, 2) and self.training and self.layers[1].out_features > 1:\n"
        "            raise ValueError('no such batch')\n        return super().forward(x)\n"
    )
    text = HEAD.replace("MODELS", "[several_nets:Net, several_nets:Wide]") + "  width: {range: [1, 6]}\n"
    dooms = prepared(folder, text=text).dooms
    assert [(doom.model, "no such batch" in doom.error) for doom in dooms] == [("several_nets:Wide", True)]
    text = HEAD.replace("MODELS", "several_nets:Net") + "  width: [4, 8, 12, 16, 2000]\n"
    whole = prepared(folder, text=text)
    part = prepare(selecting(job_from_text(text, base=folder), ["width == 2000 or width == 4"]), folder / "data")
    assert not whole.dooms
    assert [doom.shared for doom in part.dooms] == [{"width": 2000}]


def test_weights_that_one_model_cannot_start_from(folder: Path) -> None:
    said = refusal(folder, "[shallow, mlp]", "  neurons: 4\n", "pretrained=['', imagenet]")
    assert said.endswith("a rule, skip: model == 'shallow' and pretrained == 'imagenet'")
    rule = "rules=[{skip: pretrained == 'imagenet'}]"
    text = HEAD.replace("MODELS", "[shallow, mlp]") + "  neurons: 4\n"
    assert len(prepared(folder, "pretrained=['', imagenet]", rule, text=text).grid.trials) == 4
    said = refusal(folder, "[shallow, mlp]", "  neurons: 4\n", "freeze='hidden.*'")
    assert "skip: model == 'mlp' and freeze == 'hidden.*'" in said


def test_an_edited_list_of_models_is_the_same_job(folder: Path) -> None:
    several, ours = prepared(folder, text=BOTH), prepared(folder, text=ONLY_OURS)
    with open_store(folder / "r.db") as store:
        store.put_job("small", ours.record().as_json(), ours.job.source, ours.new_trials())
        check_same_job(several, store)
        assert changes(several, store) == ["model several_nets:Net", "width 6, 12", "depth null, 1"]
        store.put_job("small", several.record().as_json(), several.job.source, several.new_trials())
    said = refusal(folder, "[shallow, several_nets:Net]", OURS + OWN, "model=shallow")
    assert said.endswith("""a part of the file's models is trained with --only "model == 'shallow'\"""")
    (folder / "several_nets.py").write_text(NETS + "# edited")
    edited = prepared(folder, text=BOTH)
    other = prepared(folder, text=HEAD.replace("MODELS", "perceptron"))
    with open_store(folder / "r.db") as store:
        assert changes(edited, store) == ["edited: several_nets"]
        assert plan_job(edited, store).new == 8
        with pytest.raises(JobError, match="the model 'shallow, several_nets:Net', this file 'perceptron'"):
            check_same_job(other, store)


def test_what_was_narrowed_comes_back(folder: Path) -> None:
    text = HEAD.replace("MODELS", "[shallow, perceptron]") + OURS
    launch(prepared(folder, text=text), folder / "r.db")
    with open_store(folder / "r.db", create=False) as store:
        found = narrowing(prepared(folder, "model=shallow", text=text), store)
    assert (found.trials, found.back, found.only) == (2, [], "model == 'shallow'")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shalow", "it is 'shallow' or 'several_nets:Net' (did you mean 'shallow'?)"),
        ("mpl", "model is never 'mpl': it is 'shallow' or 'several_nets:Net'"),
        ("./several_nets.py:Net", "(did you mean 'several_nets:Net'?)"),
        ("Net", "(did you mean 'several_nets:Net'?)"),
    ],
)
def test_a_rule_about_a_model_that_there_is_not(folder: Path, name: str, message: str) -> None:
    said = refusal(folder, "[shallow, several_nets:Net]", f"{OURS}{OWN}rules:\n- skip: model in ['{name}', 'mlp']")
    assert said.startswith("job:14:9: rules.skip: model is never") and message in said


def test_a_rule_may_name_models_that_the_job_does_not_have_now(folder: Path) -> None:
    rules = "rules: [{skip: model == 'mlp' and epochs > 1}, {skip: model == 'several_nets:Never'}]\n"
    made = prepared(folder, text=HEAD.replace("MODELS", "shallow") + OURS + rules)
    assert len(made.grid.trials) == 4

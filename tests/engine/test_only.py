"""A launch of a part of a job: it trains what is selected and no more, and the job's grid stays whole."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gridsearch import paths
from gridsearch.analysis.best import best
from gridsearch.cli import streams
from gridsearch.cli.render.ending import say_end
from gridsearch.cli.tracking import Tracker
from gridsearch.config.events import TrialState
from gridsearch.config.identity import parse
from gridsearch.config.job import job_from_text, load_job
from gridsearch.config.selection import selecting
from gridsearch.engine.prepare.preparation import PreparedJob, prepare
from gridsearch.engine.prepare.teachers import UNTRAINED, chosen_teacher, in_order
from gridsearch.engine.run.launch import LaunchEnd
from gridsearch.engine.run.planning import plan_job
from gridsearch.errors import JobError
from gridsearch.store.opening import open_store
from tests.engine.launching import JOB, Notes, launch, table

COMPLETED, PENDING, FAILED = TrialState.COMPLETED, TrialState.PENDING, TrialState.FAILED


def part(folder: Path, *only: str, overrides: tuple[str, ...] = (), text: str = JOB) -> PreparedJob:
    return prepare(selecting(job_from_text(text, overrides, base=folder), only), folder / "data")


def epochs_by_lineage(notes: Notes) -> set[int]:
    return set(Counter(record.lineage_id for record in notes.epochs if record.epoch).values())


def test_a_part_is_trained_and_the_grid_stays_whole(tmp_path: Path) -> None:
    path, notes = tmp_path / "r.db", Notes()
    end = launch(part(tmp_path, "learning_rate == 0.1", "batch_size > 64"), path, notes=notes)
    assert end == LaunchEnd({COMPLETED: 2}, interrupted=False, others=6)
    with open_store(path) as store:
        rows = store.trials("small")
        assert store.counts("small") == {PENDING: 6, COMPLETED: 2}
        assert store.job("small").revision == 1
    done = {(parse(row.config).learning_rate, parse(row.config).batch_size) for row in rows if row.state == COMPLETED}
    assert done == {(0.1, 128)}
    launch(part(tmp_path, "batch_size == 64"), path)
    assert launch(part(tmp_path), path).counts == {COMPLETED: 8}
    whole = tmp_path / "whole.db"
    launch(part(tmp_path), whole)
    assert table(path).keys() == table(whole).keys()
    with open_store(path) as store:
        assert store.job("small").revision == 1


def test_a_lineage_is_trained_as_far_as_is_asked_for_and_no_further(tmp_path: Path) -> None:
    path, notes = tmp_path / "r.db", Notes()
    job = part(tmp_path, "epochs == 2", overrides=("epochs=[1,2,4]",))
    plan = plan_job(job, None)
    assert (plan.new, plan.others, plan.passed, plan.epochs) == (4, 8, 4, 8)
    launch(job, path, notes=notes)
    assert epochs_by_lineage(notes) == {2}
    with open_store(path) as store:
        # The shorter ones of its lineages have their result by the way, the longer ones wait.
        assert store.counts("small") == {PENDING: 4, COMPLETED: 8}
        assert plan_job(job, store).done == 4
    rest = Notes()
    launch(part(tmp_path, overrides=("epochs=[1,2,4]",)), path, notes=rest)
    assert (epochs_by_lineage(rest), min(record.epoch for record in rest.epochs)) == ({2}, 3)


def test_repeats_and_folds_can_be_selected(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    change = ("split={folds: 3}", "repeats=2", "epochs=1", "batch_size=64", "learning_rate=0.1")
    assert launch(part(tmp_path, "fold == 1", overrides=change), path).counts == {COMPLETED: 2}
    # The best point is not known before all of its folds are: what may belong to it is kept.
    kept = paths.reading_dir(path, "small")
    assert len(list(kept.iterdir())) == 2
    assert launch(part(tmp_path, "seed == 1", overrides=change), path).counts == {COMPLETED: 3}
    with open_store(path) as store:
        done = {
            (parse(row.config).seed, parse(row.config).fold) for row in store.trials("small") if row.state == COMPLETED
        }
        assert done == {(0, 1), (1, 0), (1, 1), (1, 2)}
    launch(part(tmp_path, overrides=change), path)
    assert list(kept.iterdir()) == []
    with open_store(path) as store:
        (first,) = best(store, "small", 1)
    assert paths.weights_file(path, first.row.trial_id).exists()


def test_only_the_selected_failures_are_tried_again(tmp_path: Path) -> None:
    (tmp_path / "part_nets.py").write_text(
        "from pathlib import Path\n"
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self, in_features, num_classes, kind=0):\n"
        "        super().__init__()\n"
        "        self.kind, self.layer = kind, torch.nn.Linear(in_features, num_classes)\n"
        "    def forward(self, x):\n"
        f"        if self.kind and len(x) > 2 and Path({str(tmp_path / 'bad')!r}).exists():\n"
        "            raise RuntimeError('bad kind')\n"
        "        return self.layer(x.flatten(1))\n"
    )
    text = JOB.partition("space:")[0].replace("shallow", "part_nets:Net")
    text += "space: {batch_size: 64, epochs: 1, learning_rate: 0.1, kind: [0, 1, 2]}\n"
    whole, second = (part(tmp_path, *only, text=text) for only in ((), ("kind == 2",)))
    (tmp_path / "bad").touch()
    path = tmp_path / "r.db"
    assert launch(whole, path).counts == {COMPLETED: 1, FAILED: 2}
    (tmp_path / "bad").unlink()
    end = launch(second, path, retry_failed=True)
    assert (end.counts, end.failed, end.others) == ({COMPLETED: 1}, 0, 0)
    with open_store(path) as store:
        assert store.counts("small") == {COMPLETED: 2, FAILED: 1}


def test_a_teacher_is_trained_whole_whatever_is_selected_of_its_students(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(JOB)
    text = JOB.replace("name: small", "name: student").replace("epochs: [1, 3]", "epochs: [1]")
    (tmp_path / "student.yaml").write_text(f"{text}teacher: {{job: small}}\ndistillation: [none, soft]\n")
    student = selecting(load_job(tmp_path / "student.yaml"), ["distillation == 'soft' and batch_size == 64"])
    chain = in_order(student, None)
    assert [(one.name, len(one.only)) for one in chain] == [("small", 0), ("student", 1)]
    path = tmp_path / "r.db"
    launch(part(tmp_path, "epochs == 1"), path)
    with open_store(path) as store:
        assert chosen_teacher(student, store) == UNTRAINED  # half of it is none
    launch(part(tmp_path), path)
    with open_store(path) as store:
        teacher = chosen_teacher(student, store)
    taught = prepare(student, tmp_path / "data", teacher=teacher)
    assert [trial.config.teacher for trial in taught.grid.chosen_trials] == [teacher] * 2
    assert len(taught.grid.trials) == 8


def test_progress_counts_what_is_selected(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    launch(part(tmp_path, "epochs == 1"), path)
    job = part(tmp_path, "learning_rate == 0.1")
    with open_store(path) as store:
        tracker = Tracker(store, job.job, plan_job(job, store), train_images=job.train_images)
        assert (tracker.trials_done, tracker.trials, tracker.epochs) == (2, 4, 4)
        tracker.look()
        assert tracker.trials_done == 2


def test_what_an_interrupted_part_goes_on_with_is_that_part(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.db"
    job = part(tmp_path, "batch_size == 64", "optimizer == 'sgd'")
    end = launch(job, path, stopping=lambda: True)
    assert end.interrupted and end.others == 4
    streams.err.cache_clear()
    with open_store(path) as store:
        say_end(store, job.job, path, end, seconds=None)
    streams.err.cache_clear()
    assert capfd.readouterr().err.splitlines()[-1] == (
        f"interrupted, nothing is lost; continue with: gridsearch resume small --store {path}"
        " --only 'batch_size == 64' --only \"optimizer == 'sgd'\""
    )


@pytest.mark.parametrize(
    ("only", "text"),
    [
        (
            "learning_rate == 0.3",
            "--only 'learning_rate == 0.3' matches none of the 8 trials: learning_rate is 0.1 or 0.01",
        ),
        ("fold == 1", "--only 'fold == 1': unknown setting 'fold'"),
        ("lr == 0.1", "unknown setting 'lr'; it is called learning_rate here"),
        ("optimizer == 'Adam'", "optimizer is never 'Adam'"),
        ("batch_size == '64'", "batch_size is a number, and '64' is text; write 64 without quotes"),
        ("1 +", "is not an expression"),
    ],
)
def test_what_selects_nothing_is_refused_in_one_line(only: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(JobError) as refused:
        part(tmp_path, only)
    assert text in str(refused.value)
    assert "\n" not in str(refused.value)

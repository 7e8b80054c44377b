"""Teachers: found, trained before their students, part of who the students are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gridsearch.config.early_stopping import best_epoch
from gridsearch.config.events import TrialState
from gridsearch.config.job import JobSpec, load_job
from gridsearch.engine.prepare.preparation import prepare
from gridsearch.engine.prepare.teachers import UNTRAINED, check_chain, chosen_teacher, in_order
from gridsearch.engine.trained.load import ModelSource, teacher_file
from gridsearch.errors import JobError, ModelError
from gridsearch.store.opening import open_store
from tests.engine.launching import JOB, launch, prepared

STUDENT = """\
name: student
dataset: digits
model: one_conv_cnn
batch_size: 128
epochs: 1
learning_rate: 0.1
teacher: {job: small}
distillation: [none, soft]
"""


def student(folder: Path, text: str = STUDENT, name: str = "student") -> JobSpec:
    (folder / f"{name}.yaml").write_text(text)
    return load_job(folder / f"{name}.yaml")


def test_the_best_of_a_trained_job_teaches_and_another_teacher_makes_another_student(tmp_path: Path) -> None:
    teacher = prepared(tmp_path, "epochs=[1]")
    job = student(tmp_path)
    (tmp_path / "small.yaml").write_text(JOB)
    with open_store(tmp_path / "r.db") as store:
        assert chosen_teacher(job, store) == UNTRAINED
    end = launch(teacher, tmp_path / "r.db")
    assert end.counts == {TrialState.COMPLETED: 4}
    with open_store(tmp_path / "r.db", create=False) as store:
        best = store.ranking("small", "val_accuracy", 4, highest=True)
        assert chosen_teacher(job, store) == f"{best[0].trial_id}@1"
        assert [one.name for one in in_order(job, store)] == ["small", "student"]
        picked = student(tmp_path, STUDENT.replace("{job: small}", f"{{job: small, pick: '{best[3].trial_id[:8]}'}}"))
        assert chosen_teacher(picked, store) == f"{best[3].trial_id}@1"
        check_chain(in_order(job, store), store, tmp_path)
    grids = [prepare(job, tmp_path, teacher=f"{row.trial_id}@1").grid.trials for row in (best[0], best[3])]
    plain, taught = (list(pair) for pair in zip(*grids, strict=True))
    assert plain[0].trial_id == plain[1].trial_id
    assert taught[0].trial_id != taught[1].trial_id
    assert [trial.config.teacher for trial in taught] == [f"{best[0].trial_id}@1", f"{best[3].trial_id}@1"]


def test_a_teacher_that_is_nowhere_and_teachers_in_a_circle_are_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"student\.yaml:7.*teacher: no job 'small', neither beside this file"):
        in_order(student(tmp_path), None)
    student(
        tmp_path, STUDENT.replace("name: student", "name: small").replace("{job: small}", "{job: student}"), "small"
    )
    with pytest.raises(JobError, match="'student' would learn from itself, by way of small, student"):
        in_order(student(tmp_path), None)


@pytest.mark.parametrize(("classes", "size", "text"), [(3, 8, "has classes 10, this job 3"), (10, 9, r"\(1, 8, 8\)")])
def test_a_teacher_that_sees_other_images_or_classes_is_refused(
    classes: int, size: int, text: str, tmp_path: Path
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (300, size, size), dtype=np.uint8)
    np.savez(tmp_path / "own.npz", train_images=images, train_labels=np.arange(300) % classes)
    (tmp_path / "small.yaml").write_text(JOB)
    job = student(tmp_path, STUDENT.replace("dataset: digits", "dataset: own.npz"))
    with pytest.raises(JobError, match=rf"student\.yaml:7.*teacher: job 'small' .*{text}"):
        check_chain(in_order(job, None), None, tmp_path)


def test_a_students_own_mistake_and_a_teacher_without_features_show_before_the_teacher_is_trained(
    tmp_path: Path,
) -> None:
    (tmp_path / "small.yaml").write_text(JOB)
    job = student(tmp_path, STUDENT.replace("model: one_conv_cnn", "model: one_conv_cnn\nfreeze: nothing.*"))
    with pytest.raises(ModelError, match=r"student\.yaml:4.*'nothing\.\*' matches no parameter"):
        check_chain(in_order(job, None), None, tmp_path)
    job = student(tmp_path, STUDENT.replace("soft", "hidden"))
    with pytest.raises(ModelError, match=r"student\.yaml:8.*needs a module 'features'"):
        check_chain(in_order(job, None), None, tmp_path)


def test_a_complete_job_of_the_store_teaches_as_it_was_launched_and_only_its_own_trials(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(JOB)
    launch(prepared(tmp_path, "epochs=[2]", "neurons=[7]"), tmp_path / "r.db")
    launch(prepared(tmp_path, "name=other", "epochs=[1]"), tmp_path / "r.db")
    with open_store(tmp_path / "r.db", create=False) as store:
        teacher = in_order(student(tmp_path), store)[0]
        assert (teacher.values("epochs"), teacher.values("batch_size")) == ((2,), (64, 128))
        foreign = store.trials("other")[0].trial_id[:8]
        picked = student(tmp_path, STUDENT.replace("{job: small}", f"{{job: small, pick: '{foreign}'}}"))
        with pytest.raises(JobError, match=f"pick: no id of a trial of job 'small' may be meant by '{foreign}'"):
            chosen_teacher(picked, store)


def test_the_epoch_of_a_teachers_weights_is_part_of_who_the_student_is(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(JOB)
    # A rate at which the first epoch is not the worst: the best epoch is another one than the last.
    change = ("epochs=[6]", "learning_rate=[1.5]", "batch_size=[64]")
    launch(prepared(tmp_path, *change), tmp_path / "r.db")
    with open_store(tmp_path / "r.db", create=False) as store:
        last = chosen_teacher(student(tmp_path), store)
    launch(prepared(tmp_path, *change, "objective={metric: val_loss, at: best}"), tmp_path / "r.db")
    with open_store(tmp_path / "r.db", create=False) as store:
        best = chosen_teacher(student(tmp_path), store)
        losses = [epoch.val_loss for epoch in store.epochs([store.trials("small")[0].lineage_id])]
        trial = store.trials("small")[0].trial_id
        assert (last, best) == (f"{trial}@6", f"{trial}@{best_epoch(losses)}")
        source = ModelSource(store, tmp_path / "r.db", tmp_path)
        weights = [torch.load(teacher_file(source, one).weights, weights_only=True) for one in {last, best}]
    if last != best:
        assert not torch.equal(weights[0]["hidden.weight"], weights[1]["hidden.weight"])

"""Teachers: found, trained before their students, part of who the students are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gridsearch.engine.preparation import prepare
from gridsearch.engine.teachers import UNTRAINED, check_teachers_fit, chosen_teacher, in_order
from gridsearch.errors import JobError
from gridsearch.spec.job import JobSpec, load_job
from gridsearch.spec.outcomes import TrialState
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
        assert chosen_teacher(job, store) == best[0].trial_id
        assert [one.name for one in in_order(job, store)] == ["small", "student"]
        picked = student(tmp_path, STUDENT.replace("{job: small}", f"{{job: small, pick: '{best[3].trial_id[:8]}'}}"))
        assert chosen_teacher(picked, store) == best[3].trial_id
        check_teachers_fit(in_order(job, store), tmp_path)
    grids = [prepare(job, tmp_path, teacher=row.trial_id).grid.trials for row in (best[0], best[3])]
    plain, taught = (list(pair) for pair in zip(*grids, strict=True))
    assert plain[0].trial_id == plain[1].trial_id
    assert taught[0].trial_id != taught[1].trial_id
    assert [trial.config.teacher for trial in taught] == [best[0].trial_id, best[3].trial_id]


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
    images = np.random.default_rng(0).integers(0, 256, (60, size, size), dtype=np.uint8)
    np.savez(tmp_path / "own.npz", train_images=images, train_labels=np.arange(60) % classes)
    (tmp_path / "small.yaml").write_text(JOB)
    job = student(tmp_path, STUDENT.replace("dataset: digits", "dataset: own.npz"))
    with pytest.raises(JobError, match=rf"student\.yaml:7.*teacher: job 'small' .*{text}"):
        check_teachers_fit(in_order(job, None), tmp_path)

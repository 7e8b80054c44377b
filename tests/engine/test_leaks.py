"""What the numbers of a job rest on that is not new to its models: counted, and told by plan and launch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gridsearch import paths
from gridsearch.cli.render.plans import Left, leak_lines, plan_json, plan_text
from gridsearch.config.job import job_from_text, load_job
from gridsearch.data.digits import load_digits
from gridsearch.engine.prepare.leaks import Leaks, Seen, leaks_of
from gridsearch.engine.prepare.preparation import PreparedJob, prepare
from gridsearch.engine.prepare.teachers import UNTRAINED, chosen_teacher
from gridsearch.engine.run.planning import plan_job
from gridsearch.store.opening import open_store
from tests.engine.launching import JOB, launch, prepared

DIGITS = load_digits()
OWN = "dataset=./copies.npz"
STUDENT = """\
name: student
dataset: digits
split: {validation: 300, test: 200}
model: shallow
batch_size: 128
epochs: 1
learning_rate: 0.1
space: {neurons: [10]}
teacher: {job: small}
distillation: soft
"""


def with_copies(folder: Path) -> None:
    """Save 100 digits, of which the last 30 are the first 30 again, and 20 to test, of which 15 are training images."""
    images, labels = DIGITS.train_images[:70], DIGITS.train_labels[:70]
    train, test = [*range(70), *range(30)], [*range(40, 55), *range(70, 75)]
    np.savez(
        folder / "copies.npz",
        train_images=images[train], train_labels=labels[train],
        test_images=DIGITS.train_images[test], test_labels=DIGITS.train_labels[test],
    )  # fmt: skip


def shown(job: PreparedJob, leaks: Leaks) -> str:
    return plan_text(job, plan_job(job, None), [], Left(), leaks, width=None)


def in_common(job: PreparedJob, one: str, *others: str) -> int:
    (split,) = job.splits.values()
    known = {image.tobytes() for other in others for image in getattr(split, f"{other}_images")}
    return sum(image.tobytes() in known for image in getattr(split, f"{one}_images"))


def test_copies_in_two_parts_are_counted_and_can_be_kept_together(tmp_path: Path) -> None:
    with_copies(tmp_path)
    job = prepared(tmp_path, OWN, "split={}", "batch_size=8")
    leaks = leaks_of(job, None, tmp_path)
    validation = in_common(job, "validation", "train")
    assert leaks.copies == Seen(validation, 15, 20, 20)
    assert validation > 0 and in_common(job, "test", "train", "validation") == 15
    text = shown(job, leaks)
    assert f"!{validation}  of 20 validation images are training images too: split: {{deduplicate: true}}" in text
    assert "!15  of 20 test images are training or validation images too" in text
    assert plan_json(job, plan_job(job, None), [], Left(), leaks)["seen"]["copies"] == {
        "validation": validation,
        "test": 15,
    }
    together = prepared(tmp_path, OWN, "split={deduplicate: true}", "batch_size=8")
    leaks = leaks_of(together, None, tmp_path)
    assert not leaks.copies
    assert "!" not in shown(together, leaks)
    # Training images that test too are not used.
    assert together.images()["unused"] == sum(
        image.tobytes() in {each.tobytes() for each in together.dataset.test_images}
        for image in together.dataset.train_images
    )


def test_what_a_teacher_was_trained_on_is_told(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(JOB)
    (tmp_path / "student.yaml").write_text(STUDENT)
    spec = load_job(tmp_path / "student.yaml")
    teacher = prepared(tmp_path, "epochs=1", "learning_rate=0.1", "batch_size=128")
    (theirs,), data = teacher.splits.values(), tmp_path / "data"

    def expected(student: PreparedJob) -> Seen:
        (ours,) = student.splits.values()
        seen = set(theirs.indices.train.tolist())
        return Seen(
            len(seen & {*ours.indices.validation.tolist()}), len(seen & {*ours.indices.test.tolist()}), 300, 200
        )

    before = prepare(spec, data, teacher=UNTRAINED)
    assert leaks_of(before, None, data).taught == expected(before)
    launch(teacher, tmp_path / "r.db")
    with open_store(tmp_path / "r.db", create=False) as store:
        student = prepare(spec, data, teacher=chosen_teacher(spec, store))
        leaks = leaks_of(student, store, data)
        assert leaks.taught == expected(student)
        assert 200 < leaks.taught.validation < 300
        (of_validation, of_test) = leak_lines(leaks)
        assert of_validation.startswith(
            f"{leaks.taught.validation} of 300 validation images were the teacher's training"
        )
        assert of_test.startswith(f"{leaks.taught.test} of 200 test images were the teacher's training")
        # The same division: nothing is told.
        same = job_from_text(STUDENT.replace("{validation: 300, test: 200}", "{test: 0.1}"), base=tmp_path)
        fair = prepare(same, data, teacher=chosen_teacher(same, store))
        assert leak_lines(leaks_of(fair, store, data)) == []
        # Weights to start from are such a teacher too.
        file = paths.weights_file(tmp_path / "r.db", store.trials("small")[0].trial_id, None)
        started = STUDENT.partition("teacher:")[0] + f"pretrained: {file}\n"
        found = leaks_of(prepare(job_from_text(started, base=tmp_path), data), None, data)
        assert (found.started, found.taught) == (expected(student), Seen())
        assert leak_lines(found)[0].split(": ")[0].endswith("were training images of the weights to start from")


def test_a_teacher_of_other_images_is_compared_image_by_image(tmp_path: Path) -> None:
    with_copies(tmp_path)
    teacher = prepared(tmp_path, OWN, "split={}", "epochs=1", "learning_rate=0.1", "batch_size=8")
    launch(teacher, tmp_path / "r.db")
    (theirs,) = teacher.splits.values()
    spec, data = job_from_text(STUDENT, base=tmp_path), tmp_path / "data"
    with open_store(tmp_path / "r.db", create=False) as store:
        student = prepare(spec, data, teacher=chosen_teacher(spec, store))
        known = {image.tobytes() for image in theirs.train_images}
        (ours,) = student.splits.values()
        seen = [sum(image.tobytes() in known for image in part) for part in (ours.validation_images, ours.test_images)]
        assert seen[0] > 0
        assert leaks_of(student, store, data).taught == Seen(*seen, 300, 200)
        (tmp_path / "copies.npz").unlink()
        untold = leaks_of(student, store, data)
    assert not untold.taught
    assert "cannot tell whether the teacher was trained on validation or test images" in leak_lines(untold)[0]
    assert "\n" not in shown(student, untold).partition("cannot tell")[2].splitlines()[0]


@pytest.mark.parametrize("own", [True, False])
def test_digits_and_a_plain_job_have_no_leaks(tmp_path: Path, own: bool) -> None:
    job = prepared(tmp_path, "split={test: 0.1, deduplicate: true}" if own else "split={test: 0.1}")
    assert leak_lines(leaks_of(job, None, tmp_path)) == []

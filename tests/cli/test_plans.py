"""What a plan says: what the images of a data set are used for, and what is trained as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gridsearch.cli.plans import Left, plan_json, plan_text
from gridsearch.cli.resources import largest_pack
from gridsearch.engine.launch import LaunchOptions, plan_job, plan_packs
from gridsearch.engine.preparation import PreparedJob
from tests.engine.launching import prepared


def text(job: PreparedJob) -> str:
    return plan_text(job, plan_job(job, None), [], Left(), width=None)


@pytest.mark.parametrize(
    ("split", "images", "line"),
    [
        ("{}", (80, 20, 40, 0), "40  test images of the data set's own, which are the test part"),
        (
            "{test: 10}",
            (72, 18, 10, 40),
            "40  test images of the data set's own are not used: split.test draws from its",
        ),
        (
            "{test: 0.5, merge: true}",
            (56, 14, 70, 0),
            "40  test images of the data set's own, pooled with its training",
        ),
    ],
)
def test_the_sets_own_test_images(tmp_path: Path, split: str, images: tuple[int, ...], line: str) -> None:
    pixels, labels = np.zeros((140, 4, 4), np.uint8), np.arange(140) % 3
    np.savez(
        tmp_path / "own.npz",
        train_images=pixels[:100], train_labels=labels[:100], test_images=pixels[100:], test_labels=labels[100:],
    )  # fmt: skip
    job = prepared(tmp_path, "dataset=./own.npz", f"split={split}", "batch_size=8")
    names = ("train", "validation", "test", "unused")
    assert job.images() == {name: count for name, count in zip(names, images, strict=True) if count}
    assert job.description()["images"] == job.images()
    lines = text(job).splitlines()
    words = f"images {images[0]} to train, {images[1]} to validate, {images[2]} to test"
    assert " ".join(lines[2].split()) == words
    assert line in lines[3]


def test_a_set_without_test_images_of_its_own_needs_no_line(tmp_path: Path) -> None:
    job = prepared(tmp_path)
    assert text(job).splitlines()[3].startswith("points")


@pytest.mark.parametrize(("asked", "largest"), [("auto", None), ("off", 1), ("1", 1), ("3", 3)])
def test_the_packs_of_a_plan_keep_to_the_bound(tmp_path: Path, asked: str, largest: int | None) -> None:
    assert largest_pack(asked) == largest
    job = prepared(tmp_path)
    plan = plan_job(job, None)
    packs = plan_packs(job, plan.lineages, LaunchOptions(workers=1, device="cpu", largest_pack=largest))
    # Four lineages in two batch sizes: two packs of two, unless each is alone.
    assert sorted(len(pack.lineages) for pack in packs) == ([1] * 4 if largest == 1 else [2, 2])
    words = "4  of one training each" if largest == 1 else "2  of up to 2 trainings; a worker"
    assert words in plan_text(job, plan, packs, Left(), width=None)
    assert plan_json(job, plan, packs, Left())["largest_pack"] == (largest == 1 or 2)

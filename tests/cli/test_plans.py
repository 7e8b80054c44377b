"""What a plan says the images of a data set are used for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gridsearch.cli.plans import plan_text
from gridsearch.engine.launch import plan_job
from tests.engine.launching import prepared


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
    lines = plan_text(job, plan_job(job, None)).splitlines()
    words = f"images {images[0]} to train, {images[1]} to validate, {images[2]} to test"
    assert " ".join(lines[2].split()) == words
    assert line in lines[3]


def test_a_set_without_test_images_of_its_own_needs_no_line(tmp_path: Path) -> None:
    job = prepared(tmp_path)
    assert plan_text(job, plan_job(job, None)).splitlines()[3].startswith("points")

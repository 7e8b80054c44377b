"""What a plan says: what the images of a data set are used for, and what is trained as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gridsearch.cli.render.disk import Room
from gridsearch.cli.render.plans import Left, doom_lines, plan_json, plan_line, plan_text
from gridsearch.cli.resources import largest_pack
from gridsearch.config.events import TrialState
from gridsearch.config.job import job_from_text
from gridsearch.config.selection import selecting
from gridsearch.engine.disk.disk_need import DiskNeed
from gridsearch.engine.prepare.preparation import PreparedJob, prepare
from gridsearch.engine.run.planning import LaunchOptions, plan_job, plan_packs
from gridsearch.errors import DataError
from gridsearch.store.opening import open_store
from tests.engine.launching import JOB, launch, prepared


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
    assert job.record().as_json()["images"] == job.images()
    lines = text(job).splitlines()
    words = f"images {images[0]} to train, {images[1]} to validate, {images[2]} to test"
    assert " ".join(lines[2].split()) == words
    assert line in lines[3]


def test_a_set_without_test_images_of_its_own_needs_no_line(tmp_path: Path) -> None:
    job = prepared(tmp_path)
    lines = text(job).splitlines()
    assert [line.split()[0] for line in lines[2:6]] == ["images", "shape", "classes", "points"]
    assert lines[3].endswith("1 x 8 x 8: grey, 8 pixels high, 8 wide")
    assert "  10  from '8' with 174 images to '3' with 183 (0:178, 1:182, 2:177, 3:183, " in lines[4]
    found = plan_json(job, plan_job(job, None), [], Left())
    assert (found["image_shape"], list(found["classes"])) == ([1, 8, 8], list("0123456789"))
    assert sum(found["classes"]["3"].values()) == 183
    for part, images in found["images"].items():
        assert sum(counts[part] for counts in found["classes"].values()) == images


@pytest.mark.parametrize(
    ("split", "images", "line"),
    [
        ("{}", (100, 30, 40, 0), "30  validation images of the data set's own, which are the validation part"),
        ("{validation: own}", (100, 30, 40, 0), "30  validation images of the data set's own, which are the"),
        ("{validation: 0.2}", (80, 20, 40, 30), "30  validation images of the data set's own are not used: split.val"),
        ("{folds: 2}", (50, 50, 40, 30), "30  validation images of the data set's own are not used: split.folds"),
        ("{test: 20}", (80, 30, 20, 40), "30  validation images of the data set's own, which are the validation part"),
        ("{test: 40, merge: true}", (100, 30, 40, 0), "30  validation images of the data set's own, which are the"),
        ("{test: 40, merge: true, validation: 30}", (100, 30, 40, 0), "pooled with its training and test images"),
    ],
)
def test_the_sets_own_validation_images(tmp_path: Path, split: str, images: tuple[int, ...], line: str) -> None:
    pixels, labels = np.zeros((170, 4, 4), np.uint8), np.arange(170) % 3
    parts = {"train": slice(0, 100), "test": slice(100, 140), "val": slice(140, 170)}
    np.savez(
        tmp_path / "own.npz",
        **{f"{name}_images": pixels[part] for name, part in parts.items()},
        **{f"{name}_labels": labels[part] for name, part in parts.items()},
    )
    job = prepared(tmp_path, "dataset=./own.npz", f"split={split}", "batch_size=8")
    told = job.images()
    assert (told["train"], told["validation"], told["test"], told.get("unused", 0)) == images
    assert line in text(job)


def test_own_validation_images_are_another_split_and_known_to_the_trial(tmp_path: Path) -> None:
    pixels, labels = np.arange(170 * 16).reshape(170, 4, 4).astype(np.uint8), np.arange(170) % 3
    arrays = {"train_images": pixels[:140], "train_labels": labels[:140]}
    np.savez(tmp_path / "own.npz", **arrays, val_images=pixels[140:], val_labels=labels[140:])
    small = ("dataset=./own.npz", "batch_size=8")
    own, drawn = (prepared(tmp_path, *small, f"split={split}") for split in ("{}", "{validation: 0.2}"))
    assert own.grid.trials[0].config.split.validation == "own"
    assert not {t.trial_id for t in own.grid.trials} & {t.trial_id for t in drawn.grid.trials}
    (split,) = own.splits.values()
    assert np.array_equal(split.validation_images, pixels[140:])
    with pytest.raises(DataError, match="job:3:21: split: validation: own: digits has no validation images"):
        prepared(tmp_path, text=JOB.replace("test: 0.1", "validation: own"))


def test_classes_that_a_part_lacks_are_told(tmp_path: Path) -> None:
    pixels, labels = np.zeros((60, 4, 4), np.uint8), np.arange(60) % 30
    test = {"test_images": pixels[:2], "test_labels": np.array([0, 0])}
    np.savez(tmp_path / "own.npz", train_images=pixels, train_labels=labels, **test)
    said = text(prepared(tmp_path, "dataset=./own.npz", "split={validation: 30, stratify: true}", "batch_size=8"))
    assert "30  from '1' with 2 images to '0' with 4; 29 classes without an image to test: '1', '2', '3', ..." in said


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


def test_what_a_launch_will_need_of_the_disk_and_what_to_do_where_it_is_not_free(tmp_path: Path) -> None:
    job = prepared(tmp_path)
    plan, need = plan_job(job, None), DiskNeed(checkpoints=268_000_000, weights=45_000_000, most=1_600_000_000)
    for free, short in ((70 * 10**9, False), (10**9, True)):
        said = plan_text(job, plan, [], Left(), room=Room(need, free), width=80)
        assert "\ndisk       1.6 GB  at most; checkpoints 268 MB, weights 45 MB are kept" in said
        assert (" only 1.0 GB are free on the store's disk: " in " ".join(said.split())) is short
        assert max(map(len, said.splitlines())) <= 80
    assert plan_json(job, plan, [], Left(), room=Room(need, 7))["disk"] == {
        "checkpoints": 268_000_000, "weights": 45_000_000, "most": 1_600_000_000, "limit": None, "free": 7,
    }  # fmt: skip
    assert "none of it is kept" in plan_text(job, plan, [], Left(), room=Room(DiskNeed(0, 0, 9), 9), width=80)
    assert "disk" not in plan_text(job, plan, [], Left(), room=Room(None, 9), width=80)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (5e9, "all checkpoints of the store are limited to 5.0 GB"),
        (0.0, "are deleted when their trainings end (checkpoints)"),
    ],
)
def test_a_limit_for_checkpoints_stands_in_the_plan(tmp_path: Path, limit: float, words: str) -> None:
    job = prepared(tmp_path)
    plan, need = plan_job(job, None), DiskNeed(checkpoints=268_000_000, weights=0, most=1_600_000_000)
    done = replace(plan, lineages=[])
    for made, room in ((plan, Room(need, 7, limit)), (plan, Room(None, 7, limit)), (done, Room(need, 7, limit))):
        said = " ".join(plan_text(job, made, [], Left(), room=room, width=60).split())
        assert words in said
        found = plan_json(job, made, [], Left(), room=room)
        assert found["disk"]["limit"] == limit


def test_what_cannot_be_trained_is_one_number_everywhere(tmp_path: Path) -> None:
    (tmp_path / "picky_nets.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self, in_features, num_classes, width):\n"
        "        super().__init__()\n"
        "        if width == 7:\n"
        "            raise ValueError('7 is no width')\n"
        "        self.layer = torch.nn.Linear(in_features, num_classes)\n"
        "    def forward(self, x):\n"
        "        return self.layer(x.flatten(1))\n"
    )
    axes = "space: {batch_size: 64, epochs: [1, 2], learning_rate: 0.1, width: [7, 8, 9]}\n"
    written = JOB.partition("space:")[0].replace("shallow", "picky_nets:Net") + axes
    job, path = prepared(tmp_path, text=written), tmp_path / "r.db"
    plan = plan_job(job, None)
    steps = plan.lineages[0].config.batches_of_epoch(job.images()["train"])
    assert (plan.new, len(plan.doomed), plan.epochs, plan.epochs_alone, len(plan.lineages)) == (4, 2, 4, 6, 2)
    assert sum(lineage.steps for lineage in plan.lineages) == 4 * steps
    assert plan_line(job, plan) == (
        "small: 6 trials, +4 new, !2 cannot be trained; 4 epochs to train (6 without sharing)"
    )
    (line,) = doom_lines(job, plan)
    assert "2 trials of 6 cannot be trained; leave them out with a rule, skip: width == 7" in line
    found = plan_json(job, plan, [], Left())
    assert (found["new"], found["cannot_be_trained"], found["lineages"], found["steps"]) == (4, 2, 2, 4 * steps)
    end = launch(job, path)
    assert end.counts == {TrialState.COMPLETED: 4, TrialState.FAILED: 2}
    with open_store(path) as store:
        again = plan_job(job, store, retry_failed=True)
        assert plan_line(job, again) == "small: 6 trials, !2 cannot be trained, =4 done; nothing to train"
        assert len(plan_job(job, store).doomed) == 2


def test_a_part_that_is_done_is_not_said_to_be_trained(tmp_path: Path) -> None:
    job, path = job_from_text(JOB, base=tmp_path), tmp_path / "r.db"
    slow, small = (
        prepare(selecting(job, [only]), tmp_path / "data") for only in ("learning_rate == 0.01", "batch_size == 64")
    )
    part = "small: 4 of 8 trials selected, "
    assert plan_line(slow, plan_job(slow, None)).startswith(f"{part}+4 new; ")
    launch(slow, path)
    with open_store(path) as store:
        assert plan_line(slow, plan_job(slow, store)) == f"{part}=4 done; nothing to train"
        assert plan_line(small, plan_job(small, store)).startswith(f"{part}+2 still to train, =2 done; ")

"""Every job that comes with the repository: its points, the parts of its real images, and a step of its training."""

from __future__ import annotations

import functools
import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from gridsearch.cli.main import app
from gridsearch.config.events import TrialState
from gridsearch.config.job import JobSpec, load_job
from gridsearch.data import catalog
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.digits import load_digits
from gridsearch.data.torchvision_sets import load_torchvision_set
from gridsearch.engine.prepare import preflight_recipe, preparation
from gridsearch.engine.prepare.preparation import PreparedJob, prepare
from gridsearch.errors import ModelError
from gridsearch.models.registry import build_model, find_model
from gridsearch.store.opening import open_store
from tests.real_data import require_real_data

JOBS = Path(__file__).parents[2] / "jobs"
#: The images of a training of one step.
BATCH, VALIDATION = 8, 4


@dataclass(frozen=True)
class Expected:
    """A job's points, how many trials each is, and the images that train, validate, test."""

    points: int
    images: tuple[int, int, int]
    folds: int = 1


MNIST = (50_400, 12_600, 7_000)
MNIST_SMALL = (5_000, 2_000, 7_000)
R0, R0_SMALL = (35_000, 10_000, 5_000), (2_000, 1_000, 5_000)
R3, R3_SMALL = (45_000, 5_000, 10_000), (2_000, 1_000, 10_000)
R4 = (5_000, 5_000, 10_000)
EXPECTED = {
    "quickstart": Expected(384, (1_294, 323, 180)),
    # report 002
    "perceptron": Expected(4, MNIST),
    "shallow": Expected(384, MNIST),
    "deep2": Expected(49, MNIST),
    "deep2-small": Expected(6, MNIST_SMALL),
    "deep3": Expected(27, MNIST),
    "deep3-small": Expected(8, MNIST_SMALL),
    "deep3-promoted": Expected(5, MNIST),
    "deep3-promoted-small": Expected(4, MNIST_SMALL),
    "resnet18": Expected(3, MNIST),
    "resnet18-small": Expected(3, (2_000, 1_000, 7_000)),
    # report 001
    "squeezenet": Expected(27, R3),
    "squeezenet-small": Expected(6, (1_000, 500, 10_000)),
    "squeezenet-random": Expected(24, (40_000, 10_000, 10_000), folds=5),
    "squeezenet-random-small": Expected(4, (2_000, 2_000, 46_000), folds=2),
    # report 000
    "mlp": Expected(1, R0),
    "mlp-small": Expected(1, (5_000, 2_000, 5_000)),
    "mlp-sizes": Expected(18, R0),
    "mlp-sizes-small": Expected(6, (5_000, 2_000, 5_000)),
    "custom-cnn": Expected(39, R0),
    "custom-cnn-small": Expected(4, R0_SMALL),
    "mobilenet": Expected(2, R0),
    "mobilenet-small": Expected(2, R0_SMALL),
    "deepnn": Expected(1, R0),
    "deepnn-small": Expected(1, R0_SMALL),
    "lightnn": Expected(3, R0),
    "lightnn-small": Expected(3, R0_SMALL),
    "lightnn-softness": Expected(16, R0),
    "lightnn-softness-small": Expected(6, R0_SMALL),
    "resnet50": Expected(1, R0),
    "resnet50-small": Expected(1, (1_000, 500, 5_000)),
    "resnet18-distilled": Expected(2, R0),
    "resnet18-distilled-small": Expected(2, (1_000, 500, 5_000)),
    # report 003
    "wide-vs-deep": Expected(3, R3),
    "wide-vs-deep-small": Expected(3, R3_SMALL),
    "wide-deep": Expected(4, R3),
    "wide-deep-small": Expected(4, R3_SMALL),
    "wide-deep-batch": Expected(4, R3),
    "wide-deep-batch-small": Expected(4, R3_SMALL),
    # report 004
    "one-conv-batch": Expected(9, R4),
    "one-conv-optimizers": Expected(3, R4),
    "three-conv": Expected(1, R4),
    "three-conv-grid": Expected(384, R4),
    "three-conv-grid-small": Expected(16, R3_SMALL),
    "three-conv-regularised": Expected(4, R4),
}
each_job = pytest.mark.parametrize("name", EXPECTED)


@functools.cache
def images_of(reference: str) -> ImageDataset:
    return load_digits() if reference == "digits" else load_torchvision_set(reference, require_real_data(reference))


@pytest.fixture(autouse=True)
def _real_images_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "load_torchvision_set", lambda reference, folder: images_of(reference))


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Have every address refuse to answer, and nothing in torch hub's cache; return an empty folder of data."""
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")
    # urllib keeps the proxies of its first call, for the tests after this one too.
    monkeypatch.setattr(urllib.request, "_opener", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    return tmp_path / "data"


def test_every_job_file_is_told_of_here_and_named_after_itself() -> None:
    found = {path.stem: load_job(path) for path in JOBS.iterdir()}
    assert found.keys() == EXPECTED.keys()
    for name, job in found.items():
        assert job.name == name
        assert job.source.startswith("# yaml-language-server: $schema=../docs/job.schema.json\n# ")


@pytest.mark.slow
@each_job
def test_its_points_and_the_parts_of_its_images(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Only the content of the weights is not needed for this.
    weights = preparation.StartingWeights({"imagenet": "imagenet"})
    monkeypatch.setattr(preparation, "pretrained_files", lambda job, model, data_dir: weights)
    monkeypatch.setattr(preflight_recipe, "_check_pretrained", lambda *given: None)
    job, expected = load_job(JOBS / f"{name}.yaml"), EXPECTED[name]
    images_of(job.dataset)
    prepared = prepare(job, tmp_path, teacher="teacher" if job.teacher else "")
    assert prepared.grid.kept == expected.points
    assert len(prepared.grid.trials) == expected.points * expected.folds
    images = prepared.images()
    assert (images["train"], images["validation"], images["test"]) == expected.images


def parameters(prepared: PreparedJob, hyper: Mapping[str, Any]) -> int:
    data = prepared.dataset
    with torch.device("meta"):
        model = build_model(
            find_model(prepared.job.models[0]), hyper, image_shape=data.image_shape, num_classes=data.num_classes
        )
    return sum(parameter.numel() for parameter in model.parameters())


def shrunk(folder: Path, name: str) -> JobSpec:
    """Write a job's smallest model as a job of one step to a folder, its teacher's too, and return it.

    What its students learn stays an axis; weights to start from are left out.
    """
    path = JOBS / f"{name}.yaml"
    full = load_job(path)
    if full.teacher:
        shrunk(folder, full.teacher.job)
    without = ['pretrained=""'] if any(full.values("pretrained")) else []
    prepared = prepare(load_job(path, without), folder, teacher="teacher" if full.teacher else "")
    models = {repr(trial.config.hyper): trial.config for trial in prepared.grid.trials}
    config = min(models.values(), key=lambda config: parameters(prepared, config.hyper))
    settings = {**prepared.models[config.model].optional, **config.settings()}
    smallest = {axis.name: settings[axis.name] for axis in full.space.axes}
    smallest |= {"epochs": 1, "batch_size": BATCH}
    smallest.pop("distillation", None)
    split, dataset = full.split, prepared.dataset
    pool = len(dataset.train_labels) + (len(dataset.test_labels) if split.merge else 0)
    parts = {"folds": split.folds} if split.folds else {"validation": VALIDATION}
    parts |= {"test": pool - 2 * BATCH * (split.folds or 1), "train": BATCH}
    overrides = [f"{key}={json.dumps([value])}" for key, value in smallest.items()]
    overrides += [f"split={json.dumps({'merge': split.merge, **parts})}", "rules=[]", *without]
    job = load_job(path, [*overrides, "search.random=1"] if full.search else overrides)
    (folder / path.name).write_text(job.source)
    return job


@pytest.mark.slow
@each_job
def test_its_smallest_model_trains_a_step(name: str, tmp_path: Path) -> None:
    job = shrunk(tmp_path, name)
    store_path = tmp_path / "results.db"
    options = ["--inline", "--pack", "off", "--no-dashboard", "--store", str(store_path), "--data-dir", str(tmp_path)]
    assert app(["launch", str(tmp_path / f"{name}.yaml"), *options], standalone_mode=False) == 0
    with open_store(store_path, create=False) as store:
        rows = store.trials(name)
        assert len(rows) == EXPECTED[name].folds * len(job.values("distillation"))
        for row in rows:
            assert row.state == TrialState.COMPLETED
            assert row.train_loss is not None
            assert row.train_loss > 0


@pytest.mark.parametrize("name", ["resnet18", "resnet18-small", "mobilenet", "mobilenet-small"])
def test_without_a_network_the_weights_of_imagenet_are_one_line(name: str, no_network: Path) -> None:
    job = load_job(JOBS / f"{name}.yaml")
    images_of(job.dataset)
    with pytest.raises(ModelError) as caught:
        prepare(job, no_network)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{JOBS / name}.yaml:")
    assert "cannot be downloaded" in message
    assert "run once where there is a network" in message

"""What the peers of `peers.py` share: data, the grid's points, training, and how results are handed over.

The training is good plain PyTorch: the data is two tensors, every epoch draws one permutation and cuts it
into views, nothing is copied or converted inside the loop, and both splits are evaluated in one batch each,
with the weights at the end of the epoch (cheaper than summing up the loss of every step). On a GPU the data
lies there, and a step's update is one kernel. Every trial starts from the same seed, so peers that train the
same point on one thread report the same numbers.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

SEED = 0

Metrics = dict[str, float]


@dataclass(frozen=True)
class Point:
    """One choice of the four hyperparameters."""

    batch_size: int
    epochs: int
    learning_rate: float
    neurons: int

    def steps(self, images: int) -> int:
        """Return how many optimiser steps training this point on so many images takes."""
        return self.epochs * math.ceil(images / self.batch_size)


@dataclass(frozen=True)
class Task:
    """What a peer is asked to do. `axes` is empty when the points are not the whole product of axes.

    `data` is "digits", or the folder of an `mnist.npz`; `device` is where peers train, "cpu" or "cuda".
    """

    data: str
    points: tuple[Point, ...]
    axes: dict[str, list[float]]
    workers: int
    report_every: int
    deadline: float
    folder: Path
    device: str = "cpu"


@dataclass(frozen=True)
class Record:
    """A finished trial: its point, when it ran (in Unix time), seconds inside `train`, last accuracy."""

    index: int
    started: float
    ended: float
    seconds: float
    accuracy: float


class Data(NamedTuple):
    """float32 images (N, pixels) in [0, 1] and int64 labels; the test split is held out."""

    train_images: Tensor
    train_labels: Tensor
    validation_images: Tensor
    validation_labels: Tensor

    def on(self, device: str) -> Data:
        """Return the data on a device, where they stay."""
        return Data(*(tensor.to(device) for tensor in self))


def split_sizes(data: str) -> tuple[int, int, int]:
    """Return how many images the jobs quickstart and shallow test, validate and train on."""
    return (180, 323, 1294) if data == "digits" else (7000, 12600, 50400)


def load_data(data: str) -> Data:
    """Return scikit-learn's digits, or all of MNIST, split at random."""
    if data == "digits":
        images, labels = load_digits(return_X_y=True)
        images = (images / 16.0).astype("float32")
    else:
        with np.load(Path(data) / "mnist.npz") as stored:
            pixels = np.concatenate([stored["train_images"], stored["test_images"]])
            labels = np.concatenate([stored["train_labels"], stored["test_labels"]])
        images = pixels.reshape(len(pixels), -1).astype("float32") / np.float32(255)
    tested, validated, _ = split_sizes(data)
    rest, _, rest_labels, _ = train_test_split(images, labels, test_size=tested, random_state=SEED)
    train, validation, train_labels, validation_labels = train_test_split(
        rest, rest_labels, test_size=validated, random_state=SEED
    )
    arrays = (train, train_labels, validation, validation_labels)
    return Data(*(torch.from_numpy(array) for array in arrays))


def warm_up() -> None:
    """Use one thread, and pay now for what a process's first optimiser imports (torch's compiler)."""
    torch.set_num_threads(1)
    torch.optim.SGD([torch.zeros(1, requires_grad=True)])


def train(point: Point, data: Data) -> Iterator[Metrics]:
    """Train one point; yield the metrics of each epoch, and the seconds spent in here so far."""
    began = time.perf_counter()
    torch.manual_seed(SEED)
    device = data.train_images.device
    model = nn.Sequential(nn.Linear(data.train_images.shape[1], point.neurons), nn.ReLU(), nn.Linear(point.neurons, 10))
    model.to(device)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=point.learning_rate, fused=True if device.type == "cuda" else None
    )
    seconds = time.perf_counter() - began
    for epoch in range(1, point.epochs + 1):
        began = time.perf_counter()
        _train_epoch(model, optimizer, point.batch_size, data)
        train_loss, train_accuracy = _evaluate(model, data.train_images, data.train_labels)
        validation_loss, validation_accuracy = _evaluate(model, data.validation_images, data.validation_labels)
        seconds += time.perf_counter() - began
        yield {
            "epoch": epoch,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            "validation_loss": validation_loss,
            "validation_accuracy": validation_accuracy,
            "seconds": seconds,
        }


def _train_epoch(model: nn.Module, optimizer: torch.optim.Optimizer, batch_size: int, data: Data) -> None:
    order = torch.randperm(len(data.train_labels), device=data.train_labels.device)
    batches = torch.split(data.train_images[order], batch_size)
    targets = torch.split(data.train_labels[order], batch_size)
    for images, labels in zip(batches, targets, strict=True):
        optimizer.zero_grad()
        cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


@torch.no_grad()
def _evaluate(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    scores = model(images)
    correct = scores.argmax(dim=1) == labels
    return cross_entropy(scores, labels).item(), correct.float().mean().item()


def longest_first(points: Sequence[Point]) -> list[int]:
    """Return the positions of the points, those with the most steps first."""
    return sorted(range(len(points)), key=lambda index: -points[index].epochs / points[index].batch_size)


def due(epoch: int, point: Point, every: int) -> bool:
    """Return whether a tool reports this epoch: every k-th one, and the last."""
    return epoch % every == 0 or epoch == point.epochs


def write_task(task: Task, path: Path) -> None:
    """Write a task for another process."""
    path.write_text(json.dumps(asdict(task), default=str))


def read_task() -> tuple[Task, Path]:
    """Return the task named by the first argument of this process, and the file its records belong in."""
    task_file, record_file = (Path(argument) for argument in sys.argv[1:3])
    content = json.loads(task_file.read_text())
    content["points"] = tuple(Point(**point) for point in content["points"])
    content["folder"] = Path(content["folder"])
    return Task(**content), record_file


def write_records(records: Sequence[Record], path: Path) -> None:
    """Hand over the finished trials."""
    path.write_text(json.dumps([asdict(record) for record in records]))


def read_records(path: Path) -> list[Record]:
    """Return the finished trials another process handed over; none when it did not get that far."""
    return [Record(**entry) for entry in json.loads(path.read_text())] if path.exists() else []

"""Jobs on data that are no images of bytes: what is refused, what models are given, what a plan says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from gridsearch.cli.main import app
from gridsearch.cli.render.data_rows import data_rows
from gridsearch.config.identity import parse
from gridsearch.engine.prepare.preparation import PreparedJob
from gridsearch.errors import DataError, GridsearchError, JobError, ModelError
from gridsearch.store.opening import open_store
from tests.engine.launching import launch, prepared

HEAD = """\
name: small
dataset: mine.npz
split: {test: 0.1}
epochs: 1
batch_size: 64
learning_rate: 0.1
"""
NETS = """\
from torch import nn

class Words(nn.Module):
    def __init__(self, num_classes, vocabulary, input_shape):
        super().__init__()
        self.places = nn.Embedding(input_shape[0], 4)
        self.words = nn.Embedding(vocabulary, 4)
        self.out = nn.Linear(4, num_classes)

    def forward(self, x):
        return self.out(self.words(x).mean(1) + self.places.weight.mean(0))

class Imaged(nn.Linear):
    def __init__(self, image_shape, num_classes):
        super().__init__(image_shape[0], num_classes)

class Channels(nn.Linear):
    def __init__(self, in_channels, num_classes):
        super().__init__(in_channels, num_classes)
"""
TABLE = datasets.load_wine()
DIGITS = datasets.load_digits()
TOKENS = DIGITS.data.astype(np.int16)


def job(folder: Path, examples: Any, more: str, labels: Any = None) -> PreparedJob:
    (folder / "number_words.py").write_text(NETS)
    chosen = labels if labels is not None else TABLE.target if len(examples) == len(TABLE.target) else DIGITS.target
    np.savez(folder / "mine.npz", x_train=examples, y_train=chosen)
    return prepared(folder, text=HEAD + more)


PERCEPTRON = "model: perceptron\n"


@pytest.mark.parametrize(
    ("examples", "more", "said"),
    [
        (
            TABLE.data,
            "normalization: scale\n",
            "job:8:16: normalization: scale is for pixels in [0, 1], and the data are float64 from 0.13 to 1680; write"
            " none for the numbers as they are, channel to standardise them, or save them divided",
        ),
        (TABLE.data, "space: {normalization: [channel, scale]}\n", "normalization: scale is for pixels in [0, 1]"),
        (
            TABLE.data,
            "normalization: imagenet\n",
            "ImageNet's normalisation is for pixels in [0, 1], and the data are float64 from 0.13 to 1680",
        ),
        (
            TABLE.data / 2000,
            "normalization: imagenet\n",
            "for colour images or grey ones, and an example of the shape (13,) is none; write normalization: channel",
        ),
        (DIGITS.images, "normalization: none\nflip: true\n", "save images as (N, C, H, W)"),
        (TABLE.data, "rotation: 5\n", "job:8:11: rotation: an example of the shape (13,) is no image (C, H, W); leave"),
        (
            DIGITS.images[:, None],
            "crop_padding: 8\n",
            "crop_padding: 8 pixels around images of 8 x 8 may leave nothing of them; give less than 8",
        ),
        (
            TABLE.data * 1e38,
            "",
            "precision: the data have numbers of 1.68e+41, which float32 does not hold; write float64",
        ),
        (
            DIGITS.images.astype(np.uint8),
            "normalization: none\n",
            "normalization: none is for floats: models see images of bytes in [0, 1]; write scale",
        ),
    ],
)
def test_what_a_recipe_cannot_do_with_floats(tmp_path: Path, examples: Any, more: str, said: str) -> None:
    with pytest.raises(JobError) as caught:
        job(tmp_path, examples, PERCEPTRON + more)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_floats_in_0_to_1_may_be_called_scaled_and_are_the_same_trials(tmp_path: Path) -> None:
    scaled = job(tmp_path, DIGITS.images[:, None] / 16, PERCEPTRON + "normalization: scale\nflip: true\n")
    without = job(tmp_path, DIGITS.images[:, None] / 16, PERCEPTRON + "flip: true\n")
    assert [one.trial_id for one in scaled.grid.trials] == [one.trial_id for one in without.grid.trials]


def test_numbers_that_float32_does_not_hold_are_trained_in_float64(tmp_path: Path) -> None:
    job(tmp_path, TABLE.data * 1e38, PERCEPTRON + "precision: float64\nnormalization: channel\n")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("normalization: channel\n", "normalization: channel is not for whole numbers (int16 from 0 to 16); leave it"),
        ("normalization: scale\n", "normalization: scale is not for whole numbers"),
        ("shift: 0.1\n", "shift: the data are whole numbers (int16 from 0 to 16), not images; leave augmentation out"),
    ],
)
def test_what_a_recipe_cannot_do_with_whole_numbers(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(JobError) as caught:
        job(tmp_path, TOKENS, "model: number_words:Words\n" + (more + "space: {vocabulary: [17]}\n"))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("examples", "more", "said"),
    [
        (
            TOKENS,
            PERCEPTRON,
            "whole numbers from 0 to 16, which models get as int64 for embeddings: save them as np.float32",
        ),
        (
            TABLE.data,
            "model: wide_cnn\n",
            "it takes image_shape (C, H, W), and an example of the data has the shape (13,)",
        ),
        (TABLE.data, "model: number_words:Imaged\n", "save images as (N, C, H, W), or take input_shape"),
        (
            TABLE.data,
            "model: number_words:Channels\n",
            "it takes in_channels, and an example of the data is a row of 13",
        ),
    ],
)
def test_models_that_are_for_other_data(tmp_path: Path, examples: Any, more: str, said: str) -> None:
    with pytest.raises(ModelError) as caught:
        job(tmp_path, examples, more)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_an_embedding_without_a_place_for_the_highest_number_costs_its_own_trials(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = job(tmp_path, TOKENS, "model: number_words:Words\nspace: {vocabulary: [16, 17]}\n")
    (doom,) = found.dooms
    assert [found.doom_of(trial.config) is doom for trial in found.grid.trials] == [True, False]
    assert "index out of range" in doom.error
    ended = launch(found, tmp_path / "results.db")
    with open_store(tmp_path / "results.db", create=False) as store:
        rows = {parse(row.config).hyper["vocabulary"]: row for row in store.trials("small")}
        assert (rows[16].state, rows[17].state) == ("failed", "completed"), ended
        record = store.job("small").record
        assert record.image_shape == (64,) and record.numbers and record.numbers.whole == (0, 16)
        trial = rows[17].trial_id
    app(["show", trial, "--layers", "--store", str(tmp_path / "results.db")], standalone_mode=False)
    assert "multiply-adds for one image of 64" in capsys.readouterr().out
    kept = json.loads((tmp_path / "weights" / f"{trial[:12]}.json").read_text())
    assert kept["preprocessing"]["pixels"] == "numbers as they are, as int64, shape (batch, ...)"


@pytest.mark.parametrize(
    ("examples", "text"),
    [
        (TABLE.data, "13: float64 from 0.13 to 1680, as they are"),
        (
            DIGITS.images.astype(np.float32),
            "8 x 8: float32 from 0 to 16, as they are (if these are images: save them as (N",
        ),
        (
            np.repeat(DIGITS.images[..., None], 3, 3),
            "8 x 8 x 3: float64 from 0 to 16, as they are (if these are images:",
        ),
        (DIGITS.images[:, None], "1 x 8 x 8: float64 from 0 to 16, as they are"),
    ],
)
def test_a_plan_says_what_the_data_are(tmp_path: Path, examples: Any, text: str) -> None:
    (said,) = (text for name, _, text in data_rows(job(tmp_path, examples, PERCEPTRON)) if name == "shape")
    assert said.startswith(text) and ("images" in said) == ("images" in text)


def test_pictures_are_of_images_of_bytes(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", x_train=TABLE.data, y_train=TABLE.target)
    with pytest.raises(DataError, match=r"samples is for images of bytes, and mine holds float64 of shape \(13,\)"):
        app(["samples", str(tmp_path / "mine.npz")], standalone_mode=False)
    with pytest.raises(GridsearchError, match="first nan at \\[0, 0\\]"):
        job(tmp_path, np.where(TABLE.data == TABLE.data[0, 0], np.nan, TABLE.data), PERCEPTRON)

"""The layers of a model on the command line; in this process, but for what a terminal shows."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gridsearch.cli.main import app
from gridsearch.errors import GridsearchError
from tests.cli.program import run

WIDE = ["--model", "wide_cnn", "--image-size", "3x32x32"]
OWN = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self, in_features, num_classes, width=3):
        print("a model is born")
        first = nn.Linear(in_features, width).requires_grad_(False)
        super().__init__(nn.Flatten(), first, nn.Linear(width, num_classes))
"""


def show(*arguments: str) -> str:
    ended = CliRunner().invoke(app, ["show", *arguments])
    if ended.exception:
        raise ended.exception
    return ended.stdout


def test_a_terminal_shows_the_whole_table(tmp_path: Path) -> None:
    ended = run(tmp_path, "show", "--model", "resnet18", "--image-size", "1x28x28", COLUMNS="80")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0].split() == ["layer", "type", "output", "params", "macs"]
    assert lines[2].split() == ["conv1", "Conv2d", "64x1x7x7", "64x14x14", "3,136", "614,656"]
    assert lines[53].split() == ["fc", "Linear", "10x512", "10", "5,130", "5,120"]
    assert " ".join(lines[55:]) == (
        "11,175,370 parameters, all trainable; 33,015,744 multiply-adds for one image of 1 x 28 x 28"
    )
    assert all(len(line) <= 80 for line in lines)


def test_every_other_format() -> None:
    rows = list(csv.DictReader(io.StringIO(show(*WIDE, "--format", "csv"))))
    assert rows[0] == {
        "layer": "features.conv1", "type": "Conv2d", "weight": "64x3x3x3", "output": "64x32x32",
        "params": "1792", "macs": "1769472",
    }  # fmt: skip
    assert (sum(int(row["params"]) for row in rows), sum(int(row["macs"]) for row in rows)) == (222_226, 13_131_728)
    assert show(*WIDE, "-f", "md").splitlines()[-1] == "| total |  |  |  | 222,226 | 13,131,728 |"
    assert r"total &  &  &  & 222,226 & 13,131,728 \\" in show(*WIDE, "-f", "latex")
    found = json.loads(show(*WIDE, "--json", "--set", "batch_norm=first", "--classes", "7"))
    assert (found["model"], found["settings"]) == ("wide_cnn", {"batch_norm": "first"})
    assert (found["image_shape"], found["classes"], found["macs"]) == ([3, 32, 32], 7, 13_131_728 - 600 + 176)
    assert found["parameters"] == found["trainable"] == sum(layer["parameters"] for layer in found["layers"])
    assert found["layers"][1]["name"] == "features.norm1"


def test_a_model_of_the_users_on_a_data_set(in_tmp: Path) -> None:
    (in_tmp / "shown_net.py").write_text(OWN)
    text = show("--model", "shown_net:Net", "--dataset", "digits", "--set", "width=5", "-f", "csv")
    assert text.splitlines() == [
        "layer,type,weight,output,params,trainable,macs",
        "0,Flatten,,64,0,0,0",
        "1,Linear,5x64,5,325,0,320",
        "2,Linear,10x5,10,60,60,50",
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", "show: give a trial, or --model"),
        ("3f2a --model shallow", "show: give a trial or --model, not both"),
        ("3f2a --set neurons=3", "show: --set needs --model"),
        ("3f2a --classes 3", "show: --classes needs --model"),
        ("--model shallow", "needs the shape of the images: add --image-size 3x32x32 or --dataset cifar10"),
        ("--model shallow --image-size 1x8x8 --dataset digits", "needs the shape of the images: add --image-size"),
        (
            "--model shallow --dataset digits --classes 3",
            "--classes needs --image-size; a data set has its own classes",
        ),
        ("--model shallow --image-size 8x8", "--image-size 8x8: write channels x height x width, as in 3x32x32"),
        ("--model shallow --image-size 0x8x8", "--image-size 0x8x8: write channels x height x width"),
        ("--model shalow --image-size 1x8x8", "model 'shalow' is not known (did you mean 'shallow'?)"),
        ("--model shallow --image-size 1x8x8", "model 'shallow' needs 'neurons'; add --set NAME=VALUE"),
        ("--model shallow --image-size 1x8x8 --set neurons", "write it as key=value, for example --set neurons=100"),
        ("--model shallow --image-size 1x8x8 --set epochs=3", "--set epochs: a setting of the recipe; a model's"),
        ("--model shallow --image-size 1x8x8 --set neuron=3", "'neuron' is neither a recipe key nor a setting of"),
        (
            "--model deepnn --image-size 3x2x9",
            "images of 2 x 9 pixels (height x width) are too small for 2",
        ),
        ("--model shallow --set neurons=-3 --image-size 1x8x8", "neurons: a width must be at least 1, not -3"),
    ],
)
def test_mistakes_are_one_line(arguments: str, expected: str) -> None:
    with pytest.raises(GridsearchError) as caught:
        show(*arguments.split())
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)

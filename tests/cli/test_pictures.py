"""Sample images, activation maps and the log of epochs on the command line; in this process."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from gridsearch import paths
from gridsearch.cli.main import app
from gridsearch.errors import GridsearchError
from gridsearch.store.opening import open_store
from tests.cli.program import run
from tests.engine.launching import launch, prepared

JOB = """\
name: small
dataset: digits
split: {test: 0.1}
model: cnn
space:
  batch_size: [64]
  epochs: [2]
  learning_rate: [0.1]
  filters: [[2, 2, 2]]
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    launch(prepared(folder, text=JOB), folder / paths.STORE_NAME)
    launch(prepared(folder, "name=dense", "epochs=1", "batch_size=64", "learning_rate=0.1"), folder / paths.STORE_NAME)
    return folder / paths.STORE_NAME


def trial(store: Path, job: str = "small") -> str:
    with open_store(store, create=False, read_only=True) as opened:
        return opened.trials(job)[0].trial_id


def called(*arguments: str | Path) -> str:
    ended = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if ended.exception:
        raise ended.exception
    return ended.stdout


def pixels(file: str) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image)


def test_samples_are_a_page_or_a_picture(in_tmp: Path) -> None:
    assert called("samples", "digits") == "dashboards/digits-samples.html\n"
    page = Path("dashboards/digits-samples.html").read_text()
    assert page.count("<img") == 25 and page.count("<span>4</span>") == 3
    assert "25 of 1,797 training images in 10 classes; 8 x 8 pixels, grey." in page
    assert called("samples", "digits", "-n", "4", "-o", "new/some.png") == "new/some.png\n"
    first = pixels("new/some.png")
    called("samples", "digits", "-n", "4", "-o", "again.png")
    called("samples", "digits", "-n", "4", "--seed", "1", "-o", "other.png")
    assert (first == pixels("again.png")).all() and not (first == pixels("other.png")).all()


def test_samples_of_what_a_function_makes_with_its_arguments(in_tmp: Path) -> None:
    Path("made_by_arguments.py").write_text(
        "import numpy as np\ndef load(side=8):\n    x = np.arange(40 * side * side, dtype=np.uint8)\n"
        "    return (x.reshape(40, side, side), np.arange(40) % 2), None, None\n"
    )
    called("samples", "made_by_arguments:load", "--set", "side=16", "-o", "s.html")
    assert "25 of 40 training images in 2 classes; 16 x 16 pixels, grey." in Path("s.html").read_text()


def test_maps_are_a_page_or_a_picture(in_tmp: Path, store: Path) -> None:
    chosen = trial(store)
    (page,) = called("maps", chosen[:12], "--store", store).splitlines()
    text = (in_tmp / page).read_text()
    assert page == f"dashboards/{chosen[:12]}-maps.html"
    assert text.count("<img") == 8 * 4 and f"Trial {chosen[:8]} of small, cnn after epoch 2, on 8 validation" in text
    assert text.count("(8 x 8)</th>") == text.count("(4 x 4)</th>") == text.count("(2 x 2)</th>") == 1
    called("maps", chosen, "--store", store, "-n", "2", "-o", "two.png")
    assert len(pixels("two.png")) < 2 * 160 + 40


def test_what_cannot_be_drawn_is_refused_in_one_line(in_tmp: Path, store: Path) -> None:
    for arguments, words in (
        (("samples", "digts"), "did you mean 'digits'"),
        (("samples", "digits", "-o", "some.jpg"), "must end in .html or .png"),
        (("samples", "digits", "-o", store / "below.png"), "cannot be written"),
        (("maps", trial(store, "dense"), "--store", store), "no convolution"),
        (("maps", trial(store), "--layer", "conv9", "--store", store), "no convolution 'conv9'"),
        (("maps", "zz", "--store", store), "no trial's id starts with 'zz'"),
        (("show", trial(store), "--epochs", "--layers", "--store", store), "use --epochs alone"),
        (("show", trial(store), "-f", "csv", "--store", store), "needs a table: add --epochs"),
    ):
        with pytest.raises(GridsearchError) as caught:
            called(*arguments)
        assert words in str(caught.value) and "\n" not in str(caught.value)


def test_the_log_of_epochs(store: Path) -> None:
    ended = run(store.parent, "show", trial(store), "--epochs", COLUMNS="80")
    lines = ended.out.splitlines()
    assert lines[0].split() == ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds"]
    assert [line.split()[0] for line in lines[2:5]] == ["0", "1", "2"]
    assert lines[-1].startswith("2 epochs trained in ") and max(map(len, lines)) <= 80
    rows = list(csv.DictReader(io.StringIO(called("show", trial(store), "--epochs", "-f", "csv", "--store", store))))
    found = json.loads(called("show", trial(store), "--json", "--store", store))
    log = json.loads(called("show", trial(store), "--epochs", "--json", "--store", store))
    assert log == found["epochs"] and [row["val_loss"] for row in rows] == [f"{one['val_loss']:.6f}" for one in log]
    assert found["initial_val_loss"] == log[0]["val_loss"] and found["overfit_epoch"] is None


def test_measures_are_columns_of_top_and_of_exports(store: Path) -> None:
    columns = "initial_val_loss,overfit_epoch,seconds_per_epoch,ms_per_step"
    (row,) = csv.DictReader(io.StringIO(called("top", "small", "--columns", columns, "-f", "csv", "--store", store)))
    # 1,294 training images in batches of 64 are 21 steps.
    assert float(row["seconds_per_epoch"]) == pytest.approx(21 * float(row["ms_per_step"]) / 1000, rel=2e-3)
    assert 2 < float(row["initial_val_loss"]) < 3 and row["overfit_epoch"] == ""
    (exported,) = csv.DictReader(io.StringIO(called("export", "small", "-f", "csv", "--store", store)))
    assert float(exported["initial_val_loss"]) == pytest.approx(float(row["initial_val_loss"]), abs=1e-6)
    assert called("top", "small", "--filter", "ms_per_step < 0", "-f", "csv", "--store", store).count("\n") == 1

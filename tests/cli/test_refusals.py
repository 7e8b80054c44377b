"""Bad input: one clear line, the right exit code, and nothing stored is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.program import JOB, refused, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(JOB)
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "fragments"),
    [
        ("model: shallow", "modle: shallow", ["small.yaml:4:1", "modle: unknown key", "did you mean 'model'"]),
        ("neurons: [10]", "neurons: []", ["small.yaml:9:12", "at least one value"]),
        ("neurons: [10]", "neurons: [10, ten]", ["small.yaml:9:12", "mixed types"]),
        ("neurons: [10]", "neurons: [10]\n  neurons: [20]", ["small.yaml:10:3", "appears twice", "line 9"]),
        (
            "batch_size: [64, 128]",
            "batch_size: [64, 4096]",
            ["small.yaml:6:15", "4096 is larger than the training set"],
        ),
        ("epochs: [1, 3]", "epochs: [0]", ["small.yaml:7:12", "must be at least 1"]),
        ("epochs: [1, 3]", "epochs: [-3]", ["small.yaml:7:12", "must be at least 1"]),
        ("dataset: digits", "dataset: none.npz", ["small.yaml:2:10", "none.npz"]),
        ("dataset: digits", "dataset: digts", ["did you mean 'digits'"]),
        ("model: shallow", "model: no_such_module:Net", ["small.yaml:4:8", "no module named 'no_such_module'"]),
        ("neurons: [10]", "neuron: [10]", ["small.yaml:9:3", "did you mean 'neurons'"]),
        ("  neurons: [10]\n", "", ["needs 'neurons'"]),
    ],
)
def test_job_files(folder: Path, old: str, new: str, fragments: list[str]) -> None:
    (folder / "small.yaml").write_text(JOB.replace(old, new))
    refused(run(folder, "launch", "small.yaml", "--inline"), *fragments)
    assert not (folder / "results.db").exists()


def test_a_list_that_is_meant_as_one_value(folder: Path) -> None:
    (folder / "small.yaml").write_text(
        JOB.replace("model: shallow", "model: deep").replace("neurons: [10]", "hidden: [128, 64]")
    )
    refused(run(folder, "plan", "small.yaml"), "small.yaml:9:11: hidden: ", "write [[128, 64]]")
    assert run(folder, "plan", "small.yaml", "--set", "hidden=[[128, 64]]").code == 0


def test_one_thousandth_is_a_number(folder: Path) -> None:
    (folder / "small.yaml").write_text(JOB.replace("[0.1, 0.01]", "[1e-1, 1e-2]"))
    assert run(folder, "plan", "small.yaml").out.replace("small.yaml", "") == run(
        folder, "plan", "small.yaml", "--set", "learning_rate=[0.1,0.01]"
    ).out.replace("small.yaml", "")


def test_missing_job_file(folder: Path) -> None:
    refused(run(folder, "launch", "smal.yaml"), "smal.yaml: no such job file")
    refused(run(folder, "launch", "nothing"), "nothing: no such job file")
    refused(run(folder, "plan", "."), ".: is a folder")


def test_overrides_are_named_as_they_were_given(folder: Path) -> None:
    def refused_when(override: str, *fragments: str) -> None:
        refused(run(folder, "plan", "small.yaml", "--set", override), f"gridsearch: --set {override}: ", *fragments)

    refused_when("split.test=5000", "split: test: 5000 takes")
    refused_when("model=deep", "'neurons' is neither")
    refused_when("dataset=digts", ": dataset: 'digts' is neither")


def test_folders_that_cannot_hold_pages(folder: Path) -> None:
    (folder / "afile").touch()
    refused(run(folder, "launch", "small.yaml", "--inline", "-o", "afile/pages"), "--output afile/pages")
    assert not (folder / "results.db").exists()
    assert run(folder, "launch", "small.yaml", "--inline", "--no-dashboard").code == 0
    refused(run(folder, "dashboard", "-o", "afile"), "--output afile")
    (folder / "pages" / "small.html").mkdir(parents=True)
    refused(run(folder, "dashboard", "-o", "pages"), "--output pages", "is a directory")


def test_data_sets_that_cannot_be_used(folder: Path) -> None:
    images = np.zeros((20, 8, 8), np.uint8)
    (folder / "damaged.npz").write_bytes(b"PK\x03\x04 but not for long")
    np.savez(folder / "labels.npz", train_images=images, train_labels=np.arange(20) - 5)
    for name, fragment in (("damaged.npz", "damaged.npz"), ("labels.npz", "train_labels")):
        refused(run(folder, "launch", "small.yaml", "--inline", "--set", f"dataset=./{name}"), name, fragment)


def test_no_network_and_no_file_is_one_line(folder: Path) -> None:
    closed = "http://127.0.0.1:9"
    ended = run(
        folder, "plan", "small.yaml", "--set", "dataset=mnist", "--data-dir", folder / "data",
        http_proxy=closed, https_proxy=closed, HTTP_PROXY=closed, HTTPS_PROXY=closed,
    )  # fmt: skip
    refused(ended, "mnist.npz", "--data-dir")


def test_stores_that_cannot_be_used(folder: Path) -> None:
    (folder / "text.db").write_text("This is no database, but a text that is long enough to look like one. " * 20)
    before = (folder / "text.db").read_bytes()
    refused(run(folder, "launch", "small.yaml", "--inline", "--store", "text.db"), "text.db is not a store")
    refused(run(folder, "status", "--store", "text.db"), "text.db is not a store")
    assert (folder / "text.db").read_bytes() == before
    refused(run(folder, "status"), "results.db")
    refused(run(folder, "top", "small"), "results.db")
    refused(run(folder, "launch", "small.yaml", "--inline", "--store", "no/such/folder/r.db"), "no/such/folder")
    (folder / "folder.db").mkdir()
    refused(run(folder, "launch", "small.yaml", "--inline", "--store", "folder.db"), "folder.db")


def test_questions_about_what_is_not_there(folder: Path) -> None:
    assert run(folder, "launch", "small.yaml", "--inline", "--no-dashboard").code == 0
    refused(run(folder, "top", "smal"), "'smal'", "did you mean 'small'")
    refused(run(folder, "show", "zzzz"), "zzzz")
    refused(run(folder, "top", "small", "--filter", "neuron == 3"), "did you mean 'neurons'")
    refused(run(folder, "top", "small", "--filter", "__import__('os')"), "not allowed")
    refused(run(folder, "top", "small", "--columns", "neuron"), "did you mean 'neurons'")
    refused(run(folder, "top", "small", "--sort", "-neuron"), "did you mean 'neurons'")
    refused(run(folder, "export", "small", "-f", "xlsx"), "xlsx")
    refused(run(folder, "export", "small", "--table", "trails"), "trials, points or epochs")


def test_another_job_of_the_same_name(folder: Path) -> None:
    assert run(folder, "launch", "small.yaml", "--inline", "--no-dashboard").code == 0
    before = run(folder, "top", "small", "-f", "csv").out
    (folder / "other.yaml").write_text(
        JOB.replace("model: shallow", "model: perceptron").replace("  neurons: [10]\n", "")
    )
    ended = run(folder, "launch", "other.yaml", "--inline")
    refused(ended, "other.yaml:1:7", "another job 'small'", "--set name=")
    assert run(folder, "top", "small", "-f", "csv").out == before
    assert run(folder, "verify").code == 0


def test_a_model_that_raises_fails_its_trials_with_a_log(folder: Path) -> None:
    (folder / "raising.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, in_features, num_classes, bad=True):\n"
        "        super().__init__()\n"
        "        self.layer, self.bad = nn.Linear(in_features, num_classes), bad\n"
        "    def forward(self, x):\n"
        "        if self.bad and self.training:\n"
        "            raise RuntimeError('no luck today')\n"
        "        return self.layer(x.flatten(1))\n"
    )
    text = JOB.replace("model: shallow", "model: raising:Net").replace("neurons: [10]", "bad: [true, false]")
    (folder / "small.yaml").write_text(text)
    ended = run(folder, "launch", "small.yaml", "--inline", "--no-dashboard")
    assert ended.code == 1
    assert "8 completed" in ended.err
    assert "8 trials failed: RuntimeError: no luck today" in ended.err
    assert "error" in run(folder, "top", "small", "--state", "failed").out.splitlines()[0]
    assert "8 trials failed, train again with: --retry-failed" in run(folder, "resume", "--inline").err
    status = run(folder, "status").out
    log = Path(status.split("traceback: ")[1].splitlines()[0])
    assert "in forward" in (log if log.is_absolute() else folder / log).read_text()
    assert run(folder, "verify").code == 0


@pytest.mark.parametrize(
    "arguments", [["launch"], ["launch", "small.yaml", "--workers", "0"], ["nonsense"], ["top", "small", "-f", "xml"]]
)
def test_usage_errors_exit_with_two(folder: Path, arguments: list[str]) -> None:
    refused(run(folder, *arguments), "see: gridsearch", "--help")


def test_options_that_contradict_each_other(folder: Path) -> None:
    refused(run(folder, "launch", "small.yaml", "--inline", "--workers", "4"), "--inline trains in this process alone")
    refused(run(folder, "launch", "small.yaml", "--device", "tpu"), "must be auto, cpu or cuda", code=2)
    refused(run(folder, "launch", "small.yaml", "--gpus-per-worker", "1", "--device", "cpu"), "--device cpu uses none")
    for pack in ("0", "-2", "on"):
        refused(run(folder, "launch", "small.yaml", "--pack", pack), f"--pack {pack}: must be auto, off or a number")
    refused(run(folder, "plan", "small.yaml", "--pack", "1.5"), "--pack 1.5: must be auto, off or a number")
    for keep in ("top:0", "some"):
        refused(run(folder, "launch", "small.yaml", "--keep", keep), f"--keep {keep}: must be auto, best, top:N")
    hidden = {"CUDA_VISIBLE_DEVICES": ""}
    refused(run(folder, "launch", "small.yaml", "--inline", "--device", "cuda", **hidden), "sees no GPU")
    refused(run(folder, "launch", "small.yaml", "--gpus-per-worker", "1", **hidden), "sees no GPU")


def test_serve_refuses_what_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("hello")
    (tmp_path / "folder.db").mkdir()
    refused(run(tmp_path, "serve", "--store", "notes.db", "--port", "0"), "notes.db is not a store but a file of")
    refused(run(tmp_path, "serve", "--store", "folder.db", "--port", "0"), "the store folder.db is a folder")

"""Data sets that a function of the user's returns: what it may return, who its trials are, and what is refused."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gridsearch.cli.render.plans import Left, plan_text
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.digits import load_digits
from gridsearch.engine.prepare import data_function
from gridsearch.engine.prepare.changes import changes
from gridsearch.engine.prepare.data_function import load_from_function
from gridsearch.engine.run.planning import plan_job
from gridsearch.engine.trained.load import ModelSource, trained
from gridsearch.errors import DataError, JobError
from gridsearch.store.opening import open_store
from tests.data.refusals import refused
from tests.engine.launching import launch, prepared

HEAD = """\
import numpy as np, random, sys, torch
from sklearn.datasets import load_digits
from torch.utils.data import Dataset, TensorDataset, Subset
from torchvision.transforms.functional import to_pil_image

digits = load_digits()
x, y = digits.images.astype(np.float32), digits.target
pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)

class Pictures(Dataset):
    classes = list("abcdefghij")
    def __init__(self, places, sizes=(8,)):
        self.places, self.sizes = list(places), sizes
    def __len__(self):
        return len(self.places)
    def __getitem__(self, index):
        picture = to_pil_image(pixels[self.places[index]])
        size = self.sizes[index % len(self.sizes)]
        return picture.resize((size, size)), int(y[self.places[index]])
"""
JOB = """\
name: small
dataset: {module}:load
split: {{test: 0.1}}
model: perceptron
epochs: 1
batch_size: 64
learning_rate: 0.01
"""
_NUMBER = itertools.count()


def module(folder: Path, body: str) -> str:
    """Write a module of a name that no other test has imported."""
    name = f"user_data_{next(_NUMBER)}"
    (folder / f"{name}.py").write_text(HEAD + body)
    return name


def load(folder: Path, body: str, **options: Any) -> ImageDataset:
    return load_from_function(f"{module(folder, body)}:load", options, [folder])


RETURNS = {
    "arrays": "return (pixels[:1000], y[:1000]), (pixels[1000:1200], y[1000:1200]), (pixels[1200:], y[1200:])",
    "names": (
        "return {'train': (pixels[:1000], y[:1000]), 'val': (pixels[1000:1200], y[1000:1200]),"
        " 'test': (pixels[1200:], y[1200:])}"
    ),
    "tensors": (
        "t = torch.from_numpy(pixels)[:, None]\n"
        "    l = torch.from_numpy(y)\n"
        "    return (t[:1000], l[:1000]), (t[1000:1200], l[1000:1200]), (t[1200:], l[1200:])"
    ),
    "datasets": (
        "every = TensorDataset(torch.from_numpy(pixels)[:, None], torch.from_numpy(y))\n"
        "    return [Subset(every, range(*ends)) for ends in ((0, 1000), (1000, 1200), (1200, len(y)))]"
    ),
    "pictures": "return Pictures(range(1000)), Pictures(range(1000, 1200)), Pictures(range(1200, len(y)))",
}


@pytest.mark.parametrize("kind", list(RETURNS))
def test_what_a_function_may_return_is_the_same_data_set(tmp_path: Path, kind: str) -> None:
    found, digits = load(tmp_path, f"\ndef load():\n    {RETURNS[kind]}\n"), load_digits()
    assert [len(part) for part in found.labels] == [1000, 597, 200]
    whole = np.concatenate([found.train_images, found.validation_images, found.test_images])
    assert np.array_equal(whole.reshape(-1, 8, 8), digits.train_images)
    assert found.image_shape == (1, 8, 8) and found.has_pixels
    assert found.class_names == tuple("abcdefghij" if kind == "pictures" else "0123456789")


def test_floats_and_parts_that_are_not_there(tmp_path: Path) -> None:
    found = load(tmp_path, "\ndef load():\n    return TensorDataset(torch.tensor(x), torch.tensor(y)), None, None\n")
    assert found.image_shape == (8, 8) and found.train_images.dtype == np.float32
    assert [len(part) for part in found.labels] == [1797, 0, 0]
    rows = load(tmp_path, "\ndef load():\n    return (x.reshape(len(x), -1).tolist(), y.tolist()), None, None\n")
    assert rows.image_shape == (64,) and np.array_equal(rows.train_labels, found.train_labels)


def test_its_own_validation_part_validates_and_its_model_is_found_again(tmp_path: Path) -> None:
    name = module(
        tmp_path, f"\ndef load(scale: float = 1.0):\n    {RETURNS['arrays'].replace('pixels[', 'scale*x[')}\n"
    )
    text = JOB.format(module=f"./{name}.py").replace("split: {test: 0.1}\n", "dataset_options: {scale: 2}\n")
    job = prepared(tmp_path, text=text)
    assert job.images() == {"train": 1000, "validation": 200, "test": 597}
    assert job.dataset.values == (0.0, 32.0)
    launch(job, tmp_path / "results.db")
    with open_store(tmp_path / "results.db", create=False) as store:
        (row,) = store.trials("small")
        assert store.job("small").record.dataset_options == {"scale": 2}
        again = trained(ModelSource(store, tmp_path / "results.db", tmp_path / "data"), "small", row.trial_id)
        assert len(again.test()) == 597
        other = prepared(tmp_path, "dataset_options.scale=3", text=text)
        assert f"{name}:load (scale=3)" in plan_text(other, plan_job(other, None), [], Left(), width=None)
        (told,) = changes(other, store)
        assert told == f"dataset is {name}:load (scale=3), and was {name}:load (scale=2)"


def test_who_trials_are_is_content_and_code_of_all_own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def identity(**options: Any) -> str:
        # As in a Python of its own: what was edited is imported anew.
        monkeypatch.setattr(data_function, "_known", {})
        for name in ("my_own_data", "my_own_parts"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        return load_from_function("my_own_data:load", options, [tmp_path]).fingerprint

    code = (
        "from my_own_parts import cut\ndef load(first=100, more=0):\n    return cut(x[:first], y[:first]), None, None\n"
    )
    (tmp_path / "my_own_data.py").write_text(HEAD + code)
    (tmp_path / "my_own_parts.py").write_text("def cut(x, y):\n    return x, y\n")
    before = identity()
    assert identity(first=100, more=3) == before
    assert identity(first=101) != before
    (tmp_path / "my_own_parts.py").write_text("def cut(x, y):\n    return x, y  # edited\n")
    assert identity() != before


def test_what_is_drawn_is_the_same_each_time(tmp_path: Path) -> None:
    code = "\ndef load():\n    k = np.random.permutation(1797)[:500]\n    k[0] = random.randrange(9)\n"
    code += "    return (x[k] + torch.rand(1).item(), y[k]), None, None\n"
    reference, before = f"{module(tmp_path, code)}:load", np.random.get_state()[1].tolist()
    one, other = (load_from_function(reference, {}, [tmp_path]) for _ in range(2))
    assert one.fingerprint == other.fingerprint and np.random.get_state()[1].tolist() == before


@pytest.mark.parametrize(
    ("body", "options", "fragments"),
    [
        ("def lode(): pass", {}, ["dataset: data function 'user_data_", "has no 'load' (did you mean 'lode'?)"]),
        ("load = 3", {}, ["'load' is no function; return (train, validation, test)"]),
        ("def load(): return 1 / 0", {}, ["ZeroDivisionError: division by zero (user_data_", "in load)"]),
        ("def load(): sys.exit(3)", {}, ["SystemExit: 3"]),
        ("1 / 0", {}, ["importing 'user_data_", "ZeroDivisionError"]),
        ("def load(size): pass", {}, ["needs 'size': write dataset_options: {size: ...}"]),
        ("def load(size=1): pass", {"sise": 1}, ["dataset_options: sise: ", "does not take it (did you mean 'size'?)"]),
        ("def load(size: int = 1): pass", {"size": 1.5}, ["dataset_options: size: ", "1.5 is not a whole number"]),
        (
            "def load(): return x, y",
            {},
            ["returned tuple of 2; return (train, validation, test), each (examples, labels)"],
        ),
        ("def load(): return None", {}, ["returned NoneType; return"]),
        ("def load(): return {'trn': (x, y)}", {}, ["returned the parts trn; call them train, validation, test"]),
        ("def load(): return None, None, (x, y)", {}, ["returned no training part"]),
        ("def load(): return x, None, None", {}, ["returned ndarray as its train part; return"]),
        ("def load(): return (x, y[1:]), None, None", {}, ["1797 images but train_labels 1796"]),
        ("def load(): return (x * np.nan, y), None, None", {}, ["NaN or infinite", "at [0, 0, 0]"]),
        ("def load(): return Pictures([]), None, None", {}, ["returned an empty train part"]),
        (
            "def load(): return Pictures(range(9), (8, 9)), None, None",
            {},
            ["train item 1 has shape (9, 9), item 0 (8, 8)"],
        ),
        ("def load(): return ([[1, 2], [3]], [0, 1]), None, None", {}, ["of several shapes"]),
    ],
)
def test_what_is_no_data_set_is_told_in_one_line(
    tmp_path: Path, body: str, options: dict[str, Any], fragments: list[str]
) -> None:
    with refused(*fragments):
        load(tmp_path, f"\n{body}\n", **options)


def test_no_such_module_and_arguments_that_stand_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"job:2:10: dataset: data function 'not_there_at_all:load': no module named"):
        prepared(tmp_path, text=JOB.format(module="not_there_at_all"))
    name = module(tmp_path, "\ndef load(size=8):\n    return (x, y), None, None\n")
    with pytest.raises(DataError, match=r"job:8:\d+: dataset_options: other: user_data_\d+:load does not take it"):
        prepared(tmp_path, text=JOB.format(module=name) + "dataset_options: {other: 3}\n")
    with pytest.raises(JobError, match=r"dataset_options"):
        prepared(tmp_path, text=JOB.format(module=name) + "dataset_options: {size: {a: 3}}\n")
    assert prepared(tmp_path, "dataset_options.size=16", text=JOB.format(module=name)).job.dataset_options == {
        "size": 16
    }
    edited = (tmp_path / f"{name}.py").read_text() + "# edited\n"
    (tmp_path / f"{name}.py").write_text(edited)
    with pytest.raises(DataError, match="its module has changed since it was imported here; start Python again"):
        prepared(tmp_path, text=JOB.format(module=name))

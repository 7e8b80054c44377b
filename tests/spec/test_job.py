from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.errors import JobError
from gridsearch.spec.job import JobSpec, job_from_text, load_job

JOB = """\
name: shallow
dataset: mnist
split: {merge: true, test: 0.1, validation: 0.2}
model: shallow
optimizer: sgd
space:
  batch_size: [4, 8, 16, 32, 64, 128]
  epochs: [10, 20, 50, 100]
  learning_rate: {logspace: [0.1, 0.0001], num: 4}
  neurons: [10, 25, 50, 100]
"""


def job(text: str = JOB, *overrides: str) -> JobSpec:
    return job_from_text(text, overrides, base=Path(), source="shallow.yaml")


def refusal(text: str = JOB, *overrides: str) -> str:
    with pytest.raises(JobError) as caught:
        job(text, *overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_job() -> None:
    spec = job()
    assert (spec.name, spec.dataset, spec.model, len(spec.space)) == ("shallow", "mnist", "shallow", 384)
    assert spec.fixed == {"optimizer": "sgd"}
    assert [axis.name for axis in spec.space.axes] == ["batch_size", "epochs", "learning_rate", "neurons"]
    assert spec.space[0] == {"batch_size": 4, "epochs": 10, "learning_rate": 0.1, "neurons": 10}
    assert spec.objective.direction == "max"
    assert spec.source == JOB


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("optimizer", "optimiser", "shallow.yaml:5:1: optimiser: unknown key (did you mean 'optimizer'?)"),
        (
            "sgd",
            "sdg",
            "shallow.yaml:5:12: optimizer: 'sdg' is not one of sgd, adam, adamw, rmsprop (did you mean 'sgd'?)",
        ),
        ("[10, 20, 50", "[0, 20, 50", "shallow.yaml:8:12: space.epochs: 0 must be at least 1"),
        ("[10, 20, 50", "[10, -20, 50", "shallow.yaml:8:16: space.epochs: -20 must be at least 1"),
        ("[10, 20, 50", "[10, 2.5, 50", "shallow.yaml:8:16: space.epochs: 2.5 must be a whole number"),
        ("[4, 8", "['4', '8'", "shallow.yaml:7:15: space.batch_size: values of mixed types (number, text)"),
        ("[10, 25, 50, 100]", "[]", "shallow.yaml:10:12: space.neurons: an axis needs at least one value"),
        ("validation: 0.2", "validation: 1.2", "shallow.yaml:3:45: split.validation: 1.2 must be below 1.0"),
        (
            "validation: 0.2",
            "validaton: 0.2",
            "shallow.yaml:3:33: split.validaton: unknown key (did you mean 'validation'?)",
        ),
        ("merge: true", "merge: 1", "shallow.yaml:3:16: split.merge: 1 must be true or false"),
        ("0.1, 0.0001]", "0.1, 0]", "shallow.yaml:9:18: space.learning_rate: logspace takes"),
        (
            "{logspace: [0.1, 0.0001], num: 4}",
            "[0.1, -1]",
            "shallow.yaml:9:24: space.learning_rate: -1 must be above 0",
        ),
        ("name: shallow", "name: ''", "shallow.yaml:1:7: name: '' must not be empty"),
        ("name: shallow", 'name: "a\\e[31m"', "shallow.yaml:1:7: name: must be printable"),
        ("dataset: mnist\n", "", "shallow.yaml: dataset: missing"),
        ("  epochs: [10, 20, 50, 100]\n", "", "shallow.yaml: epochs: missing"),
        ("optimizer: sgd", "epochs: 10", "space.epochs: stands at the top of the file too"),
        ("neurons", "model", "space.model: cannot be an axis"),
        ("neurons", "'two words'", "is not a usable name"),
        (
            "space:",
            "rules: [{skip: neuron > 1}]\nspace:",
            "unknown setting 'neuron' (did you mean 'neurons'?)",
        ),
        ("space:", "rules: [{when: neurons > 1}]\nspace:", "unknown key"),
        ("space:", "objective: {metric: val_acc}\nspace:", "did you mean 'val_accuracy'?"),
    ],
)
def test_refusals_name_place_key_and_mend(old: str, new: str, message: str) -> None:
    assert message in refusal(JOB.replace(old, new, 1))


def test_a_space_too_large_is_refused_with_its_count() -> None:
    axes = "".join(f"  a{i}: {{range: [1, 100]}}\n" for i in range(10))
    assert f"{384 * 100**10:,} points are too many" in refusal(JOB + axes)


def test_overrides() -> None:
    spec = job(JOB, "neurons=50", "epochs=[10,20]", "split.test=100", "name=other", "momentum=[0.0,0.9]")
    assert [len(axis.values) for axis in spec.space.axes] == [2, 6, 2, 4, 1]
    assert (spec.split.test, spec.name) == (100, "other")
    again = job_from_text(spec.source, base=Path())
    assert (again.space.axes, again.fixed, again.split) == (spec.space.axes, spec.fixed, spec.split)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("neuron=3", "--set neuron=3: unknown key 'neuron' (did you mean 'neurons'?)"),
        ("neurons", "write it as key=value"),
        ("=3", "write it as key=value"),
        ("neurons=", "nothing follows the '='"),
        ("neurons=[1,", "--set neurons=[1,: not valid YAML"),
        ("split.test=abc", "'abc' must be a number"),
        ("seed={range: [1, 90000]}", "--set seed={range: [1, 90000]}: space: 34,560,000 points"),
        ("epochs=0", "--set epochs=0: space.epochs: 0 must be at least 1"),
        ("epochs=no", "ambiguous"),
        ("name.x=3", "'name' holds no keys of its own"),
    ],
)
def test_bad_overrides(override: str, message: str) -> None:
    assert message in refusal(JOB, override)


COUNTS = {"quickstart": 384, "shallow": 384, "perceptron": 4, "deep2": 49, "deep3": 27}


def test_every_job_file_of_ours_loads_with_its_count() -> None:
    folder = Path(__file__).parents[2] / "jobs"
    found = {path.stem: load_job(path) for path in folder.glob("*.yaml")}
    assert {name: len(spec.space) for name, spec in found.items()} == COUNTS
    for name, spec in found.items():
        assert spec.name == name
        assert spec.source.startswith("# yaml-language-server: $schema=../docs/job.schema.json\n")

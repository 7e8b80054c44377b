from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.config.image_format import FORMAT_KEYS, ImageFormat, format_of
from gridsearch.config.job import JobSpec, job_from_text
from gridsearch.errors import JobError

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
    assert (spec.name, spec.dataset, spec.models, len(spec.space)) == ("shallow", "mnist", ("shallow",), 384)
    assert spec.fixed == {"optimizer": "sgd"}
    assert [axis.name for axis in spec.space.axes] == ["batch_size", "epochs", "learning_rate", "neurons"]
    assert spec.space[0] == {"batch_size": 4, "epochs": 10, "learning_rate": 0.1, "neurons": 10}
    assert spec.objective.direction == "max"
    assert spec.source == JOB


@pytest.mark.parametrize(
    ("override", "values"),
    [
        ("neurons=10,20", (10, 20)),
        ("neurons=1e1, 20", (10, 20)),
        ("neurons=[null, 20]", (None, 20)),
        ("neurons=[[], [20]]", ([], [20])),
        ("optimizer=sgd,adam", ("sgd", "adam")),
        ("space.act=relu,gelu", ("relu", "gelu")),
        ("epochs=1e1", (10,)),
        ("batch_size=[1e1, 2.0]", (10, 2)),
    ],
)
def test_values_of_overrides(override: str, values: tuple[object, ...]) -> None:
    spec = job(JOB, override)
    key = override.partition("=")[0].removeprefix("space.")
    found = next((axis.values for axis in spec.space.axes if axis.name == key), None) or (spec.fixed[key],)
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


def test_variables_in_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_HERE", "/data")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("NOT_HERE", raising=False)
    text = JOB.replace("mnist", "${DATA_HERE}/a.npz").replace("optimizer: sgd", 'pretrained: ["", "~/${DATA_HERE}.pt"]')
    spec = job(text)
    assert spec.dataset == "/data/a.npz"
    assert spec.values("pretrained") == ("", "/home/me/data.pt")
    assert spec.source == text
    assert refusal(JOB.replace("mnist", "${NOT_HERE}/a")) == (
        "shallow.yaml:2:10: dataset: ${NOT_HERE}: there is no environment variable NOT_HERE; set it, or write the path"
    )
    assert "${oc.env:X} is not an environment variable" in refusal(JOB.replace("mnist", "${oc.env:X}/a"))


def test_whole_numbers_of_the_job_may_be_written_with_an_exponent() -> None:
    spec = job(JOB.replace("test: 0.1", "test: 1e3"), "repeats=1e1", "search={random: 1e2}", "description=a,b")
    assert (spec.split.test, spec.repeats, spec.search and spec.search.random) == (1000, 10, 100)
    assert spec.description == "a,b"
    assert "split.test: 1.0 must be below 1.0" in refusal(JOB.replace("test: 0.1", "test: 1.0"))


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
        ("[10, 20, 50, 100]", "10,20", "'10,20' must be a whole number; a list is written [10, 20]"),
        ("optimizer: sgd", "nesterov: 'true'", "'true' must be true or false; write true without quotes"),
        ("optimizer: sgd", "momentum: null", "momentum: null must be"),
        ("optimizer: sgd", "momentum:", "shallow.yaml:5:10: momentum: the value is empty; write one, write null"),
        ("[10, 25, 50, 100]", "\n    -\n    - 3", "space.neurons: the value is empty"),
        ("space:", "rules: [{skip: optimizer == 'Adam'}]\nspace:", "6:16: rules.skip: optimizer is never 'Adam'"),
        ("space:", "rules: [{skip: neurons == '10'}]\nspace:", "neurons is a number, and '10' is text; write 10"),
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
        ("optimizer: sgd", "epochs: 10", "space.epochs: is also set at the top of the file"),
        ("neurons", "model", "space.model: it belongs at the top of the file, with several values too"),
        ("neurons", "'two words'", "is not a usable name"),
        (
            "space:",
            "rules: [{skip: neuron > 1}]\nspace:",
            "unknown setting 'neuron' (did you mean 'neurons'?)",
        ),
        ("space:", "rules: [{when: neurons > 1}]\nspace:", "unknown key"),
        ("space:", "objective: {metric: val_acc}\nspace:", "did you mean 'val_accuracy'?"),
        ("space:", "repeats: 0\nspace:", "shallow.yaml:6:10: repeats: 0 must be at least 1"),
        (
            "space:",
            "repeats: 2\nseed: [1, 2]\nspace:",
            "shallow.yaml:6:10: repeats: cannot be combined with the axis seed",
        ),
        ("space:", "repeats: 2\nspace:\n  seed: 3", "repeats: cannot be combined with the axis seed"),
        (
            "space:",
            "repeats: 2\nrepeat_over: both\ndata_seed: [1]\nspace:",
            "combined with the axis data_seed",
        ),
        ("space:", "repeat_over: split\nspace:", "shallow.yaml:6:1: repeat_over: nothing is repeated"),
        ("space:", "repeats: 2\nrepeat_over: seed\nspace:", "repeat_over: 'seed'"),
        ("space:", f"repeats: 2\nseed: {2**63 - 1}\nspace:", "leaves no room for 2 repeats below 2^63"),
        ("space:", "repeats: 3000\nspace:", "repeats: 384 points, each 3,000 times, are too many trials"),
        (
            "space:",
            "image_size: 0\nspace:",
            "shallow.yaml:6:13: image_size: 0 must be a side in pixels, such as 64, or",
        ),
        ("space:", "image_size: [8, 8, 8]\nspace:", "image_size: [8, 8, 8] must be a side in pixels"),
        ("space:", "image_size: 8.5\nspace:", "image_size: 8.5 must be a side in pixels"),
        ("space:", "resize: pad\nspace:", "shallow.yaml:6:1: resize: needs a size: image_size: 64"),
        ("space:", "image_size: 8\nresize: fit\nspace:", "resize: 'fit' is not one of pad, crop, stretch"),
        ("space:", "background: red\nspace:", "background: 'red' is not one of white, black"),
        ("validation: 0.2", "folds: 1", "shallow.yaml:3:40: split.folds: 1 must be at least 2"),
        ("validation: 0.2", "folds: 2.5", "split.folds: 2.5 must be a whole number"),
        ("validation: 0.2", "folds: 101", "split.folds: 101 must be at most 100"),
        (
            "validation: 0.2",
            "folds: 5}\nseed: {range: [1, 900]",
            "split.folds: 345,600 points, each 5 times, are too many",
        ),
        ("validation: 0.2", "folds: 5, validation: 0.2", "3:43: split.validation: cannot be combined with folds"),
        ("space:", "search: random\nspace:", "6:9: search: 'random' must be grid, or a map such as {random: 50}"),
        (
            "space:",
            "teacher: {job: other, pick: x}\nspace:",
            "6:29: teacher.pick: 'x' must be best, or the first four or more characters of a trial's id",
        ),
        ("space:", "search: {seed: 3}\nspace:", "6:9: search: random is missing"),
        ("space:", "search: {random: 0}\nspace:", "search.random: 0 must be at least 1"),
        ("space:", "search: {random: 2000000}\nspace:", "search.random: 2000000 must be at most 1000000"),
        ("space:", "search: {randm: 5}\nspace:", "search.randm: unknown key (did you mean 'random'?)"),
        (
            "[10, 25, 50, 100]",
            "{uniform: [10, 100]}",
            "10:12: space.neurons: uniform has too many values for a grid: write {linspace: [10, 100], num: 5}",
        ),
        ("sgd", "sgd\nmomentum: {loguniform: [0.1, 0.9]}", "write {logspace: [0.1, 0.9], num: 5}, or draw"),
        ("space:", "constraints: {parameters: 0}\nspace:", "constraints.parameters: 0 must be at least 1"),
        ("space:", "constraints: {params: 9}\nspace:", "constraints.params: unknown key (did you mean 'parameters'?)"),
        ("space:", "constraints: {seconds: 0}\nspace:", "constraints.seconds: 0 must be above 0"),
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


def test_how_a_job_searches_and_how_often_it_trains_a_point() -> None:
    spec = job(JOB)
    assert (spec.search, spec.repeats, spec.copies, spec.constraints.limits()) == (None, 1, 1, {})
    assert job(JOB, "search=grid").search is None
    changed = ("search.random=7", "repeats=3", "split={folds: 5}", "constraints.seconds=60", "seed=4")
    spec = job(JOB, *changed, "learning_rate={loguniform: [0.001, 0.1]}")
    assert spec.search is not None
    assert (spec.search.random, spec.search.seed, spec.copies) == (7, 0, 15)
    assert spec.constraints.limits() == {"seconds": 60.0}
    assert [axis.continuous for axis in spec.space.axes] == [False, False, True, False]
    again = job_from_text(spec.source, base=Path())
    assert (again.search, again.repeats, again.split, again.constraints) == (
        spec.search, spec.repeats, spec.split, spec.constraints,
    )  # fmt: skip


def test_a_setting_called_fold_is_refused_beside_folds_only() -> None:
    assert job(JOB, "space.fold=[1,2]").space.axes[-1].name == "fold"
    assert "space.fold: is the name of the fold" in refusal(JOB, "space.fold=[1,2]", "split={folds: 2}")


def test_random_search_takes_a_space_too_large_for_a_grid() -> None:
    axes = "".join(f"  a{i}: {{range: [1, 100]}}\n" for i in range(10))
    assert job(JOB + axes, "search.random=3").space.size == 384 * 100**10


def test_how_images_are_read() -> None:
    assert job(JOB).image_format == ImageFormat()
    spec = job(JOB, "image_size=[48,64]", "resize=crop", "background=black")
    assert spec.image_format == ImageFormat((48, 64), "crop", "black") == format_of(spec.image_format.as_json())
    assert job(JOB, "image_size=32").image_format == ImageFormat((32, 32))
    of_model = job(JOB, "space.resize=[0, 64]", "space.image_size=32")
    assert of_model.image_format == ImageFormat(), "under space they are the model's own"
    assert [axis.name for axis in of_model.space.axes if axis.name in FORMAT_KEYS] == ["resize", "image_size"]


HEAD = "name: t\ndataset: digits\nmodel: shallow\nbatch_size: 8\nlearning_rate: 1\nepochs: 1\n"
LISTS = [
    (
        "model: null",
        "model: null is not a model: write one, such as model: shallow, or several, such as model: [shallow, mlp]",
    ),
    ("model:", "model: null is not a model"),
    ("model: []", "model: [] is not a model"),
    ("model: [shallow, null]", "model: null is not a model"),
    ("model: shallow, mlp", "'shallow, mlp' is one text; several models are written [shallow, mlp]"),
    ("model: shallow mlp", "several models are written [shallow, mlp]"),
    ("dataset: null", "dataset: null is not a data set: write one"),
    ("dataset: []", "dataset: [] is not a data set"),
    ("dataset: [digits, mnist]", "dataset: write a job for each data set"),
    ("optimizer: null", "optimizer: null is not one of sgd, adam, adamw, rmsprop; leave it out for the default"),
    ("optimizer: []", "optimizer: [] has no value: write one or more, or leave the key out"),
    ("optimizer: SGD, Adam", "; a list is written [sgd, adam]"),
    ("optimizer: sgd, fo", "'sgd, fo' is not one of sgd, adam, adamw, rmsprop"),
    ("epochs: null", "epochs: null must be a whole number"),
    ("split: null", "split: null must be a map of keys to values; leave it out for the default"),
    ("description: null", "description: null must be text; leave it out for the default"),
    ("description: 3", "description: 3 must be text: put it in quotes"),
    ("rules: {skip: epochs > 3}", "rules: write a list: rules: [{skip: 'epochs > 3'}]"),
    ("objective: a, b", "objective: 'a, b' must be a map of keys to values"),
]


@pytest.mark.parametrize(("written", "message"), LISTS)
def test_names_and_lists_that_are_none(written: str, message: str) -> None:
    key = written.partition(":")[0]
    text = "\n".join([*(line for line in HEAD.splitlines() if not line.startswith(f"{key}:")), written])
    with pytest.raises(JobError) as caught:
        job_from_text(text, base=Path(), source="t.yaml")
    assert message in str(caught.value) and str(caught.value).startswith("t.yaml:")
    if key == "epochs":
        assert "leave" not in str(caught.value)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("{neurons: 4, optimizer: SGD, Adam}", "space.optimizer: a list is written optimizer: [SGD, Adam]"),
        ("{neurons: 4, 8}", "space.neurons: a list is written neurons: [4, 8]"),
        ("{neurons: 4, nesterov}", "space.neurons: 'nesterov' has no value; write nesterov: VALUE"),
        ("{neurons}", "space.neurons: 'neurons' has no value; write neurons: VALUE"),
        ("{neurons: range(4, 16, 4)}", "write neurons: [4, 8, 12], or neurons: {range: [4, 12], step: 4}, both ends"),
        ("{neurons: [range(4, 16, 4)]}", "write neurons: [4, 8, 12], or"),
        ("{neurons: range(4, 16, 4), width: range(4, 16, 4)}", "write neurons: [4, 8, 12], or"),
        ("{neurons: choice([4, 8])}", "functions are not evaluated: write the list itself"),
        ("{neurons: {range: [4, 8], step}}", "space.neurons.range: 'step' has no value; write step: VALUE"),
        ("{neurons: [4, 8}", "expected ',' or ']', but got '}'; the bracket of line 7 is not closed before this"),
    ],
)
def test_words_without_a_value_in_braces(space: str, message: str) -> None:
    with pytest.raises(JobError) as caught:
        job_from_text(f"{HEAD}space: {space}\n", base=Path(), source="t.yaml")
    assert message in str(caught.value) and str(caught.value).startswith("t.yaml:7:")


def test_a_rule_in_braces_that_a_bracket_or_comma_cuts() -> None:
    for rule in ("epochs in [1, 2]", "epochs == 1, seed == 2"):
        with pytest.raises(JobError, match="with (brackets or )?a comma needs quotes"):
            job_from_text(f"{HEAD}rules: [{{skip: {rule}}}]\n", base=Path())

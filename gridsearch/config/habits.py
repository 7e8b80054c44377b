"""What users of other tools write by habit, answered with what is written here: one line each, ready to be copied."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard

from gridsearch.config.metrics import DEFAULT_METRIC, METRICS
from gridsearch.config.value_kinds import as_written
from gridsearch.config.yaml_source import plain_scalar
from gridsearch.errors import closest

_CALLED: dict[str, str] = {
    "learning_rate": "lr learningrate base_lr init_lr",
    "batch_size": "bs batch batchsize train_batch_size per_device_train_batch_size",
    "epochs": "epoch n_epochs num_epochs nb_epochs max_epochs num_train_epochs",
    "optimizer": "optim",
    "weight_decay": "wd l2 l2_penalty decay",
    "schedule": "scheduler lr_scheduler lr_schedule lr_policy",
    "early_stopping": "patience early_stop es_patience",
    "seed": "random_state random_seed manual_seed",
    "repeats": "n_repeats num_seeds seeds executions_per_trial runs",
    "dataset": "data data_set data_dir data_path",
    "model": "net network arch architecture model_name",
    "space": "params parameters param_grid hyperparameters hyperparams search_space grid axes sweep config",
    "label_smoothing": "smoothing",
    "loss": "criterion loss_fn loss_function lossfn",
    "class_weights": "class_weight classweights",
    "clip_norm": "grad_clip clip_grad_norm gradient_clip_val max_grad_norm clip",
    "rules": "exclude skip conditions conditional",
    "flip": "hflip horizontal_flip",
    "betas": "beta1 beta2 beta_1 beta_2 adam_beta1 adam_beta2 adam_betas",
    "eps": "epsilon adam_epsilon adam_eps",
    "alpha": "rho",
    "accumulate": "gradient_accumulation gradient_accumulation_steps accumulate_grad_batches accumulation_steps",
    "ema": "ema_decay model_ema model_ema_decay",
    "warmup_epochs": "warmup warmup_steps num_warmup_steps warmup_ratio lr_warmup_epochs warmup_period",
    "warmup_start": "lr_warmup_decay warmup_factor",
    "name": "project experiment study_name sweep_name",
}
_MEANT = {word: key for key, words in _CALLED.items() for word in words.split()}
_ANSWERS: tuple[tuple[str, str], ...] = (
    ("cv kfold k_fold k_folds n_splits folds n_folds", "cross-validation is written split: {folds: 5}"),
    (
        "val_split validation_split test_split test_size val_size validation test train_test_split",
        "shares of the images are written split: {validation: 0.2, test: 0.1}",
    ),
    ("device gpu gpus cuda accelerator", "choose the device at launch: gridsearch launch JOB --device cuda"),
    (
        "workers num_workers n_jobs jobs max_concurrent_trials max_concurrent parallel trialConcurrency",
        "choose the number of workers at launch: gridsearch launch JOB --workers 4",
    ),
    ("threads pack store keep", "this is a launch option; see: gridsearch launch --help"),
    (
        "callbacks trainer logger loggers hooks",
        "a job has none: early_stopping, schedule and restore_best are settings, and every epoch is recorded",
    ),
    (
        "method strategy sampler algorithm search_alg tuner num_samples n_trials max_trials n_iter count run_cap",
        "the search is written search: grid, or search: {random: 50}",
    ),
    (
        "early_terminate pruner assessor hyperband asha",
        "trials are not stopped in comparison with others; early_stopping: 5 stops each by its own validation loss",
    ),
    ("metric metrics monitor goal", "the metric that ranks trials is written objective: {metric: val_accuracy}"),
    ("program entrypoint script", "a script of your own is written command: python train.py --lr {learning_rate}"),
    (
        "function trainable objective_function",
        "a training of your own is a function, train: my_training:train (docs/own_training.md)",
    ),
    ("entity tags notes", "put it into description"),
    ("defaults hydra include includes extends", "files are not composed: use YAML anchors under x- keys, or --set"),
    ("timeout time_budget time_budget_s max_time", "stop after a time with: timeout 2h gridsearch launch JOB"),
    ("verbose log_level log_dir output output_dir save_dir", "see the options: gridsearch launch --help"),
    ("amp fp16 bf16 mixed_precision autocast", "write precision: mixed"),
    ("weights checkpoint init_weights", "weights to start from are written pretrained: FILE, or pretrained: imagenet"),
    (
        "transform transforms augmentation augmentations",
        "write flip, crop_padding, rotation, shift or zoom, or augment: my_augment:make, a function of your own",
    ),
    ("normalize normalise normalization_mean", "write normalization: channel"),
    ("shuffle drop_last num_classes in_channels", "remove it: a job does not set this"),
)
_SAID = {word: answer for words, answer in _ANSWERS for word in words.split()}
_CALL = re.compile(r"([\w.]+)\((.*)\)")
_FUNCTIONS = frozenset(
    {"range", "arange", "linspace", "logspace", "geomspace", "choice", "uniform", "loguniform", "interval", "glob"}
)
#: Of how many values the list itself is offered in place of a range.
_LISTED = 8
_RANGES = "write a list, {range: [10, 50], step: 10}, {linspace: [0, 0.5], num: 6} or {logspace: [0.01, 1], num: 3}"
_LISTS = ("values", "choice", "choices", "grid_search", "categories", "options", "grid", "_value")
_NAMES = ("name", "type", "kind", "_target_", "class_name", "path", "value")
#: Training, validation and test, as other tools list their shares.
_PARTS = 3


def key_habit(key: str) -> str:
    """Return what to write in place of a key of another tool; nothing where the key is none."""
    if answer := _SAID.get(key) or _SAID.get(key.lower()):
        return answer
    meant = _MEANT.get(key) or _MEANT.get(key.lower())
    return f"is called {meant} here" if meant else ""


def file_habit(data: Mapping[str, Any]) -> str:
    """Return how a whole file of another tool's is written here; nothing for any other file."""
    if isinstance(data.get("parameters"), dict) and {"method", "program", "metric"} & data.keys():
        return (
            "this is a W&B sweep; a job has name, dataset and model, the parameters under space (as lists, without"
            " values:), search: grid or {random: 50}, and objective: {metric: val_accuracy}"
        )
    return ""


def value_habit(key: str, written: Any) -> str:
    """Return what to write in place of a value in another tool's words; nothing for any other value."""
    if key in _FREE:
        return ""
    if isinstance(written, dict):
        return _map(key, written)
    # In brackets YAML cuts range(4, 16, 4) into three; what stands in quotes it leaves whole.
    cut = isinstance(written, list) and written and isinstance(written[0], str) and ")" not in written[0]
    text = ", ".join(map(str, written)) if cut else written
    if isinstance(text, str) and (call := _CALL.fullmatch(text.strip())):
        return _call(key, call[1].rpartition(".")[2], call[2])
    said = _SCALARS[key](written) if key in _SCALARS else ""
    return f"write {said}" if said else ""


def bare_words(key: str, written: Any, words: Sequence[str], *, axis: bool) -> str:
    """Return what to write where words without a value follow a value in a map: `{optimizer: SGD, Adam}`.

    Without a value before them `key` is the first of the words. `axis` says that a list may stand there.
    """
    word = words[0]
    items = [*(written if isinstance(written, list) else [written]), *words]
    if axis and (isinstance(written, (str, list)) or not word.isidentifier()):
        return value_habit(key, items) or f"a list is written {key}: [{', '.join(map(str, items))}]"
    if not word.isidentifier():
        return f"{word!r} has no value; text with a comma needs quotes"
    return f"{word!r} has no value; write {word}: VALUE"


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\w.-]+", value) is not None


def _split(written: Any) -> str:
    if _is_number(written):
        return f"split: {{validation: {as_written(written)}}}"
    if isinstance(written, list) and len(written) == _PARTS and all(map(_is_number, written)):
        train, validation, test = written
        left = round(validation / (train + validation), 4) if 0 < validation < 1 and train + validation else validation
        return (
            f"split: {{test: {test:g}, validation: {left:g}}}; each share is of the images left, and the rest is"
            f" used for training"
        )
    return ""


def _metric(written: str) -> str:
    """Return the metric that was meant, as far as spelling tells; else what ranks trials by default."""
    return written if written in METRICS else closest(written, METRICS) or DEFAULT_METRIC


def rule_habit(written: Any) -> str:
    """Return what to write in place of an item of `rules` that is none; nothing for others."""
    return f"write {{skip: {as_written(written)}}}" if isinstance(written, str) and written else ""


def _pretrained(written: Any) -> str:
    if not isinstance(written, bool):
        return ""
    return "pretrained: " + ("imagenet" if written else '""') + ", or the path of a file of weights"


def _rules(written: Any) -> str:
    return f"rules: [{{skip: {as_written(written)}}}]" if isinstance(written, str) and written else ""


_SCALARS: dict[str, Callable[[Any], str]] = {
    "pretrained": _pretrained,
    "rules": _rules,
    "dataset": lambda written: (
        "a job for each data set, or change it with --set dataset=..." if isinstance(written, list) and written else ""
    ),
    "split": _split,
    "objective": lambda written: f"objective: {{metric: {_metric(written)}}}" if _is_word(written) else "",
    "teacher": lambda written: f"teacher: {{job: {written}}}" if _is_word(written) else "",
    "search": lambda written: f"search: {{random: {written}}}" if _is_number(written) else "",
    "early_stopping": lambda written: (
        "after how many epochs without a lower validation loss: early_stopping: 5" if written is True else ""
    ),
}


def _map(key: str, written: Mapping[str, Any]) -> str:
    if key == "rules" and isinstance(written.get("skip"), str):
        return f"write a list: rules: [{{skip: {as_written(written['skip'])}}}]"
    for word in _LISTS:
        if isinstance(written.get(word), list):
            return f"write the list itself: {key}: {as_written(written[word])}"
    low, high = (next((written[word] for word in words if word in written), None) for words in (_LOW, _HIGH))
    if _is_number(low) and _is_number(high):
        return _between(key, low, high, str(written.get("distribution", "")), log=written.get("log") is True)
    if key == "early_stopping" and "patience" in written:
        return f"write early_stopping: {as_written(written['patience'])}"
    if key == "objective" and isinstance(written.get("name"), str):
        return f"write objective: {{metric: {_metric(written['name'])}}}"
    for word in _NAMES:
        if isinstance(written.get(word), (bool, int, float, str)):
            others = ", ".join(str(other) for other in written if other != word)
            where = "under space" if key == "model" else "as keys of their own"
            return f"write {key}: {written[word]}" + (f", and {where}: {others}" if others else "")
    return ""


_FREE = frozenset({"name", "description", "space", "command", "metrics_from"})
_LOW, _HIGH = ("min", "low", "lower", "minimum"), ("max", "high", "upper", "maximum")


def _between(key: str, low: float, high: float, distribution: str, *, log: bool) -> str:
    ends = f"[{as_written(low)}, {as_written(high)}]"
    if log or "log" in distribution:
        if distribution == "log_uniform":  # whose ends are exponents, to the base of e
            ends = f"[{math.exp(low):.4g}, {math.exp(high):.4g}]"
        return f"write {key}: {{logspace: {ends}, num: 5}}, or to draw: {key}: {{loguniform: {ends}}}"
    if isinstance(low, int) and isinstance(high, int):
        return f"write {key}: {{range: {ends}}}"
    return f"write {key}: {{linspace: {ends}, num: 5}}, or to draw: {key}: {{uniform: {ends}}}"


def _call(key: str, name: str, arguments: str) -> str:
    given = plain_scalar(f"[{arguments}]")
    numbers = given if isinstance(given, list) and all(map(_is_number, given)) else []
    if name in ("range", "arange") and 1 <= len(numbers) <= 3 and all(isinstance(n, int) for n in numbers):
        start, stop, step = numbers if len(numbers) == 3 else [*([0] if len(numbers) == 1 else []), *numbers, 1]
        values = range(start, stop, step) if step else range(0)
        if len(values) > 1:
            listed = f"{key}: {as_written([*values])}, or " if len(values) <= _LISTED else ""
            return f"write {listed}{key}: {{range: [{values[0]}, {values[-1]}], step: {step}}}, both ends included"
    if name in ("linspace", "logspace", "geomspace") and len(numbers) == 3:
        low, high = (10.0**end if name == "logspace" else end for end in numbers[:2])
        kind = "linspace" if name == "linspace" else "logspace"
        return f"write {key}: {{{kind}: [{low:g}, {high:g}], num: {as_written(numbers[2])}}}, both ends included"
    if name in ("choice", "grid_search") and isinstance(given, list) and given:
        inner = given[0] if len(given) == 1 and isinstance(given[0], list) else given
        return f"write the list itself: {key}: {as_written(inner)}"
    if name in ("uniform", "interval", "loguniform") and len(numbers) == 2:
        return _between(key, float(numbers[0]), float(numbers[1]), name, log=False)
    return f"{name}(...) is not evaluated: {_RANGES}" if name in _FUNCTIONS else ""


def module_path(model: str, what: str = "model") -> str:
    """Return `package.module:Class` for a model, or `what`, that is written as a file: `./nets/my_model.py:Net`."""
    place, colon, name = model.rpartition(":")
    if not colon or not ("/" in place or place.endswith(".py")):
        return model
    if place.startswith(("/", "../", "~")):
        raise ValueError(
            f"{model!r}: a {what}'s module is looked for beside the job file and in the current folder; move it there,"
            f" and write {place.rpartition('/')[2].removesuffix('.py')}:{name}"
        )
    return f"{place.removeprefix('./').removesuffix('.py').replace('/', '.')}:{name}"

"""Metrics beside loss and accuracy are those of scikit-learn, for a model and for a pack, at every epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn_metrics

from gridsearch.config.events import EpochRecord
from gridsearch.config.extra_metrics import NAMES, OF_TASK, checked_name
from gridsearch.training.loop.epochs import advance
from gridsearch.training.loop.member import Member
from gridsearch.training.loop.metrics import extra_metrics
from gridsearch.training.loop.pack import train_group
from gridsearch.training.stacking.autotune import STRATEGIES
from gridsearch.training.strategies.sequential import Single
from tests.training.conftest import MakePlace, task


def by_sklearn(name: str, logits: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> float:
    predicted, classes = logits.argmax(1), range(logits.shape[1])
    if name.startswith("top"):
        return float(sklearn_metrics.top_k_accuracy_score(labels, logits, k=int(name[3:]), labels=classes))
    if name == "auroc":
        shares = torch.from_numpy(logits).softmax(1).numpy()
        return float(sklearn_metrics.roc_auc_score(labels, shares, multi_class="ovr", labels=classes))
    if name == "balanced_accuracy":
        return float(sklearn_metrics.balanced_accuracy_score(labels, predicted))
    kind, average = name.split("_")
    scorer = getattr(sklearn_metrics, f"{kind}_score")
    return float(scorer(labels, predicted, average=average, labels=classes, zero_division=0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("models", "images", "classes"), [(1, 50, 7), (5, 333, 10), (3, 40, 6)])
def test_they_are_those_of_scikit_learn(models: int, images: int, classes: int, dtype: torch.dtype) -> None:
    draws = torch.Generator().manual_seed(classes)
    logits = torch.randn(models, images, classes, generator=draws, dtype=dtype)
    labels = torch.cat([torch.arange(classes), torch.randint(0, classes, (images - classes,), generator=draws)])
    names = [*NAMES, "top2"]
    found = extra_metrics(names, logits, labels)
    for row, own in enumerate(found):
        expected = {name: by_sklearn(name, logits[row].double().numpy(), labels.numpy()) for name in names}
        assert own == pytest.approx(expected, abs=1e-6)


def test_what_is_not_defined_is_no_number_and_no_warning() -> None:
    logits = torch.tensor([[[2.0, 1.0, 0.0], [0.0, 1.0, float("nan")]]])
    (found,) = extra_metrics(["f1_macro", "auroc", "top2"], logits, torch.tensor([0, 0]))
    assert set(found) == {"f1_macro", "auroc", "top2"}


def test_an_epoch_has_those_of_its_model_alone_and_in_a_pack(make_place: MakePlace) -> None:
    names = ("auroc", "f1_macro", "top3")
    changes = {"metrics": names, "epochs": 2, "hyper": {"neurons": 12}}
    tasks = [task(name=f"{index:064x}", learning_rate=rate, **changes) for index, rate in enumerate((0.3, 0.1, 0.02))]
    context = make_place("alone")
    curves: dict[str, list[EpochRecord]] = {}
    for one in tasks:
        member = Member(one, context)
        curves[one.lineage_id] = [e for e in train_group([member], context) if isinstance(e, EpochRecord)]
        # The state after the last epoch is the member's: measured by another library, on the same images.
        model = Single([member])
        logits = model.logits(context.validation.normalized(context.validation.images))[0].double().numpy()
        expected = {f"val_{name}": by_sklearn(name, logits, context.validation.labels.numpy()) for name in names}
        assert curves[one.lineage_id][-1].more == pytest.approx(expected, abs=1e-6)
    context = make_place("stacked")
    stacked = advance([Member(one, context) for one in tasks], context, STRATEGIES["stacked"])
    for record in (event for event in stacked if isinstance(event, EpochRecord)):
        assert record.more == pytest.approx(curves[record.lineage_id][record.epoch].more, abs=1e-6)


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("f1", "did you mean .f1_macro."),
        ("f1_makro", "did you mean 'f1_macro'"),
        ("val_auroc", "write auroc"),
        ("top1", "top2, top3"),
    ],
)
def test_a_metric_that_there_is_not_is_refused(written: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        checked_name(written)


@pytest.mark.parametrize("outputs", [1, 3])
def test_those_of_numbers_are_those_of_scikit_learn(outputs: int) -> None:
    draws = torch.Generator().manual_seed(outputs)
    targets = torch.randn(50, outputs, generator=draws)
    predicted = targets + torch.randn(2, 50, outputs, generator=draws)
    for row, own in enumerate(extra_metrics(OF_TASK["regression"], predicted, targets, "regression")):
        both = targets.double().numpy(), predicted[row].double().numpy()
        assert own == pytest.approx(
            {
                "mse": sklearn_metrics.mean_squared_error(*both),
                "rmse": sklearn_metrics.mean_squared_error(*both) ** 0.5,
                "mae": sklearn_metrics.mean_absolute_error(*both),
                "r2": sklearn_metrics.r2_score(*both),
            },
            abs=1e-6,
        )


def test_those_of_several_labels_are_those_of_scikit_learn() -> None:
    draws = torch.Generator().manual_seed(0)
    targets = torch.randint(0, 2, (80, 4), generator=draws)
    # All between 0 and 1: they are logits all the same.
    logits = torch.rand(2, 80, 4, generator=draws) - 0.2
    names = OF_TASK["multilabel"]
    for row, own in enumerate(extra_metrics(names, logits, targets.float(), "multilabel")):
        taken, wanted = (logits[row] >= 0).numpy(), targets.numpy()
        expected = {
            "auroc": sklearn_metrics.roc_auc_score(wanted, logits[row].numpy(), average="macro"),
            "exact_match": sklearn_metrics.accuracy_score(wanted, taken),
        }
        for name in set(names) - expected.keys():
            kind, average = name.split("_")
            scorer = getattr(sklearn_metrics, f"{kind}_score")
            expected[name] = scorer(wanted, taken, average=average, zero_division=0)
        assert own == pytest.approx(expected, abs=1e-6)


def test_those_of_training_are_of_the_outputs_before_each_step_alone_and_in_a_pack(make_place: MakePlace) -> None:
    changes = {"train_metrics": ("f1_macro",), "epochs": 2, "hyper": {"neurons": 12}}
    tasks = [task(name=f"{index:064x}", learning_rate=rate, **changes) for index, rate in enumerate((0.3, 0.02))]

    def epochs(place: str, strategy: Any, parts: list[list[Any]]) -> dict[tuple[str, int], dict[str, float]]:
        context = make_place(place)
        found = {}
        for part in parts:
            for event in advance([Member(one, context) for one in part], context, strategy):
                if isinstance(event, EpochRecord):
                    found[event.lineage_id, event.epoch] = dict(event.more)
        return found

    alone = epochs("apart", Single, [[one] for one in tasks])
    packed = epochs("together", STRATEGIES["concatenated"], [tasks])
    assert {name for more in alone.values() for name in more} == {"train_f1_macro"}
    assert packed.keys() == alone.keys()
    for key, more in alone.items():
        assert packed[key] == pytest.approx(more, abs=0.01)
    assert alone[tasks[0].lineage_id, 2]["train_f1_macro"] > alone[tasks[0].lineage_id, 0]["train_f1_macro"]

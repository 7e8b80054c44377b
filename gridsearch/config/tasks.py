"""Tasks: what a training is for, as its targets and its loss say; they may contradict each other."""

from __future__ import annotations

from typing import Literal

from gridsearch.config.losses import BCE, CROSS_ENTROPY, OF_NUMBERS, is_own

Task = Literal["classification", "multilabel", "regression"]
#: What is measured of a task that has no classes to be right about.
DEFAULT_METRIC_WITHOUT_CLASSES = "val_loss"


def task_of(targets: str, loss: str) -> Task:
    """Return the task of a loss with such targets (`data/targets.py`), which suit each other.

    >>> task_of("numbers", "mse"), task_of("indicators", "my_losses:Focal"), task_of("classes", "cross_entropy")
    ('regression', 'multilabel', 'classification')
    """
    if targets == "classes":
        return "classification"
    return "multilabel" if loss == BCE or (targets == "indicators" and is_own(loss)) else "regression"


def contradiction(targets: str, loss: str, *, outputs: int = 1, values: tuple[float, ...] = ()) -> str:
    """Return why a loss is not for such targets, and the mend; nothing where it is.

    `outputs` is how many there are of each example, `values` are some of the targets that are neither 0 nor 1.
    """
    if is_own(loss):
        return ""
    if targets == "classes" and loss in OF_NUMBERS:
        return (
            f"{loss} is for numbers to predict, and the labels are class numbers (int64): save them as floats,"
            " labels.astype(np.float32), or write cross_entropy"
        )
    if targets == "classes" and loss == BCE:
        return (
            "bce is for labels (N, K) of 0 and 1, and these are class numbers (N,): write cross_entropy, or save"
            " one column of 0 and 1 for each class"
        )
    if targets == "indicators" and loss == CROSS_ENTROPY:
        return (
            "cross_entropy is for one class number for each example, and the labels are 0 and 1 (N, K): write loss:"
            " bce, or save labels.argmax(axis=1) where each row has a single 1"
        )
    if targets == "numbers" and loss == CROSS_ENTROPY:
        classes = "labels.argmax(axis=1) where each row has a single 1" if outputs > 1 else "labels.astype(np.int64)"
        return (
            "cross_entropy is for class numbers, and the labels are floats: write loss: mse (or mae, huber; bce for 0"
            f" and 1) to predict them, or save classes as {classes}"
        )
    if targets == "numbers" and loss == BCE and values:
        return f"bce is for labels of 0 and 1, and these hold {values[0]:g}: write loss: mse, mae or huber"
    return ""

"""What a model may have that works, and is hardly what its writer meant."""

from __future__ import annotations

from torch import Tensor, nn

#: Methods of a Lightning module that its trainer calls.
_HOOKS = (
    *("training_step", "validation_step", "test_step", "predict_step", "configure_optimizers", "configure_callbacks"),
    *("train_dataloader", "val_dataloader", "on_fit_start", "on_train_start", "on_train_epoch_start"),
    *("on_train_epoch_end", "on_validation_epoch_end", "on_before_optimizer_step", "optimizer_step"),
)
_THEIR_OWN = ("lightning", "pytorch_lightning", "torch")
_CLOSE = 1e-4


def idle_hooks(kind: type[nn.Module]) -> list[str]:
    """Return the methods of a model that the user wrote for a trainer there is none of."""
    found = []
    for name in _HOOKS:
        where = getattr(getattr(kind, name, None), "__module__", None)
        if where is not None and where.partition(".")[0] not in _THEIR_OWN:
            found.append(name)
    return found


def are_probabilities(output: object) -> bool:
    """Whether rows of outputs (images, classes) are shares of one, as a softmax makes them."""
    if not isinstance(output, Tensor) or output.ndim != 2 or not output.is_floating_point():
        return False
    return bool((output >= 0).all()) and bool(((output.sum(1) - 1).abs() < _CLOSE).all())

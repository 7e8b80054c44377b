"""Freezing some of a model's parameters by name, so that they keep the values they have."""

from __future__ import annotations

from fnmatch import fnmatchcase

from torch import nn

from gridsearch.errors import ModelError, nearest


def freeze(model: nn.Module, patterns: str) -> int:
    """Freeze the parameters whose names the patterns match, and return how many numbers are frozen.

    Patterns are separated by blanks; `*` stands for any text. Of those that match a name the last counts, and one with
    a leading `!` thaws: `"* !layer4.* !fc.*"` is all but layer4 and fc. Without patterns nothing changes. Buffers, such
    as the statistics of a batch normalisation, go on changing. `ModelError` for a pattern that matches nothing, and
    when nothing is left to train.
    """
    named = dict(model.named_parameters())
    for written in patterns.split():
        pattern = written.removeprefix("!")
        matched = [parameter for name, parameter in named.items() if fnmatchcase(name, pattern)]
        if not matched:
            raise ModelError(f"freeze: {pattern!r} matches no parameter{_meant(pattern, named)}")
        for parameter in matched:
            parameter.requires_grad_(written.startswith("!"))
    if patterns.split() and not any(parameter.requires_grad for parameter in named.values()):
        raise ModelError(f"freeze: {patterns!r} leaves nothing to train; thaw a part, as in '{patterns} !NAME.*'")
    return sum(parameter.numel() for parameter in named.values() if not parameter.requires_grad)


def _meant(pattern: str, names: dict[str, nn.Parameter]) -> str:
    commas = "; separate patterns by spaces, without commas" if "," in pattern else ""
    return commas or nearest(pattern, _matching(names))


def _matching(names: dict[str, nn.Parameter]) -> set[str]:
    """Return patterns that match something: the names, and for each module that of all in it."""
    parts = [name.split(".") for name in names]
    modules = {".".join([*part[:length], "*"]) for part in parts for length in range(1, len(part))}
    return modules | names.keys()

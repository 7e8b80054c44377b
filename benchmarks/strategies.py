"""How long a step takes by each strategy, and whether the one chosen by measuring is ever slower than training alone.

    python benchmarks/strategies.py [--dataset digits] [--models shallow,cnn,...] [--batch-sizes 4,16,...] [-m 16]
                               [--rounds 3] [--compile] [--device auto] [--json]

For each model and batch size, M models of four learning rates (and for dense networks four widths) are tried as a
worker tries them; then, in every round, the chosen strategy and training alone are timed again side by side, on steps
that the choice did not see. Times are of one step of all M models. `auto` is alone / chosen: below 1 the choice cost
time.
`evaluated` and `evaluated alone` are the times in which all M models are evaluated on the validation images.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from gridsearch import paths
from gridsearch.config.trial import Split, TrialConfig
from gridsearch.data.catalog import load_dataset
from gridsearch.data.splits import apply_split
from gridsearch.engine.executors.worker_context import choose_device
from gridsearch.models.registry import find_model
from gridsearch.training.arrays import to_device
from gridsearch.training.loop.evaluation import evaluate
from gridsearch.training.loop.member import Member
from gridsearch.training.loop.task import LineageTask, WorkerContext
from gridsearch.training.stacking import autotune
from gridsearch.training.strategies.base import Strategy
from gridsearch.training.strategies.sequential import Single

HERE = Path(__file__).parent
WIDTHS, RATES = (10, 25, 50, 100), (0.1, 0.01, 0.001, 0.0001)
#: What is trained: the model, and its settings from the number of the member.
MODELS: dict[str, tuple[str, Any]] = {
    "shallow": ("shallow", lambda m: {"neurons": WIDTHS[m % 4]}),
    "deep2": ("deep2", lambda m: {"neurons_1": WIDTHS[m % 4], "neurons_2": WIDTHS[m // 4 % 4]}),
    "mlp": ("networks:Mlp", lambda m: {}),
    "mlp+norm+dropout": ("networks:Mlp", lambda m: {"norm": True, "dropout": 0.1 * (1 + m % 4)}),
    "cnn": ("networks:Cnn", lambda m: {}),
    "cnn+norm+dropout": ("networks:Cnn", lambda m: {"norm": True, "dropout": 0.1 * (1 + m % 4)}),
}


def main() -> None:
    """Measure every case and print the table."""
    options = parse()
    torch.set_num_threads(options.threads)
    context = worker_context(options)
    cases = []
    for model in options.models:
        for batch_size in options.batch_sizes:
            cases.append(case(model, batch_size, context, options))
            print(f"{model}, batch {batch_size}: {cases[-1]}", file=sys.stderr)
    result = {"machine": hardware(context.device, options.threads), "models": options.m, "cases": cases}
    print(json.dumps(result, indent=2) if options.json else text(result))


def case(model: str, batch_size: int, context: WorkerContext, options: argparse.Namespace) -> dict[str, Any]:
    """Return a case's times of a step by strategy, in microseconds, the strategy chosen, and its ratios to alone."""
    members = [Member(task(model, batch_size, number), context) for number in range(options.m)]
    steps = 10**9 if options.compile else 1
    found = {one.strategy: one.seconds for one in autotune.measure(members, context, steps, {})}
    chosen = autotune.fastest(found, steps)
    ratios = [
        autotune._try(autotune.ALONE, members, context) / autotune._try(chosen, members, context)
        if chosen and chosen != autotune.ALONE
        else 1.0
        for _ in range(options.rounds)
    ]
    evaluated = [
        (
            seconds_to_evaluate(chosen or autotune.ALONE, members, context),
            seconds_to_evaluate("alone", members, context),
        )
        for _ in range(options.rounds)
    ]
    micros = {strategy: None if seconds is None else round(seconds * 1e6) for strategy, seconds in found.items()}
    return {
        "model": model,
        "batch": batch_size,
        **micros,
        "chosen": chosen,
        "auto": round(statistics.median(ratios), 2),
        "auto_range": [round(min(ratios), 2), round(max(ratios), 2)],
        "evaluated": round(min(chosen for chosen, _ in evaluated) * 1e6),
        "evaluated alone": round(min(alone for _, alone in evaluated) * 1e6),
    }


def seconds_to_evaluate(strategy: str, members: Sequence[Member], context: WorkerContext) -> float:
    """Return the seconds in which all members are evaluated on the validation images, after a first time."""
    together = strategy != autotune.ALONE
    made: list[Strategy] = [autotune.STRATEGIES[strategy](members)] if together else [Single([one]) for one in members]
    for one in made:
        evaluate(one, context.validation)
    started = time.perf_counter()
    for one in made:
        evaluate(one, context.validation)
    if context.device.type == "cuda":
        torch.cuda.synchronize(context.device)
    return time.perf_counter() - started


def task(model: str, batch_size: int, number: int) -> LineageTask:
    """Return a lineage of the case."""
    name, settings = MODELS[model]
    config = TrialConfig(
        dataset="benchmark",
        model=name,
        model_code=find_model(name, [HERE]).code,
        hyper=settings(number),
        batch_size=batch_size,
        epochs=100,
        learning_rate=RATES[number // 4 % 4],
    )
    return LineageTask(f"{number:064x}", 1, config, -1)


def worker_context(options: argparse.Namespace) -> WorkerContext:
    """Return the context of a worker on the data set, with checkpoints that are never written."""
    device = choose_device(options.device)
    dataset = load_dataset(options.dataset, folder=paths.data_dir(options.data_dir), base=Path.cwd())
    split = apply_split(dataset, Split(test=0.1), 0)
    return WorkerContext(
        device=device,
        train=to_device(split.train_images, split.train_labels, device),
        validation=to_device(split.validation_images, split.validation_labels, device),
        num_classes=dataset.num_classes,
        checkpoints=Path(tempfile.mkdtemp()),
        model_search=(HERE,),
    )


def hardware(device: torch.device, threads: int) -> str:
    """Return the machine in words."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{autotune.machine(device, threads)}, Python {platform.python_version()}{load}"


def text(result: dict[str, Any]) -> str:
    """Return the result as an aligned table."""
    columns = (
        "model",
        "batch",
        "alone",
        "concatenated",
        "stacked",
        "graphed",
        "compiled",
        "chosen",
        "auto",
        "auto_range",
    )
    columns += ("evaluated", "evaluated alone")
    rows: list[Sequence[str]] = [columns]
    rows += [
        [str(one.get(name, "")) if one.get(name) is not None else "" for name in columns] for one in result["cases"]
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(columns))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    worst = min(one["auto"] for one in result["cases"])
    head = f"microseconds a step of {result['models']} models; {result['machine']}"
    return "\n".join([head, *lines, f"{len(result['cases'])} cases, smallest ratio alone / chosen: {worst}"])


def parse() -> argparse.Namespace:
    """Return the command's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--models", type=lambda text: text.split(","), default=list(MODELS))
    parser.add_argument(
        "--batch-sizes", type=lambda text: [int(size) for size in text.split(",")], default=[4, 8, 16, 32, 64]
    )
    parser.add_argument("-m", type=int, default=16, help="models trained as one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="try compiled stacks too: up to a minute a case")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()

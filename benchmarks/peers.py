"""The same grid on a good plain loop, Optuna, Ray Tune and gridsearch, measured in one run on this machine.

384 trials of a dense network with one hidden layer (plain SGD) on scikit-learn's digits (1,294 training
images), or with `--mnist FOLDER` on the `mnist.npz` in a folder (50,400 training images),
every epoch evaluated on both splits. All but gridsearch call the same `train` (`peers_train.py`) in as many
one-thread processes as `--workers` says, so only the orchestration differs; `peers_loop.py`,
`peers_optuna.py` and `peers_ray.py` are written the way a competent user of each tool would. gridsearch
runs its own command line on `jobs/quickstart.yaml` or `jobs/shallow.yaml`, in an empty folder with a fresh store.

    python benchmarks/peers.py                                    # everything, 384 trials a peer
    python benchmarks/peers.py --repeat 3 --json > peers.json     # with the spread, for a report
    python benchmarks/peers.py --epochs 1,2 --stride 8            # does it work? (24 trials a peer)
    python benchmarks/peers.py --peers loop,gridsearch --axis neurons=10,50 --limit 300
    python benchmarks/peers.py --mnist FOLDER --epochs 1,2,5,10 --limit 300
    python benchmarks/peers.py --mnist FOLDER --epochs 1,2,5,10 --peers loop,gridsearch --device cuda --inline

Times are of whole processes, interpreter and imports included: `wall` is from launching a peer to the end
of its process, `start` to its first trial, `close` from the end of its last one. `other ms` is what a trial
costs a worker beside the training itself: reports, hand-over, waiting. `x loop` is the loop's wall time
over the peer's, `x train` the same without start and close. A peer past `--limit` is stopped and its ratio
projected from the steps it did.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from peers_processes import environment, scratch
from peers_run import AXES, Grid, Means, Run, build_grid, run_gridsearch, run_script
from peers_table import heading, machine, summary, table

PEERS = ("loop", "optuna", "ray", "gridsearch")
IMPORTS = "import optuna, ray.tune, sklearn.model_selection, torch, torch._dynamo"


def run_round(peers: Sequence[str], grid: Grid, base: Path, means: Means) -> list[Run]:
    """Run every peer once, one after the other."""
    runs: list[Run] = []
    for peer in peers:
        folder = Path(tempfile.mkdtemp(prefix="", dir=base))
        print(f"{peer} ...", file=sys.stderr, flush=True)
        run = run_gridsearch(grid, folder, means) if peer == "gridsearch" else run_script(peer, grid, folder, means)
        if run is not None:
            runs.append(compared(run, runs))
            print(f"{peer}: {run.trials} trials in {run.wall:.1f} s  {run.note}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
    return runs


def compared(run: Run, others: Sequence[Run]) -> Run:
    """Add how far the accuracies lie, at most, from those of the first peer of this round."""
    if not others:
        return run
    shared = run.accuracies.keys() & others[0].accuracies.keys()
    gaps = [abs(run.accuracies[index] - others[0].accuracies[index]) for index in shared]
    return Run(**{**vars(run), "disagreement": max(gaps, default=None)})


def import_once(base: Path) -> None:
    """Import everything once, so that no peer pays for a cold disk or for missing bytecode."""
    (base / "first").mkdir()
    command = [sys.executable, "-c", IMPORTS]
    subprocess.run(command, env=environment(base / "first"), check=False, capture_output=True)


def numbers(text: str) -> list[float]:
    """Return the numbers in a comma-separated list, whole ones as integers."""
    return [int(part) if part.strip().isdigit() else float(part) for part in text.split(",")]


def chosen_axes(epochs: str, axes: Sequence[str]) -> dict[str, list[float]]:
    """Return the grid's axes, some of them with other values."""
    chosen = {**AXES, "epochs": numbers(epochs)}
    for text in axes:
        name, _, values = text.partition("=")
        if name not in AXES or not values:
            raise typer.BadParameter(f"{text!r}: write name=value,value with a name of {', '.join(AXES)}")
        chosen[name] = numbers(values)
    return chosen


def chosen_peers(text: str) -> list[str]:
    peers = text.split(",")
    if unknown := set(peers) - set(PEERS):
        raise typer.BadParameter(f"unknown peer {', '.join(sorted(unknown))}; known: {', '.join(PEERS)}")
    return peers


def main(
    peers: Annotated[str, typer.Option(help="Who takes part, in this order.")] = ",".join(PEERS),
    mnist: Annotated[Path | None, typer.Option(help="Folder of mnist.npz; without it, digits.")] = None,
    epochs: Annotated[str, typer.Option(help="Values of the epochs axis.")] = "10,20,50,100",
    axis: Annotated[list[str] | None, typer.Option(help="Other values of an axis: name=value,value.")] = None,
    stride: Annotated[int, typer.Option(min=1, help="Take every k-th point of the grid.")] = 1,
    repeat: Annotated[int, typer.Option(min=1, help="Rounds; a round runs every peer once.")] = 1,
    report_every: Annotated[int, typer.Option(min=1, help="Epochs between two reports.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes a peer uses; 0: one a core.")] = 0,
    limit: Annotated[float, typer.Option(min=1.0, help="Seconds a peer may take.")] = 3600.0,
    device: Annotated[str, typer.Option(help="Where everyone trains: cpu or cuda.")] = "cpu",
    inline: Annotated[
        bool, typer.Option("--inline", help="gridsearch trains in its own process, without Ray.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the same grid on several tools."""
    order, grid, facts = (
        chosen_peers(peers),
        build_grid(str(mnist.resolve()) if mnist else "digits", chosen_axes(epochs, axis or []), stride),
        machine(),
    )
    workers = workers or int(facts["cores"])
    means = Means(workers, report_every, limit, device, inline)
    with scratch() as base:
        import_once(base)
        rounds = [run_round(order, grid, base, means) for _ in range(repeat)]
    present = [peer for peer in order if any(run.peer == peer for runs in rounds for run in runs)]
    summaries = [summary(peer, rounds) for peer in present]
    if as_json:
        settings = {
            "points": len(grid.points),
            "axes": grid.axes,
            "workers": workers,
            "report_every": report_every,
            "device": device,
            "inline": inline,
        }
        details = [[{**asdict(run), "accuracies": None} for run in runs] for runs in rounds]
        print(json.dumps({"machine": facts, **settings, "peers": summaries, "rounds": details}, indent=1))
    else:
        print(f"{heading(grid, facts, workers)}\n\n{table(summaries)}")


if __name__ == "__main__":
    typer.run(main)

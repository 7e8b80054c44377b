"""`gridsearch advise`: what to do next with a job, each with the command."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from gridsearch.cli import jobs
from gridsearch.cli.options import DEFAULT_STORE, JobName, StoreOption
from gridsearch.cli.reading import open_to_read
from gridsearch.cli.render.advice import advice_text
from gridsearch.cli.streams import columns, data, folded, say
from gridsearch.paths import store_option


class AdviceFormat(StrEnum):
    """How advice is printed."""

    TEXT = "text"
    JSON = "json"


Format = Annotated[AdviceFormat, typer.Option("--format", "-f", help="Output format.")]


def advise(job: JobName, format_: Format = AdviceFormat.TEXT, store: StoreOption = DEFAULT_STORE) -> None:
    """Print what to do next with a job.

    Each piece of advice says what was seen, why it matters, the command to run, and how many trials and how much time
    that takes.
    """
    from gridsearch.analysis.advice.advise import advise as advice_on
    from gridsearch.analysis.frames import load_to_show

    with open_to_read(store, job) as opened:
        loaded = load_to_show(opened, jobs.stored_name(opened, job), ["overfit_epoch"])
        found = advice_on(loaded, store=store_option(store))
    if format_ is AdviceFormat.JSON:
        data(json.dumps([asdict(one) for one in found], indent=2))
        return
    if not found:
        say(f"{loaded.job.name}: nothing to advise")
    width = columns(sys.stdout)
    for number, one in enumerate(found):
        end = f":\n{one.run}" if one.run else ""
        data(("\n" if number else "") + folded(advice_text(one), width) + end)

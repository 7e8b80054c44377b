"""How to reproduce: the commands, the job file, and the launches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gridsearch.analysis.running import commit_text, outcome_text, running
from gridsearch.config.named_datasets import file_behind, module_file
from gridsearch.config.record import JobRecord
from gridsearch.paths import file_stem, store_option
from gridsearch.shell_words import quoted
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.grid import Grid
from gridsearch.visualization.document.parts import Block, Code, Listing, Part, Section, Table
from gridsearch.visualization.document.phrases import paragraph, sentence
from gridsearch.visualization.wording import moment

#: So many digits of a fingerprint tell data sets apart.
_DIGITS = 12


def reproduce(found: Findings) -> Section:
    """Return the section."""
    job = found.data.job
    file, store = f"{file_stem(job.name)}.yaml", store_option(found.store)
    commands = [f"gridsearch launch {quoted(file)}{store}", f"gridsearch top {quoted(job.name)}{store}"]
    if found.data.evaluations:
        commands.append(f"gridsearch evaluate {quoted(job.name)}{store}")
    return Section(
        "How to reproduce",
        (
            *paragraph(
                (
                    "Save the job below as ",
                    Code(file),
                    ", then train it; trials that the store has are not trained again.",
                ),
                # Of code of the user's nobody knows what it draws.
                "" if job.record.training else "Its seeds give the same numbers again, up to floating-point noise.",
            ),
            *paragraph(*_needed(job.record)),
            Listing("\n".join(commands), "bash"),
            *_source(found),
            *_launches(found),
            *_origin(found),
        ),
    )


def _needed(record: JobRecord) -> Iterator[str | Sequence[Part]]:
    """Yield which files the job needs beside its own, and which data it was trained on."""
    modules = sorted(module_file(module) for found in record.model_sources.values() for module in found)
    files = dict.fromkeys(filter(None, [file_behind(record.dataset), *modules, *sorted(record.inputs)]))
    if files:
        *most, last = [(Code(file),) for file in files]
        parts: list[Part] = ["It needs these files beside it too: " if most else "It needs this file beside it too: "]
        for place, one in enumerate(most):
            parts += [*([", "] if place else []), *one]
        yield [*parts, *([" and "] if most else []), *last, "."]
    if record.datasets:
        prints: list[Part] = [Code(one.fingerprint[:_DIGITS]) for one in record.datasets]
        between: list[Part] = [part for one in prints for part in (", ", one)][1:]
        yield ["The data sets that it was trained on have the fingerprints (SHA-256) ", *between, "."]
    elif record.fingerprint:
        which = Code(record.fingerprint[:_DIGITS])
        yield ["The data set that it was trained on has the fingerprint ", which, " (SHA-256 of its content)."]


def _source(found: Findings) -> Iterator[Block]:
    job = found.data.job
    yield from paragraph(f"The job, as last launched (revision {job.revision:,}):")
    yield Listing(job.source.rstrip("\n"), "yaml")


def _launches(found: Findings) -> Iterator[Table]:
    run = running(found.data)
    if not run.launches:
        return
    rows = [
        [
            moment(one.started_at),
            moment(one.ended_at) if one.ended_at else "",
            outcome_text(one),
            f"{one.workers:,}",
            one.host,
        ]
        for one in run.launches
    ]
    left = f", the last {len(rows)} of {len(rows) + run.left_out:,}" if run.left_out else ""
    headings = ["launched", "ended", "outcome", "workers", "machine"]
    yield Table(Grid(headings, [False, False, False, True, False], rows), f"The launches of the job{left}")


def _origin(found: Findings) -> Iterator[Block]:
    """Yield the commands of these launches, each once, and on what they ran, as far as the store knows."""
    run = running(found.data)
    known = [one.origin for one in run.launches]
    if facts := [f"{name.lower()} {value}" for name, value in run.facts]:
        yield from paragraph(sentence("; ".join(facts)))
    if commits := list(dict.fromkeys(filter(None, map(commit_text, known)))):
        yield from paragraph(sentence(f"git commit where the job file lay: {'; '.join(commits)}"))
    if commands := list(dict.fromkeys(one.command for one in known if one.command)):
        yield from paragraph(f"The launches were started by {'this' if len(commands) == 1 else 'these'}:")
        yield Listing("\n".join(commands), "bash")

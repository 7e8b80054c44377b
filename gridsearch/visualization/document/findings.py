"""What is known of a job: everything that the sections of its document speak of, computed once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from gridsearch.analysis.answer import Answer, answer
from gridsearch.analysis.effects import Effects
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.standings import Standings, standings
from gridsearch.analysis.summary import Summary, summary
from gridsearch.paths import file_stem, store_option
from gridsearch.visualization.document.parts import Figure, Figures


@dataclass(frozen=True, eq=False)
class Findings:
    """A job as its document tells of it.

    Attributes:
        data: The job; its curves must be at hand (`load_to_show`), `overfit_epoch` among its measures.
        store: What the store is called.
        generated: When the document is made.
        drawn: The names of the figures that there are (`figure_name`); empty for a document without figures.
    """

    data: JobData
    store: str
    generated: datetime
    drawn: Collection[str] = ()

    @cached_property
    def glance(self) -> Summary:
        """The job at a glance."""
        return summary(self.data)

    @cached_property
    def answer(self) -> Answer:
        """The best and what is tied with it, what matters, and what to do next."""
        return answer(self.data, store=store_option(self.store))

    @cached_property
    def order(self) -> Standings:
        """The ranking."""
        return standings(self.data)

    @property
    def effects(self) -> Effects:
        """What matters, over all trials with a score."""
        return self.answer.effects[0]

    @property
    def unit(self) -> str:
        """What is ranked: a `trial`, or a `point` that was trained several times."""
        return "point" if self.data.job.record.has_groups else "trial"

    @property
    def without_epochs(self) -> bool:
        """Whether a training of the user's own reports once, so that nobody speaks of its epochs."""
        return self.data.is_own and all(row.epochs == 1 for row in self.data.rows)

    @property
    def score(self) -> str:
        """What the score is, in words, without `best`."""
        return self.data.objective.title.removeprefix("best ")

    def figure(self, name: str, alt: str, *, wide: bool = False) -> tuple[Figure, ...]:
        """Return a figure of the job, nothing where it was not drawn."""
        known = figure_name(self.data.job.name, name)
        return (Figure(known, alt, wide),) if known in self.drawn else ()

    def figures(self, caption: str, *found: tuple[Figure, ...]) -> tuple[Figures, ...]:
        """Return figures under a caption, nothing where none was drawn."""
        figures = tuple(one for each in found for one in each)
        return (Figures(figures, caption),) if figures else ()


def figure_name(job: str, name: str) -> str:
    """Return what the file of a figure is called, without an ending."""
    return f"{file_stem(job)}-{file_stem(name)}"

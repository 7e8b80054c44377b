"""What a webhook is told of a launch: the same in plain JSON, and in the forms of Slack and Discord."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gridsearch.config.events import OPEN_STATES
from gridsearch.paths import store_option
from gridsearch.printable import printable
from gridsearch.quantities import duration
from gridsearch.shell_words import quoted

if TYPE_CHECKING:
    from gridsearch.config.job import JobSpec

_SLACK = ("hooks.slack.com", "hooks.slack-gov.com")
_DISCORD = ("discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com")
#: How many characters a message of Discord's may have.
_DISCORD_LONGEST = 2000
_WORDS = {"some_failed": "some trials failed"}


@dataclass
class Ending:
    """How a launch of a job ended.

    Attributes:
        spec: The job.
        store: The store's file.
        state: `complete`, `some_failed`, `interrupted` or `failed`.
        error: Why it failed, in one line.
        seconds: How long it took.
        counts: How many of the job's trials are in each state; none where the store could not be read.
        best: The best trial: metric, score, settings, id.
        best_text: The same in words.
    """

    spec: JobSpec
    store: Path
    state: str
    error: str
    seconds: float
    counts: dict[str, int] = field(default_factory=dict)
    best: dict[str, Any] | None = None
    best_text: str = ""

    def read_store(self, patience_s: float) -> None:
        """Read the counts and the best trial; raises whatever keeps it from that."""
        from gridsearch.cli.render.best import best_trial
        from gridsearch.store.opening import open_store
        from gridsearch.store.waiting import Patience

        patience = Patience(patience_s, note=lambda text: None)
        with open_store(self.store, create=False, read_only=True, patience=patience) as store:
            name = self.spec.name
            record = store.job(name).record
            self.counts = {str(state): count for state, count in store.counts(name).items()}
            if found := best_trial(store, name):
                settings = record.settings_of(store.trial(found.trial).config)
                self.best = {
                    "metric": record.objective.metric,
                    "score": found.score,
                    "settings": {axis: settings[axis] for axis in record.axis_names if axis in settings},
                    "trial": found.trial,
                }
                self.best_text = str(found)

    @property
    def command(self) -> str | None:
        """Return how to go on; None where nothing is left to do, or the job never came into the store."""
        if not self.counts or (self.state == "complete" and not OPEN_STATES & self.counts.keys()):
            return None
        again = f"gridsearch resume {quoted(self.spec.name)}{store_option(self.store)}"
        if self.state == "some_failed":
            return f"{again} --retry-failed"
        only = () if self.state == "complete" else self.spec.only
        return again + "".join(f" --only {quoted(rule.text)}" for rule in only)

    @property
    def text(self) -> str:
        """Return all of it in lines for a person."""
        counts = ", ".join(f"{count:,} {state}" for state, count in self.counts.items())
        state = _WORDS.get(self.state, self.state)
        took = f"in {duration(self.seconds)} on {socket.gethostname()}"
        lines = [f"{self.spec.name}: {state} {took}" + (f" ({counts})" if counts else "")]
        lines += [part for part in (self.error, self.best_text) if part]
        if self.command:
            lines.append(f"continue with: {self.command}")
        return "\n".join(map(printable, lines))


def addressed(url: str, ending: Ending) -> Mapping[str, Any]:
    """Return the message in the form that whoever is behind a URL takes."""
    host = (urlsplit(url).hostname or "").lower()
    if host in _SLACK:
        # What Slack would take for markup: a job's name must not call a channel.
        text = ending.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return {"text": text, "mrkdwn": False}
    if host in _DISCORD:
        return {"content": ending.text[:_DISCORD_LONGEST], "allowed_mentions": {"parse": []}}
    return {
        "job": ending.spec.name,
        "state": ending.state,
        "counts": ending.counts,
        "best": ending.best,
        "seconds": round(ending.seconds, 1),
        "host": socket.gethostname(),
        "command": ending.command,
        "error": ending.error or None,
        "text": ending.text,
    }

"""What makes a page one file: scripts, styles and data inside, and a policy that allows no more."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup


@cache
def asset(name: str) -> Markup:
    """Return one of this package's style sheets or scripts."""
    return Markup(resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8"))


@cache
def plotly_script() -> Markup:
    """Return plotly.js as it comes with plotly."""
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs())


def json_data(value: Any) -> Markup:
    """Return JSON that can stand inside a script element: no text in it can end the element."""
    return htmlsafe_json_dumps(value, allow_nan=False, separators=(",", ":"))


def policy(scripts: Sequence[str]) -> str:
    """Return a content security policy: these scripts by hash, inline styles, no network at all."""
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in scripts) or "'none'"
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def environment() -> jinja2.Environment:
    """Return the templates of this package, with every value escaped unless it is `Markup`."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("gridsearch.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return made


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

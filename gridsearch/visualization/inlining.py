"""What makes a page one file: scripts, styles and data inside, and a policy that allows no more."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from gridsearch.quantities import counted, duration
from gridsearch.shell_words import quoted
from gridsearch.visualization import wording

_IMPORT = re.compile(r'^import \{(.*?)\} from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?:const|class|function) (\w+)", re.MULTILINE)
_EXPORT_WORD = re.compile(r"^export (?=const|class|function)", re.MULTILINE)
#: The comment that names the version stands within so many letters of a bundle.
_HEAD = 200


@cache
def asset(name: str) -> Markup:
    """Return one of this package's style sheets or scripts."""
    return Markup(resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8"))


@cache
def plotly_script() -> Markup:
    """Return plotly.js: our copy of its cartesian bundle, or all of it where the plotly installed has another version.

    The bundle draws everything that pages have, in less than a third of the size.
    """
    from plotly.offline import get_plotlyjs, get_plotlyjs_version

    bundle = asset("plotly-cartesian.min.js")
    return bundle if f" v{get_plotlyjs_version()}\n" in bundle[:_HEAD] else Markup(get_plotlyjs())


@cache
def page_script(entry: str = "main") -> Markup:
    """Return a module of `assets/page`, and all that it needs, as one script."""
    return _script("page", entry)


def live_scripts(*, live: bool) -> list[Markup]:
    """Return the scripts that a live page has before all others: the modules of `assets/live` as one; else none."""
    return [_script("live", "main")] if live else []


@cache
def style(*, live: bool) -> Markup:
    """Return the style sheet of a page."""
    return asset("page.css") + (asset("live.css") if live else Markup(""))


@cache
def _script(folder: str, entry: str) -> Markup:
    """Return a module of a folder of assets and all that it needs as one script, each after those that it imports.

    A page is a file, and a file's modules cannot import each other: each becomes a function that returns what it
    exports.
    """
    parts: dict[str, str] = {}
    _add_module(folder, entry, parts)
    return Markup(f'"use strict";\n(function () {{\n{"".join(parts.values())}}})();\n')


def _add_module(folder: str, name: str, parts: dict[str, str]) -> None:
    source = str(asset(f"{folder}/{name}.js"))
    for _, other in _IMPORT.findall(source):
        if other not in parts:
            _add_module(folder, other, parts)
    body = _IMPORT.sub(r"const {\1} = module_\2;", source)
    exported = ", ".join(_EXPORT.findall(source))
    parts[name] = (
        f"const module_{name} = (function () {{\n{_EXPORT_WORD.sub('', body)}return {{ {exported} }};\n}})();\n"
    )


def json_data(value: Any) -> Markup:
    """Return JSON that can stand inside a script element: no text in it can end the element."""
    return htmlsafe_json_dumps(value, allow_nan=False, separators=(",", ":"))


def policy(scripts: Sequence[str], *, live: bool = False) -> str:
    """Return a content security policy: these scripts by hash, inline styles, and no network at all.

    A live page may connect to where it came from.
    """
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in scripts) or "'none'"
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'" + ("; connect-src 'self'" if live else "")
    )


@cache
def environment() -> jinja2.Environment:
    """Return the templates of this package, with every value escaped unless it is `Markup`."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("gridsearch.visualization"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"wording": wording, "counted": counted, "duration": duration, "quoted": quoted}
    return made


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

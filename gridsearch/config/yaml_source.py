"""Reading YAML safely, with the place of every key and value, and without YAML's traps.

Only maps, lists and plain scalars: no tags, no duplicate keys, no keys that are not text. Anchors, aliases and merge
keys (`<<: *base`) are YAML's; keys of the top level that begin with `x-` are the writer's own, for anchors. `1e-3` is a
number (YAML 1.1 calls it text), `no`, `off`, `yes`, `on` are refused where YAML 1.1 would make them booleans behind the
writer's back, and so are `012` (octal) and `1:30` (base sixty).
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gridsearch.errors import JobError

MAX_BYTES = 256 * 1024
MAX_NODES = 20_000
MAX_DEPTH = 20

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*)$")
_FLOAT = re.compile(r"[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9]+)([eE][-+]?[0-9]+)?$")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|nan)$", re.IGNORECASE)
_OCTAL_OR_SEXAGESIMAL = re.compile(r"[-+]?(0[0-9_]+|[0-9]+(:[0-5]?[0-9])+|0[xob][0-9a-fA-F_]+)$")
_AMBIGUOUS = frozenset({"yes", "no", "on", "off", "y", "n"})
#: What PyYAML says of several documents, and the tag of a merge key.
_SEVERAL = "expected a single document in the stream"
_MERGE = "tag:yaml.org,2002:merge"
#: Keys of the top level that begin so mean nothing to us.
PRIVATE = "x-"
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq"))

#: Where something stands in a document: the keys and list positions that lead to it.
Trail = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """A line and a column of a file, both counted from 1."""

    source: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass
class Document:
    """Plain values read from a file, and where each of them and of its keys stands; `empty` are nulls of no letters.

    `bare` are the words without a value in a map in braces, by the key before them: `{optimizer: SGD, Adam}`.
    `accepted` says that it is a job's that the store has, so was found right before.
    """

    source: str
    text: str
    data: dict[str, Any]
    values: dict[Trail, Place] = field(default_factory=dict)
    keys: dict[Trail, Place] = field(default_factory=dict)
    empty: set[Trail] = field(default_factory=set)
    bare: dict[Trail, list[str]] = field(default_factory=dict)
    accepted: bool = False

    def value(self, trail: Trail) -> Any:
        """Return what stands somewhere in the document; None where nothing does."""
        found: Any = self.data
        for part in trail:
            children = dict(enumerate(found)) if isinstance(found, list) else found
            found = children.get(part) if isinstance(children, dict) else None
        return found

    def place(self, trail: Trail, *, key: bool = False) -> Place:
        """Return where a value (or its key) stands, or the nearest thing around it that has a place."""
        wanted = self.keys if key else self.values
        for length in range(len(trail), -1, -1):
            if found := wanted.get(trail[:length]) or self.values.get(trail[:length]):
                return found
        return Place(self.source, 0, 0)

    def override(self, *trails: Trail) -> Place | None:
        """Return the place of a `--set` that wrote one of these, or anything in it; None where the file did."""
        for trail in trails:
            for known, place in self.values.items():
                if known[: len(trail)] == trail and not place.line:
                    return place
        return None

    def error(self, trail: Trail, message: str, *, key: bool = False) -> JobError:
        """Return the error to raise for something in this document: place, key, message."""
        name = ".".join(str(part) for part in trail if isinstance(part, str))
        return JobError(f"{name + ': ' if name else ''}{message}", place=self.place(trail, key=key))


def read_document(path: Path) -> Document:
    """Read a YAML file whose top level is a map; raise `JobError` with file, line and column."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise JobError(f"{path}: no such job file") from None
    except OSError as error:
        raise JobError(f"{path}: cannot be read ({error.strerror})") from None
    if len(raw) > MAX_BYTES:
        raise JobError(f"{path}: {len(raw)} bytes are too many for a job file (at most {MAX_BYTES})")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise JobError(f"{path}:{line}: not UTF-8 text; save the file as UTF-8") from None
    return parse_document(text, str(path))


def parse_document(text: str, source: str) -> Document:
    """Read YAML text whose top level is a map; `source` names it in errors."""
    node = _compose(text, source)
    document = Document(source=source, text=text, data={})
    if not isinstance(node, yaml.MappingNode):
        raise JobError("a job file is a map of keys to values, such as 'name: shallow'", place=source)
    data = _Builder(document).build(node, ())
    assert isinstance(data, dict)
    document.data = {key: value for key, value in data.items() if not key.startswith(PRIVATE)}
    return document


def parse_value(text: str, source: str) -> Any:
    """Read one YAML value, as after `--set key=`."""
    node = _compose(text, source)
    if node is None:
        return ""
    document = Document(source=source, text=text, data={})
    value = _Builder(document).build(node, ())
    for words in document.bare.values():
        raise JobError(f"{words[0]!r} has no value: write {words[0]}: VALUE, and lists in brackets", place=source)
    return value


def plain_scalar(text: str) -> Any:
    """Return what a text would be without quotes; the text itself where that is no usable value."""
    try:
        return parse_value(text, "")
    except JobError:
        return text


def _compose(text: str, source: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(source, mark.line + 1, mark.column + 1) if mark else Place(source, 0, 0)
        if error.context == _SEVERAL:
            raise JobError(
                "a second YAML document starts here (---); a job file must be a single document, so split it",
                place=place,
            ) from None
        raise JobError(f"not valid YAML: {error.problem or error.context}{_mend(error, text)}", place=place) from None
    except yaml.YAMLError as error:
        raise JobError(f"not valid YAML: {str(error).splitlines()[0]}", place=source) from None
    except RecursionError:
        raise JobError("nested too deeply", place=source) from None


def _mend(error: yaml.MarkedYAMLError, text: str) -> str:
    """Return what is likely to mend text in braces or brackets; nothing where the error is another one."""
    if not (error.context or "").startswith("while parsing a flow ") or not (error.context_mark and error.problem_mark):
        return ""
    if text[: error.problem_mark.index].endswith("("):
        return "; functions are not evaluated: write the list itself"
    if "but got '[" in str(error.problem) or "but got '{" in str(error.problem):
        return "; in braces and brackets, text with brackets or a comma needs quotes"
    return f"; the bracket of line {error.context_mark.line + 1} is not closed before this"


class _Builder:
    """Turns YAML nodes into plain values and notes where each stands."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.nodes = self.merging = 0

    def build(self, node: yaml.Node, trail: Trail) -> Any:
        self.nodes += 1
        mark = node.start_mark
        self.document.values[trail] = Place(self.document.source, mark.line + 1, mark.column + 1)
        if self.nodes > MAX_NODES or len(trail) > MAX_DEPTH or self.merging > MAX_DEPTH:
            raise self.document.error(trail[:1], "too large or nested too deeply for a job file")
        if node.tag not in _PLAIN_TAGS and not (isinstance(node, yaml.ScalarNode) and _resolved_plainly(node)):
            raise self.document.error(trail, f"tag {node.tag.removeprefix('tag:yaml.org,2002:')!r} is not allowed")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, trail)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*trail, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        if not node.value and not node.style:
            self.document.empty.add(trail)
        return node.value if node.style else self.plain(node.value, trail)

    def mapping(self, node: yaml.MappingNode, trail: Trail) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: list[yaml.MappingNode] = []
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            place = Place(self.document.source, mark.line + 1, mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                raise JobError("a key must be plain text", place=place)
            if key_node.tag == _MERGE:
                merged += self.bases(value_node, place)
                continue
            key = key_node.value
            inner = (*trail, key)
            private = str((*trail, key)[0]).startswith(PRIVATE)
            if not private and self.is_bare(node, key_node, value_node):
                before = (*trail, list(result)[-1]) if result else inner
                self.document.keys.setdefault(before, place)
                self.document.bare.setdefault(before, []).append(key)
                continue
            if key in result:
                first = self.document.keys[inner]
                twice = f"{'.'.join(map(str, inner))}: the key appears twice (first in line {first.line})"
                raise JobError(twice, place=place)
            self.document.keys[inner] = place
            result[key] = self.build(value_node, inner)
        for base in merged:
            self.merge(result, base, trail)
        return result

    def is_bare(self, node: yaml.MappingNode, key: yaml.ScalarNode, value: yaml.Node) -> bool:
        """Whether a key of a map in braces has not even a colon behind it."""
        if not node.flow_style or value.value or value.start_mark.index != key.end_mark.index:
            return False
        return self.document.text[key.end_mark.index : key.end_mark.index + 1] != ":"

    def bases(self, node: yaml.Node, place: Place) -> list[yaml.MappingNode]:
        """Return the maps that a merge key names, the first counting most."""
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(base, yaml.MappingNode) for base in nodes):
            raise JobError("<<: takes a map, or a list of maps, as in <<: *base", place=place)
        return list(nodes)

    def merge(self, result: dict[str, Any], base: yaml.MappingNode, trail: Trail) -> None:
        """Add what a base has and the map itself, or an earlier base, has not."""
        own = Document(self.document.source, self.document.text, {})
        builder = _Builder(own)
        builder.nodes, builder.merging = self.nodes, self.merging + 1
        found = builder.build(base, trail)
        self.nodes = builder.nodes
        for key in found.keys() - result.keys():
            inner = (*trail, key)
            for mine, theirs in ((self.document.values, own.values), (self.document.keys, own.keys)):
                mine.update({known: at for known, at in theirs.items() if known[: len(inner)] == inner})
            self.document.empty |= {known for known in own.empty if known[: len(inner)] == inner}
        result |= {key: value for key, value in found.items() if key not in result}

    def plain(self, text: str, trail: Trail) -> Hashable:
        lowered = text.lower()
        if lowered in ("", "~", "null"):
            return None
        if lowered in ("true", "false"):
            return lowered == "true"
        if lowered in _AMBIGUOUS:
            raise self.document.error(
                trail, f'{text!r} is ambiguous in YAML: write true or false, or "{text}" in quotes'
            )
        if _OCTAL_OR_SEXAGESIMAL.match(text):
            raise self.document.error(trail, f"{text!r} is read differently by different tools: write a decimal number")
        if _INTEGER.match(text):
            return int(text.replace("_", "")) if len(text) <= 30 else text
        if _FLOAT.match(text):
            return float(text.replace("_", ""))
        if _NOT_FINITE.match(text):
            raise self.document.error(trail, f"{text!r} is not a usable number")
        return text


def _resolved_plainly(node: yaml.ScalarNode) -> bool:
    """Whether a scalar's tag is YAML 1.1's own guess (a date, say), which is ignored, and not the writer's."""
    guessed = yaml.SafeLoader("").resolve(yaml.ScalarNode, node.value, (True, False))  # type: ignore[no-untyped-call]
    return bool(node.tag == guessed)

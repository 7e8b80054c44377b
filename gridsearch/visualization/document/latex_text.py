"""Text and tables in LaTeX, with nothing in them taken for a command."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from gridsearch.printable import escaped_line
from gridsearch.visualization.document.grid import Grid

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}
#: What fonts would join to other signs, or replace by typographic ones, where a reader is to copy it.
_COPIED = {"'": r"\textquotesingle{}", "`": r"\textasciigrave{}", '"': r"\textquotedbl{}", ",": ",{}"}
#: Signs beyond ASCII that every LaTeX has in its fonts, or that have a command.
_SIGNS = {
    "\N{NO-BREAK SPACE}": "~",
    "…": r"\ldots{}",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "`": r"\textasciigrave{}",
    "±": r"\ensuremath{\pm}",
    "×": r"\ensuremath{\times}",
    "−": r"\ensuremath{-}",
    "²": r"\texttwosuperior{}",
    "·": r"\ensuremath{\cdot}",
    "’": r"\textquoteright{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
}
_LAST_LATIN = 0x17F
#: What a table for a document of the reader's own writes signs with that fonts may lack, as `document.tex` does: there
#: the name is free, and here a reader may have another meaning for it, or a better definition of this one.
_OWN_SIGN = r"\gridsearchsign"
_DEFINITION = (
    rf"\providecommand{{{_OWN_SIGN}}}[2]{{\ifdefined\pdftexversion\texttt{{U+#1}}\else"
    r'\iffontchar\font"#1\relax#2\else\texttt{U+#1}\fi\fi}'
)
#: Hyphens that would become a dash.
_HYPHEN = re.compile("-(?=-)")
#: A number and its unit, between which no line ends.
_UNIT = re.compile(r"(\d) (\\%|m?s\b)")


def cell_text(text: str) -> str:
    r"""Return text for a document of the reader's own: any LaTeX reads it, with what `as_latex` has before the table.

    >>> cell_text("a_b ± 1 --c"), cell_text("中")
    ('a\\_b \\ensuremath{\\pm} 1 -\\kern0pt\\relax-c', '\\gridsearchsign{4E2D}{中}')
    """
    made = "".join(_sign(sign, _OWN_SIGN) for sign in escaped_line(text))
    return _HYPHEN.sub(r"-\\kern0pt\\relax", made)


def running_text(text: str) -> str:
    r"""Return text for a document of ours, whose preamble has `\sign`, for what its fonts may lack, and `\hyphen`.

    >>> running_text("50 % of a_b"), running_text("中")
    ('50~\\% of a\\_b', '\\sign{4E2D}{中}')
    """
    made = "".join(_sign(sign) for sign in escaped_line(text))
    return _UNIT.sub(r"\1~\2", _HYPHEN.sub(r"\\hyphen{}", made))


def code_text(text: str) -> str:
    r"""Return text that a reader may copy, as it is: `--set` keeps its two hyphens.

    >>> code_text("--set 'a_b'")
    '\\hyphen{}-set \\textquotesingle{}a\\_b\\textquotesingle{}'
    """
    return _HYPHEN.sub(r"\\hyphen{}", "".join(_COPIED.get(sign) or _sign(sign) for sign in escaped_line(text)))


def _sign(sign: str, command: str = r"\sign") -> str:
    if sign in _LATEX or sign in _SIGNS:
        return _LATEX.get(sign) or _SIGNS[sign]
    number = ord(sign)
    if number < 0x80 or 0xC0 <= number <= _LAST_LATIN:
        return sign
    if 0xD800 <= number <= 0xDFFF:  # half a sign, which no file can hold
        return f"U+{number:04X}"
    return f"{command}{{{number:04X}}}{{{sign}}}"


def as_latex(
    grid: Grid, text: Callable[[str], str] = cell_text, columns: str = "", environment: str = "tabular", width: str = ""
) -> str:
    """Return a table as a LaTeX `tabular` with the rules of the booktabs package.

    Args:
        grid: The table.
        text: What makes LaTeX of a text.
        columns: The columns as LaTeX has them; by default numbers to the right, text to the left.
        environment: `longtable` goes on over pages, with its headings on each; `tabularx` has a width.
        width: That width.
    """

    def line(cells: Sequence[str]) -> str:
        # The end of the row before would take a bracket or an asterisk for its own.
        guard = "{}" if "".join(cells[:1]).startswith(("[", "*")) else ""
        return f"  {guard}" + " & ".join(cells) + r" \\"

    body = [line([text(cell) for cell in row]) for row in grid.rows]
    if grid.gap_after is not None:
        body.insert(grid.gap_after, line([r"$\vdots$"] * len(grid.headings)))
    columns = columns or "".join("r" if numeric else "l" for numeric in grid.numeric)
    begin = f"\\begin{{{environment}}}{f'{{{width}}}' if width else ''}{{{columns}}}"
    head = [begin, r"  \toprule", line([text(heading) for heading in grid.headings]), r"  \midrule"]
    if environment == "longtable":
        head += [r"  \endhead", r"  \bottomrule", r"  \endfoot"]
        return "\n".join([*head, *body, r"\end{longtable}"])
    made = [*head, *body, r"  \bottomrule", f"\\end{{{environment}}}"]
    return "\n".join([_DEFINITION, *made] if any(_OWN_SIGN in one for one in made) else made)

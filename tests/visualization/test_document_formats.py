"""A document in each format: read back by readers that are not ours, names full of markup included."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from gridsearch.analysis.frames import JobData
from gridsearch.config.events import TrialState
from gridsearch.errors import GridsearchError
from gridsearch.printable import escaped_line, printable
from gridsearch.visualization import rendering
from gridsearch.visualization.document import latex_text
from gridsearch.visualization.document.grid import ELLIPSIS, Grid
from gridsearch.visualization.document.html import html
from gridsearch.visualization.document.latex import latex
from gridsearch.visualization.document.markdown import markdown
from gridsearch.visualization.document.parts import Code, Document, Figures, Listing, Paragraph, Section, Strong, Table
from gridsearch.visualization.document.write import write_report
from tests.analysis.grids import SHALLOW, START, grid, job_data, make_job, make_trial, shallow_score
from tests.visualization.browser import Browser, in_a_browser, needs_browser, open_at_all_widths
from tests.visualization.test_document import made, repeated, with_failures
from tests.visualization.test_page import evaluated

#: What each format would take for markup, and signs that fonts lack.
NASTY = (
    "\\input{/etc/passwd} $x$ _a_ 50% #1 ~^ {} \\end{document} “中文” 😀 é `x` --set 'a' |pipe|"
    " <script>alert(1)</script> [1](x) *b* &amp; a_b ,, ``` \x1b[31m\u202e"
)
ODD = evaluated(
    grid(
        {"kind": [NASTY, "[b", "*c"], "n_%": [1, 2, 3, 4]},
        lambda p: p["n_%"] / 10 if p["n_%"] < 4 else None,
        name=NASTY,
        description=NASTY,
        classes=2,
        fixed={"x_y": NASTY},
    ),
    1,
    2,
)
WHOLE = evaluated(grid(SHALLOW, shallow_score, name="shallow", classes=2), 2, 7)
DOCUMENTS = {
    "whole": made(WHOLE, drawn=True),
    "odd": made(ODD, drawn=True),
    "failing": made(with_failures()),
    "repeated": made(repeated()),
}
FIRST = ("# a", "- b", "1. c", "+ d", "= e", "> f", "```", "| g |", "    h", "10) i", "~~~", "***", "_x_")


def files(document: Document, ending: str) -> dict[str, str]:
    return {name: f"figures/{name}.{ending}" for name in document.figures}


def shown(parts: tuple[str | Code | Strong, ...]) -> str:
    return " ".join(escaped_line("".join(part if isinstance(part, str) else part.text for part in parts)).split())


def plain(token: Token) -> str:
    """The text that a reader sees of an inline token."""
    texts = [one.content for one in token.children or () if one.type in ("text", "code_inline")]
    return " ".join("".join(texts).split())


class TestMarkdown:
    """GitHub's Markdown, as markdown-it reads it."""

    READER: ClassVar = MarkdownIt("commonmark").enable(["table", "strikethrough"])

    def tokens(self, document: Document) -> list[Token]:
        return self.READER.parse(markdown(document, files(document, "svg")))

    @pytest.mark.parametrize("name", DOCUMENTS)
    def test_nothing_is_html_and_every_heading_is_one(self, name: str) -> None:
        document = DOCUMENTS[name]
        tokens = self.tokens(document)
        inner = [child.type for token in tokens for child in token.children or ()]
        assert {token.type for token in tokens} | set(inner) & {
            "html_block",
            "html_inline",
            "link_open",
            "em_open",
        } <= {
            *("heading_open", "inline", "heading_close", "paragraph_open", "paragraph_close", "fence", "hr"),
            *("table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close"),
            *("tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close"),
        }
        headings = [plain(tokens[place + 1]) for place, one in enumerate(tokens) if one.type == "heading_open"]
        assert headings == [shown((document.title,)), *(section.title for section in document.sections)]

    @pytest.mark.parametrize("name", DOCUMENTS)
    def test_every_cell_paragraph_and_listing_comes_back(self, name: str) -> None:
        document = DOCUMENTS[name]
        tokens = self.tokens(document)
        blocks = [block for section in document.sections for block in section.blocks]
        cells = [plain(tokens[place + 1]) for place, one in enumerate(tokens) if one.type in ("th_open", "td_open")]
        wanted = [
            shown((cell,))
            for block in blocks
            if isinstance(block, Table)
            for row in [block.grid.headings, *block.grid.lines(ELLIPSIS)]
            for cell in row
        ]
        assert cells == wanted
        paragraphs = {plain(tokens[place + 1]) for place, one in enumerate(tokens) if one.type == "paragraph_open"}
        assert {shown(block.parts) for block in blocks if isinstance(block, Paragraph)} <= paragraphs
        listings = [block for block in blocks if isinstance(block, Listing)]
        fences = [(one.info, one.content.rstrip("\n")) for one in tokens if one.type == "fence"]
        assert fences == [(one.language, printable(one.text)) for one in listings]
        images = [child for token in tokens for child in token.children or () if child.type == "image"]
        assert [one.attrs["src"] for one in images] == list(files(document, "svg").values())

    @given(st.lists(st.text(max_size=20) | st.sampled_from(FIRST), min_size=2, max_size=4))
    def test_any_text_comes_back_as_it_is(self, texts: list[str]) -> None:
        first, second, *others = texts
        rows = [[first, second], *([one, one] for one in others)]
        section = Section(f"x {first}", (Paragraph((f"{first}.", Code(f"c{second}"), Strong(f"s{second}s"))),))
        table = Section("y", (Table(Grid([second, first], [False, True], rows), second), Listing(first, "text")))
        tokens = self.tokens(Document("t", "", "d", (section, table), "o"))
        inline = [plain(one) for one in tokens if one.type == "inline"]
        assert inline[2] == shown((f"x {first}",))
        assert inline[3].replace(" ", "") == shown((f"{first}.", f"c{second}", f"s{second}s")).replace(" ", "")
        cells = [plain(tokens[place + 1]) for place, one in enumerate(tokens) if one.type in ("th_open", "td_open")]
        assert cells == [shown((cell,)) for row in [[second, first], *rows] for cell in row]
        fence = next(one for one in tokens if one.type == "fence")
        assert fence.content == printable(first).replace("\r", "\n") + "\n"


class TestLatex:
    """LaTeX: whole, balanced, and compiled where there is a LaTeX."""

    #: What stands for a sign that is not markup.
    _ESCAPED: ClassVar = re.compile(r"\\[%&$#_{}]|\\\\")

    @pytest.mark.parametrize("name", DOCUMENTS)
    def test_groups_and_environments_are_balanced(self, name: str) -> None:
        text = latex(DOCUMENTS[name], files(DOCUMENTS[name], "pdf"))
        body = text[text.index(r"\begin{document}") :]
        opened: list[str] = []
        for kind, environment in re.findall(r"(?<!\\)\\(begin|end)\{(\w+)\}", body):
            if kind == "begin":
                opened.append(environment)
            else:
                assert opened.pop() == environment
        assert opened == [] and body.count(r"\end{document}") == 1 and body.endswith("\\end{document}\n")
        bare = self._ESCAPED.sub("", body)
        depth = 0
        for sign in bare:
            depth += {"{": 1, "}": -1}.get(sign, 0)
            assert depth >= 0
        assert depth == 0
        assert not set("%#") & set(bare)
        assert bare.count("$") == 2 * bare.count(r"$\vdots$")
        commands = set(re.findall(r"\\([a-zA-Z]+)", bare))
        assert "input" not in commands and "write" not in commands
        assert set(re.findall(r"\\includegraphics\[[^]]*\]\{([^}]*)\}", body)) == set(
            files(DOCUMENTS[name], "pdf").values()
        )

    @given(st.text(max_size=30) | st.sampled_from([NASTY, "[x", "*", "--a", "a,,b", "100 % s"]))
    def test_any_text_is_one_group(self, text: str) -> None:
        for made_of in (latex_text.running_text, latex_text.code_text, latex_text.cell_text):
            bare = self._ESCAPED.sub("", made_of(text))
            assert bare.count("{") == bare.count("}") and not set("%#&_$^") & set(bare)
            assert "\n" not in bare

    def test_a_cell_that_begins_a_row_is_no_option_of_the_last(self) -> None:
        rows = latex_text.as_latex(Grid(["[a", "b"], [False, False], [["[1, 2]", "x"], ["*", "y"], ["z", "["]])).split(
            "\n"
        )
        assert [row.strip()[:3] for row in rows if "&" in row] == ["{}[", "{}[", "{}*", "z &"]

    def test_a_table_for_another_document_brings_the_command_for_its_signs(self) -> None:
        plain, signs = (latex_text.as_latex(Grid([text], [False], [["x"]])) for text in ("a ± é", "🎉"))
        assert plain.startswith(r"\begin{tabular}") and r"\ensuremath{\pm}" in plain
        assert signs.startswith(r"\providecommand{\gridsearchsign}[2]{") and r"\gridsearchsign{1F389}{🎉} " in signs

    @pytest.mark.slow
    @pytest.mark.parametrize("engine", ["pdflatex", "lualatex"])
    def test_such_a_table_compiles_where_another_sign_is_defined(self, tmp_path: Path, engine: str) -> None:
        if shutil.which(engine) is None:
            pytest.skip(f"NOT TESTED: LaTeX as {engine} compiles it; not on PATH")
        table = latex_text.as_latex(Grid(["🎉 --a", NASTY], [False, True], [["中 −² …", "1"]]))
        head = r"\documentclass{article}\usepackage{booktabs}\newcommand{\sign}{}\begin{document}"
        (tmp_path / "a.tex").write_text(f"{head}\n{table}\n\n{table}\n\\end{{document}}\n")
        command = [engine, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "a.tex"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
        assert ended.returncode == 0, ended.stdout[-3000:]

    def test_a_long_table_goes_on_over_pages(self) -> None:
        grid = Grid(["a"], [True], [[str(n)] for n in range(100)])
        text = latex(Document("t", "", "d", (Section("s", (Table(grid, "c"),)),), "o"), {})
        assert r"\begin{longtable}{r}" in text and r"\endhead" in text and r"\begin{tabular}" not in text

    @pytest.mark.slow
    @pytest.mark.skipif(
        shutil.which("pdflatex") is None, reason="NOT TESTED: LaTeX as pdflatex compiles it; not on PATH"
    )
    @pytest.mark.parametrize("name", ["whole", "odd"])
    def test_pdflatex_compiles_it(self, tmp_path: Path, name: str) -> None:
        document = made(WHOLE if name == "whole" else ODD)
        (tmp_path / "a.tex").write_text(latex(document, {}))
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "a.tex"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
        assert ended.returncode == 0, ended.stdout[-3000:]
        assert (tmp_path / "a.pdf").stat().st_size > 20_000


class Page(HTMLParser):
    """The tags of a page with their attributes, and the text of its body."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


class TestHtml:
    """HTML: one file, nothing loaded, nothing run."""

    @pytest.mark.parametrize("name", DOCUMENTS)
    def test_the_page_is_alone(self, name: str) -> None:
        document = DOCUMENTS[name]
        page = Page(
            html(document, {figure: b"<svg xmlns='http://www.w3.org/2000/svg'/>" for figure in document.figures})
        )
        tags = [tag for tag, _ in page.tags]
        assert not {"script", "iframe", "object", "embed", "a", "form"} & set(tags)
        sources = [attributes["src"] or "" for _, attributes in page.tags if "src" in attributes]
        assert len(sources) == len(document.figures)
        assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
        assert all(base64.b64decode(source.partition(",")[2]).startswith(b"<svg") for source in sources)
        links = [attributes["href"] for _, attributes in page.tags if "href" in attributes]
        assert links == ["data:,"]
        assert "script-src 'none'" in str(page.tags[3:6])
        assert all(attributes.get("alt") for tag, attributes in page.tags if tag == "img")

    @pytest.mark.parametrize("name", DOCUMENTS)
    def test_everything_that_is_said_is_shown(self, name: str) -> None:
        document = DOCUMENTS[name]
        text = Page(html(document, dict.fromkeys(document.figures, b""))).text
        for section in document.sections:
            for block in section.blocks:
                if isinstance(block, Paragraph):
                    assert shown(block.parts) in text
                elif isinstance(block, Table):
                    assert all(shown((cell,)) in text for row in block.grid.rows for cell in row)
                elif isinstance(block, Figures):
                    assert shown((block.caption,)) in text
                else:
                    assert " ".join(printable(block.text).split()) in text


class TestFiles:
    """What is written, and where."""

    def test_without_figures_there_is_one_file(self, tmp_path: Path) -> None:
        for format_ in ("md", "tex", "html"):
            written = write_report(WHOLE, tmp_path / format_, format_, figures=False, source="results.db", now=START)
            assert written == [tmp_path / format_ / f"shallow.{format_}"]
            assert [path.name for path in (tmp_path / format_).iterdir()] == [f"shallow.{format_}"]
            assert "2026-01-02 03:04 UTC" in written[0].read_text()

    def test_a_file_that_is_there_is_replaced_whole(self, tmp_path: Path) -> None:
        page = tmp_path / "shallow.md"
        page.write_text("old " * 100_000)
        write_report(WHOLE, tmp_path, figures=False)
        assert page.read_text().startswith("# shallow\n") and "old old" not in page.read_text()

    def test_bad_input_is_one_line(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(GridsearchError, match="format 'mdd' is not known"):
            write_report(WHOLE, tmp_path, "mdd")
        (tmp_path / "file").write_text("")
        with pytest.raises(GridsearchError, match=r"file/shallow.md: cannot be written \("):
            write_report(WHOLE, tmp_path / "file", figures=False)
        monkeypatch.setattr(rendering, "find_spec", lambda name: None)
        with pytest.raises(GridsearchError, match=r"pip install 'gridsearch\[figures\]'"):
            write_report(WHOLE, tmp_path / "none")
        assert not (tmp_path / "none").exists()

    def test_a_job_without_figures_needs_no_browser(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rendering, "find_spec", lambda name: None)
        rows = [make_trial({"n": 1}, state=TrialState.PENDING)]
        written = write_report(job_data(make_job({"n": [1]}), rows, []), tmp_path)
        assert [path.name for path in written] == ["sample.md"]


@pytest.mark.slow
@needs_browser("documents with figures")
# What kaleido leaves to the garbage collector is not ours.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
class TestDrawn:
    """With figures, as a browser draws them."""

    SMALL: ClassVar[JobData] = grid({"n_%": [1, 2, 3]}, lambda p: p["n_%"] / 10, name=NASTY)

    @pytest.mark.parametrize(("format_", "ending", "head"), [("md", "svg", b"<svg"), ("tex", "pdf", b"%PDF")])
    def test_every_figure_that_a_document_names_is_a_file(
        self, tmp_path: Path, format_: str, ending: str, head: bytes
    ) -> None:
        page, *figures = write_report(self.SMALL, tmp_path, format_)
        named = set(re.findall(rf"figures/[\w-]+\.{ending}", page.read_text()))
        assert named == {f"figures/{path.name}" for path in figures} and len(named) >= 5
        assert all(path.read_bytes().startswith(head) for path in figures)

    def test_a_page_has_its_figures_inside(self, tmp_path: Path) -> None:
        (written,) = write_report(self.SMALL, tmp_path, "html")
        assert list(tmp_path.iterdir()) == [written]
        page = Page(written.read_text())
        images = [base64.b64decode((one["src"] or "").partition(",")[2]) for tag, one in page.tags if tag == "img"]
        assert len(images) >= 5 and all(image.startswith(b"<svg") for image in images)


class TestInABrowser:
    """The page, in a real browser."""

    pytestmark: ClassVar = in_a_browser("documents in a browser")

    @pytest.mark.parametrize("name", ["odd", "whole"])
    def test_nothing_complains_and_nothing_sticks_out(self, browser: Browser, tmp_path: Path, name: str) -> None:
        document, page = DOCUMENTS[name], tmp_path / "page.html"
        square = b"<svg xmlns='http://www.w3.org/2000/svg' width='8' height='8'><rect width='8' height='8'/></svg>"
        page.write_text(html(document, dict.fromkeys(document.figures, square)))
        open_at_all_widths(browser, page)
        assert browser.run("[...document.images].every((one) => one.complete && one.naturalWidth > 0)")
        assert browser.run("document.images.length") == len(document.figures)
        assert browser.run("document.querySelector('h1').textContent") == escaped_line(document.title)

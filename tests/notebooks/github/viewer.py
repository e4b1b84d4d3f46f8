"""Show notebooks as GitHub does: each piece as nbconvert renders it, and as GitHub leaves it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from helpers.lessons import LESSONS, ROOT, Lesson
from tests.notebooks import files
from tests.notebooks.github.sanitiser import sanitised

CSS = Path(__file__).with_name("page.css")
CONTENT = ".jp-RenderedMarkdown.jp-MarkdownOutput, .jp-OutputArea-output"
"""CSS selectors of what a notebook holds; the rest of the page is nbconvert's own."""


@dataclass(frozen=True)
class Piece:
    """The prose of a Markdown cell, or one output of a code cell (``output`` is None for prose).

    ``before`` is the HTML of nbconvert, ``after`` what GitHub leaves of it; ``cell`` counts from 0.
    """

    cell: int
    output: NotebookNode | None
    before: BeautifulSoup
    after: BeautifulSoup


@dataclass(frozen=True)
class View:
    """A notebook in GitHub's viewer. ``refused`` says why it is not shown, or is None."""

    nb: NotebookNode
    html: str = ""
    refused: str | None = None

    @cached_property
    def page(self) -> BeautifulSoup:
        """The whole page, sanitised: it runs nothing and requests nothing."""
        page = BeautifulSoup(self.html, "html.parser")
        for element in page("script"):
            element.decompose()
        for element in page.select(CONTENT):
            clean = BeautifulSoup(sanitised(element.decode_contents()), "html.parser")
            element.clear()
            element.extend(list(clean.contents))
        return page

    def standalone(self) -> str:
        """Return the page for a browser, in GitHub's colours, with links to the local files."""
        page = BeautifulSoup(str(self.page), "html.parser")
        assert page.head is not None
        page.head.append(page.new_tag("base", href=f"{(ROOT / 'notebooks').as_uri()}/"))
        page.head.append(page.new_tag("style"))
        page.head.contents[-1].append(CSS.read_text(encoding="utf-8"))
        return str(page)

    @cached_property
    def pieces(self) -> list[Piece]:
        """What the notebook shows, in reading order; nothing if it is refused."""
        return list(self._pieces()) if self.refused is None else []

    def _pieces(self) -> Iterator[Piece]:
        before = BeautifulSoup(self.html, "html.parser").select(".jp-Cell")
        after = self.page.select(".jp-Cell")
        for index, pair in enumerate(zip(before, after, strict=True)):
            cell = self.nb.cells[index]
            outputs = [None] if cell.cell_type == "markdown" else cell.get("outputs", [])
            where = ".jp-InputArea" if cell.cell_type == "markdown" else ".jp-OutputArea-child"
            found = (part.select(where) for part in pair)
            for output, old, new in zip(outputs, *found, strict=True):
                yield Piece(index, output, _content(old), _content(new))


@cache
def lessons() -> dict[Lesson, View]:
    """Return every lesson in GitHub's viewer."""
    return {lesson: render(files.read(lesson.notebook)) for lesson in LESSONS}


def render(nb: NotebookNode) -> View:
    """Return the notebook in GitHub's viewer.

    In the light theme only: on GitHub no lesson keeps colours of its own, so the dark theme shows
    nothing that is ours.
    """
    # Validate once: nbconvert's default compiles the schema anew for each of its 12 steps.
    exporter = HTMLExporter(template_name="lab", optimistic_validation=True)
    try:
        return View(nb, exporter.from_notebook_node(nb)[0])
    except Exception as error:
        return View(nb, refused=f"{type(error).__name__}: {error}")


def _content(area: Tag) -> BeautifulSoup:
    """Return a copy of what the notebook shows in this area; empty if nbconvert shows nothing.

    A place where a word may be broken is left out, as on GitHub: it would be in two pieces.
    """
    found = area.select_one(CONTENT)
    html = found.decode_contents() if found else ""
    return BeautifulSoup(html.replace("<wbr/>", "").replace("<wbr>", ""), "html.parser")

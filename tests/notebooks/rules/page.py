"""A lesson as the rules see it: the notebook, its recordings, and what GitHub shows of it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any

from bs4 import BeautifulSoup, Tag
from nbformat import NotebookNode

from helpers.client.routes import ROUTES
from helpers.lessons import LESSONS, Lesson
from tests.notebooks.github.viewer import Piece, View, lessons

Rule = Callable[["Page"], Iterator[str]]


@dataclass(frozen=True)
class Page:
    """One notebook and what belongs to it.

    ``text`` is the content of the file, ``recordings`` are the texts of its recordings, that of the
    route that the outputs show first, and ``following`` the file name of the next lesson.
    """

    view: View
    text: str
    recordings: tuple[str, ...]
    following: str | None = None

    @property
    def nb(self) -> NotebookNode:
        return self.view.nb

    @property
    def provenance(self) -> dict[str, Any]:
        """Return what the recording says about its origin."""
        found: dict[str, Any] = json.loads(self.recordings[0])["provenance"]
        return found

    @property
    def code(self) -> list[NotebookNode]:
        return [cell for cell in self.nb.cells if cell.cell_type == "code"]

    @property
    def outputs(self) -> list[NotebookNode]:
        return [output for cell in self.code for output in cell.outputs]

    @cached_property
    def prose(self) -> list[BeautifulSoup]:
        """The Markdown cells as HTML, without what is set as code or added by nbconvert."""
        pieces = [piece for piece in self.view.pieces if piece.output is None]
        return [without(piece.before, "code", "pre", ".anchor-link") for piece in pieces]

    @property
    def headings(self) -> list[Tag]:
        return [heading for soup in self.prose for heading in soup(["h1", "h2", "h3", "h4", "h5"])]


def page_of(lesson: Lesson) -> Page:
    """Return the page of a lesson as it is committed."""
    text = lesson.notebook.read_bytes().decode("utf-8")
    recordings = tuple(lesson.cassette(route).read_text(encoding="utf-8") for route in ROUTES)
    after = LESSONS[LESSONS.index(lesson) + 1 :]
    return Page(lessons()[lesson], text, recordings, after[0].notebook.name if after else None)


def on_each_piece(check: Callable[[Piece], Iterator[str]]) -> Rule:
    """Turn a check of one piece (prose or output) into a rule for a page."""

    @wraps(check)
    def rule(page: Page) -> Iterator[str]:
        for piece in page.view.pieces:
            for fault in check(piece):
                yield f"cell {piece.cell}: {fault}"

    return rule


def without(soup: BeautifulSoup, *selectors: str) -> BeautifulSoup:
    """Return a copy without the elements that these CSS selectors match."""
    rest = BeautifulSoup(str(soup), "html.parser")
    for element in rest.select(", ".join(selectors)):
        element.extract()
    return rest

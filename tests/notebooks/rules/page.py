"""A lesson as the rules see it: its cells, its Markdown as a tree, its HTML as tags."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import mistune
from nbformat import NotebookNode

from helpers.client.routes import ROUTES
from helpers.lessons import Lesson
from tests.notebooks import files

Token = dict[str, Any]
Tag = tuple[str, dict[str, str]]

_markdown = mistune.create_markdown(renderer="ast", plugins=["table"])


@dataclass(frozen=True)
class Page:
    """One notebook and what belongs to it.

    ``text`` is the file as it is, ``path`` where it lies, ``tapes`` the texts of its recordings,
    the one that its outputs show first, and ``following`` the file name of the next lesson.
    """

    nb: NotebookNode
    text: str
    path: Path
    tapes: tuple[str, ...]
    following: str | None

    @property
    def provenance(self) -> dict[str, Any]:
        """What the recording says of itself."""
        found: dict[str, Any] = json.loads(self.tapes[0])["provenance"]
        return found

    @property
    def code(self) -> list[NotebookNode]:
        return [cell for cell in self.nb.cells if cell.cell_type == "code"]

    @property
    def outputs(self) -> list[NotebookNode]:
        return [output for cell in self.code for output in cell.outputs]

    @cached_property
    def markdown(self) -> list[list[Token]]:
        """For each Markdown cell its tokens, those inside of others too, in reading order."""
        cells = [cell for cell in self.nb.cells if cell.cell_type == "markdown"]
        return [list(_walk(_tree(cell.source))) for cell in cells]

    @property
    def tokens(self) -> list[Token]:
        return [token for tokens in self.markdown for token in tokens]

    @cached_property
    def tags(self) -> list[Tag]:
        """The tags of all HTML: of what is in the Markdown, and of what the outputs hold."""
        html = [t["raw"] for t in self.tokens if t["type"] in ("block_html", "inline_html")]
        html += [o.data["text/html"] for o in self.outputs if "text/html" in o.get("data", {})]
        return [tag for piece in html for tag in tags_of(piece)]


def page_of(lesson: Lesson, following: Lesson | None) -> Page:
    """The page of a lesson as it lies in the repository."""
    text = lesson.notebook.read_bytes().decode("utf-8")
    tapes = tuple(lesson.cassette(route).read_text(encoding="utf-8") for route in ROUTES)
    after = following.notebook.name if following else None
    return Page(files.read(lesson.notebook), text, lesson.notebook, tapes, after)


def words_of(token: Token) -> str:
    """The text of a heading, a link or an image."""
    if "children" in token:
        return "".join(words_of(child) for child in token["children"])
    return str(token.get("raw", ""))


def strings_in(value: Any) -> Iterator[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from strings_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings_in(item)


def tags_of(html: str) -> list[Tag]:
    """The opening tags of ``html`` and their attributes."""
    reader = _Reader()
    reader.feed(html)
    return reader.tags


def text_in(html: str) -> str:
    """The text of ``html`` as a reader sees it, white space folded."""
    reader = _Reader()
    reader.feed(html)
    return " ".join("".join(reader.text).split())


def _tree(source: str) -> list[Token]:
    tree, _ = _markdown.parse(source)
    return list(tree)  # type: ignore[arg-type]


def _walk(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _walk(token.get("children", []))


class _Reader(HTMLParser):
    """Collects tags, and the text outside of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self.text: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._hidden = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text.append(data)

"""Show notebooks as GitHub does: each piece as nbconvert renders it, and as GitHub leaves it."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from bs4 import BeautifulSoup, Tag
from nbformat import NotebookNode

from helpers.lessons import LESSONS, ROOT, Lesson
from tests.notebooks import files
from tests.notebooks.github.sanitiser import sanitised

CSS = Path(__file__).with_name("page.css")
PACKAGES = Path(__file__).with_name("packages.txt")
NAMED = {"nbconvert": "7.16.6", "nbformat": "5.10.4"}
"""The versions on GitHub's error page: "Using nbformat v5.10.4 and nbconvert v7.16.6"."""
THEMES = ("light", "dark")
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

    path: Path
    nb: NotebookNode
    versions: dict[str, str]
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
        page.head.append(page.new_tag("base", href=f"{self.path.parent.as_uri()}/"))
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
def lessons(theme: str = "light") -> dict[Lesson, View]:
    """Return every lesson in GitHub's viewer."""
    found = views([lesson.notebook for lesson in LESSONS], theme)
    return dict(zip(LESSONS, found, strict=True))


def views(paths: Sequence[Path], theme: str = "light") -> list[View]:
    """Return the notebooks in GitHub's viewer, in the theme ``light`` or ``dark``."""
    folder = _packages()
    done = subprocess.run(
        [sys.executable, "-m", "tests.notebooks.github.render", theme, *map(str, paths)],
        cwd=ROOT,
        env=os.environ
        | {"PYTHONPATH": str(folder), "JUPYTER_PATH": str(folder / "share" / "jupyter")},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    pages = json.loads(done.stdout)
    return [View(path, files.read(path), **page) for path, page in zip(paths, pages, strict=True)]


def _content(area: Tag) -> BeautifulSoup:
    """Return a copy of what the notebook shows in this area; empty if nbconvert shows nothing."""
    found = area.select_one(CONTENT)
    return BeautifulSoup(found.decode_contents() if found else "", "html.parser")


def _packages() -> Path:
    """Return the folder with GitHub's packages; pip fetches them when it does not exist yet.

    They are not installed, because these versions have known security holes. Raises
    ``CalledProcessError`` if pip fails, for example without a network.
    """
    name = hashlib.sha256(PACKAGES.read_bytes()).hexdigest()[:12]
    folder = ROOT / "build" / "github" / name
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as place:
        new = Path(place) / "new"
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        options = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", new)
        subprocess.run([*pip, *options, "--requirement", PACKAGES], check=True)
        if not folder.exists():  # else a process that runs at the same time was faster
            new.rename(folder)
    return folder

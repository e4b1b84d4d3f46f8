"""Rules on the prose of a lesson: headings, the way on, dates, the length of sentences."""

import re
from collections.abc import Iterator

from tests.notebooks.rules.page import Page, without
from tests.notebooks.rules.sentences import too_many_long

MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
DATES = re.compile(
    rf"\d{{4}}-\d\d-\d\d|(?:\d+\.? )?{MONTH},? (?:\d+, )?\d{{4}}"
    r"|\b(?:recently|currently|nowadays|new feature|at the moment|as of today|brand.new)\b",
    re.IGNORECASE,
)
"""Dates, and words that refer to the day of writing: both make a text outdated."""


def one_title(page: Page) -> Iterator[str]:
    titles = [heading.get_text() for heading in page.headings if heading.name == "h1"]
    if len(titles) != 1:
        yield f"it has {len(titles)} titles: {titles}"
    if not page.nb.cells[0].source.startswith("# "):
        yield "its first cell does not begin with its title"


def headings_are_in_order(page: Page) -> Iterator[str]:
    before = 0
    for heading in page.headings:
        level = int(heading.name[1])
        if level > before + 1:
            yield f"{heading.get_text()!r} is of level {level}, below one of level {before}"
        before = level


def it_has_an_exercise(page: Page) -> Iterator[str]:
    if not any("exercise" in heading.get_text().lower() for heading in page.headings):
        yield "it has no heading with the word exercise"


def it_ends_with_a_recap_and_the_way_on(page: Page) -> Iterator[str]:
    if not page.headings or "recap" not in page.headings[-1].get_text().lower():
        yield "its last heading is not the recap"
    links = [link.get("href") for link in page.prose[-1]("a")]
    if page.nb.cells[-1].cell_type != "markdown" or not links:
        yield "it does not end with a link that leads on"
    elif page.following and page.following not in links:
        yield f"its last cell does not link to {page.following}"


def no_dates(page: Page) -> Iterator[str]:
    """A table with a column of dates is the place for them."""
    for soup in page.prose:
        text = without(soup, "table:has(th:-soup-contains-own('date'))").get_text()
        for found in DATES.finditer(text):
            yield f"{found[0]!r} will be out of date"


def sentences_are_short(page: Page) -> Iterator[str]:
    yield from too_many_long(piece.before for piece in page.view.pieces if piece.output is None)

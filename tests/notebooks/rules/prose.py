"""Rules on what a lesson says: headings, links, pictures, and what GitHub's view can show."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from helpers.lessons import ROOT
from tests.notebooks.rules.page import Page, Token, words_of

MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
DATES = re.compile(
    rf"\d{{4}}-\d\d-\d\d|(?:\d+\.? )?{MONTH},? (?:\d+, )?\d{{4}}"
    r"|\b(?:recently|currently|nowadays|new feature|at the moment|as of today|brand.new)\b",
    re.IGNORECASE,
)
"""What makes a text old: dates, and words that mean the day on which it was written."""
MIN_ALT = 3
"""Words."""


def one_title(page: Page) -> Iterator[str]:
    titles = [words_of(token) for token in _headings(page) if token["attrs"]["level"] == 1]
    if len(titles) != 1:
        yield f"it has {len(titles)} titles: {titles}"
    if not page.nb.cells[0].source.startswith("# "):
        yield "its first cell does not begin with its title"


def headings_are_in_order(page: Page) -> Iterator[str]:
    before = 0
    for token in _headings(page):
        level = token["attrs"]["level"]
        if level > before + 1:
            yield f"{words_of(token)!r} is a heading of level {level} below one of level {before}"
        before = level


def it_has_an_exercise(page: Page) -> Iterator[str]:
    if not any("exercise" in words_of(token).lower() for token in _headings(page)):
        yield "it has no heading with the word exercise"


def it_ends_with_a_recap_and_the_way_on(page: Page) -> Iterator[str]:
    headings = _headings(page)
    if not headings or "recap" not in words_of(headings[-1]).lower():
        yield "its last heading is not the recap"
    links = [t["attrs"]["url"] for t in page.markdown[-1] if t["type"] == "link"]
    if page.nb.cells[-1].cell_type != "markdown" or not links:
        yield "it does not end with a link that leads on"
    elif page.following and page.following not in links:
        yield f"its last cell does not link to {page.following}"


def links_lead_somewhere(page: Page) -> Iterator[str]:
    urls = [t["attrs"]["url"] for t in page.tokens if t["type"] in ("link", "image")]
    urls += [attrs[name] for _, attrs in page.tags for name in ("href", "src") if name in attrs]
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "data", "mailto"):
            continue
        target = (page.path.parent / PurePosixPath(unquote(parts.path))).resolve()
        if parts.scheme or parts.netloc or not parts.path:
            yield f"{url!r} is neither a web address nor a relative path"
        elif not target.is_relative_to(ROOT) or not target.exists():
            yield f"{url!r} leads nowhere"
        elif parts.fragment and target.suffix == ".ipynb":
            yield f"{url!r} leads into the middle of a notebook, which GitHub can't show"


def pictures_are_described(page: Page) -> Iterator[str]:
    alts = [words_of(token) for token in page.tokens if token["type"] == "image"]
    alts += [attrs.get("alt", "") for tag, attrs in page.tags if tag == "img"]
    for alt in alts:
        if len(alt.split()) < MIN_ALT:
            yield f"the description {alt!r} of a picture says nothing"
    for output in page.outputs:
        bare = [kind for kind in output.get("data", {}) if kind.startswith("image/")]
        if bare:
            yield f"an output is a bare {bare[0]}, which can't have a description"


def nothing_that_github_hides(page: Page) -> Iterator[str]:
    for token in page.tokens:
        if token["type"] == "block_code" and token.get("attrs", {}).get("info") == "mermaid":
            yield "a mermaid diagram is shown as its source"
        if token["type"] == "block_quote" and words_of(token).lstrip().startswith("[!"):
            yield "a callout is shown with its mark: write > **Note.**"
        if token["type"] in ("link", "image"):
            url = token["attrs"]["url"]
            if url.startswith(("#", "attachment:")):
                yield f"{url!r} is not shown"
    if any("attachments" in cell for cell in page.nb.cells):
        yield "a cell has an attachment"
    for tag, attrs in page.tags:
        if tag in ("details", "style", "script", "svg", "iframe"):
            yield f"<{tag}> is removed or shown as nothing"
        if "id" in attrs or (tag == "a" and "href" not in attrs):
            yield f"<{tag}> is an anchor, and anchors are removed"


def no_dates(page: Page) -> Iterator[str]:
    for token in page.tokens:
        if token["type"] == "text" and (found := DATES.search(token["raw"])):
            yield f"{found[0]!r} will be old one day"


def _headings(page: Page) -> list[Token]:
    return [token for token in page.tokens if token["type"] == "heading"]

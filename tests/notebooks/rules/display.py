"""Rules on what a reader sees, with no kernel and on GitHub: each checks one piece of a page."""

import base64
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup
from PIL import Image

from helpers.lessons import ROOT
from tests.notebooks.github.sanitiser import ELEMENTS
from tests.notebooks.github.viewer import Piece
from tests.notebooks.rules.page import without

HIDDEN = ("title", "aria-label", "value", "placeholder")
"""Attributes whose words are not on the page, or only under a pointer."""
MIN_ALT = 3
"""Words."""
BREAKABLE = 12
"""Characters: longer words may be broken in a narrow column of plain text."""
BARS = re.compile("[▁▂▃▄▅▆▇█▏▎▍▌▋▊▉░▒▓]")
SPOTS = re.compile("[■□●○⚫⚪⬛⬜🟥-🟫🔴🔵]")
DRAWN = ("img", "hr", "br")
BOLD = ("b", "strong", "em", "th")
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
LOOKS = re.compile(r"(?:color|background|border|width|height)[\w-]*\s*:\s*[^;]+")
COLOUR = re.compile(r"(?:^|;)\s*(?:color|background(?:-color)?)\s*:\s*([^;]+)")


def something_is_shown(piece: Piece) -> Iterator[str]:
    stream = piece.output is not None and piece.output.output_type == "stream"
    empty = not piece.after.get_text().strip() and not piece.after("img")
    if empty and not (stream and not piece.output.text.strip()):
        yield "it shows nothing"


def every_word_is_there(piece: Piece) -> Iterator[str]:
    """What is in the HTML, in its attributes or in the plain text, is shown or a description."""
    said = _words(_plain(piece))
    there = _words(piece.after.get_text()) | _words(piece.after.get_text(" "))
    for img in piece.after("img"):
        for sentence in str(img.get("alt", "")).split(". "):
            if _words(sentence) <= said - there:  # else it repeats what the text says
                there += _words(sentence)
    lost = _words(piece.before.get_text(" ")) | said
    for element in piece.before(True):
        lost |= Counter(w for name in HIDDEN for w in _words(str(element.get(name, ""))))
    lost -= there
    # In a narrow column of plain text a long word stands in two pieces.
    long = [word for word in there if len(word) >= BREAKABLE]
    halves = [(word[:at], word[at:]) for word in long for at in range(1, len(word))]
    broken = {one for a, b in halves for one, other in ((a, b), (b, a)) if other in said}
    if gone := sorted(set(lost) - broken):
        yield f"these words are lost: {', '.join(gone)}"


def nothing_is_taken_out(piece: Piece) -> Iterator[str]:
    for element in piece.before(True):
        if element.name in ("details", "style", "script", "svg", "iframe"):
            yield f"<{element.name}> is removed or shown as nothing"
        elif piece.output is None and element.name not in ELEMENTS:
            yield f"<{element.name}> is taken out of the prose: if it is to be read, make it code"
        # The ids of headings are nbconvert's.
        if ("id" in element.attrs and element.name not in HEADINGS) or (
            element.name == "a" and "href" not in element.attrs
        ):
            yield f"<{element.name}> is an anchor, and anchors are removed"
    if piece.before.select(".mermaid"):
        yield "a mermaid diagram is shown as its source"
    for quote in piece.before("blockquote"):
        if quote.get_text().lstrip().startswith("[!"):
            yield "a callout is shown with its mark: write > **Note.**"


def no_price_becomes_a_formula(piece: Piece) -> Iterator[str]:
    prose = without(piece.after, "code", "pre")
    for block in prose(["p", "li", "td", "th", "div"]):
        block.append("\0")
    if found := re.search(r"\$[^$\0]+\$", prose.get_text()):
        yield f"what stands between two dollars is typeset as a formula: {found[0]!r}"


def links_lead_somewhere(piece: Piece) -> Iterator[str]:
    for element in piece.before.select("a[href]:not(.anchor-link), img[src]:not([src^='data:'])"):
        url = str(element.get("href", "") or element.get("src", ""))
        parts = urlsplit(url)
        if element.name == "a" and parts.scheme in ("http", "https", "mailto"):
            continue
        target = (ROOT / "notebooks" / PurePosixPath(unquote(parts.path))).resolve()
        if parts.scheme or parts.netloc or not parts.path:
            yield f"{url!r} is neither a web address nor a relative path"
        elif not target.is_relative_to(ROOT) or not target.exists():
            yield f"{url!r} leads nowhere"
        elif parts.fragment and target.suffix == ".ipynb":
            yield f"{url!r} leads into the middle of a notebook, which GitHub can't show"


def pictures_are_seen(piece: Piece) -> Iterator[str]:
    for img in piece.after("img"):
        alt, source = str(img.get("alt", "")), str(img.get("src", ""))
        if len(alt.split()) < MIN_ALT or alt.startswith("No description has been provided"):
            yield f"the description {alt!r} of a picture says nothing"
        if not source:
            yield f"the picture {alt!r} is taken out"
        elif source.startswith("data:"):
            yield from _faults_of_a_picture(source.partition(",")[2], alt)


def _faults_of_a_picture(data: str, alt: str) -> Iterator[str]:
    try:
        picture = Image.open(BytesIO(base64.b64decode(data, validate=True))).convert("RGBA")
    except (OSError, ValueError) as error:
        yield f"the picture {alt!r} can't be read: {error}"
    else:
        if picture.getextrema()[3] != (255, 255):
            yield f"the picture {alt!r} is not opaque, and the page may be dark"


def looks_are_not_all(piece: Piece) -> Iterator[str]:
    if "\x1b[" in _plain(piece):
        yield "it is coloured by escape codes"
    for element in piece.before(style=LOOKS):
        if element.name not in DRAWN and not element.get_text().strip() and not element("img"):
            yield f"a <{element.name}> without words says something by how it looks"


def colour_is_not_all(piece: Piece) -> Iterator[str]:
    """What a colour tells can be read as well.

    A coloured text needs nothing more if it or the element behind it holds a digit. Of the others,
    each colour has one word of its own; if there is one colour only, being bold is enough.
    """
    words: dict[str, set[str]] = defaultdict(set)
    is_bold = True
    for element in piece.before(True):
        text, after = element.get_text().strip(), element.find_next_sibling()
        colours = COLOUR.findall(str(element.get("style", "")))
        colours += [str(element[name]) for name in ("bgcolor", "color") if element.get(name)]
        has_figure = re.search(r"\d", text + (after.get_text() if after else ""))
        if colours and not has_figure and text != piece.before.get_text().strip():
            words[";".join(colours)].add(text)
            is_bold = is_bold and (element.name in BOLD or bool(element.find([*BOLD])))
    texts = sorted(text for same in words.values() for text in same)
    has_own_words = len(words) == len(texts) == len(set(texts))
    if not (is_bold if len(words) <= 1 else has_own_words):
        yield f"only their colours tell what these are: {texts}"


def signs_have_words(piece: Piece) -> Iterator[str]:
    """A bar or a coloured spot has a number or a word in its row."""
    for row in _rows(piece.after):
        if BARS.search(row) and not re.search(r"\d", row):
            yield f"a bar has no number beside it: {row.strip()[:40]!r}"
        elif SPOTS.search(row) and not re.search(r"\w", row):
            yield f"a spot has no word beside it: {row.strip()[:40]!r}"


def tables_have_heads(piece: Piece) -> Iterator[str]:
    for table in piece.after("table"):
        if not table("th"):
            yield "a table has no head: only the place of a cell tells what it is"


def _words(text: str) -> Counter[str]:
    """Count the words, numbers, emoji and check marks of a text, without the lines of tables."""
    signs = (c for c in text if unicodedata.category(c) == "So" and not "─" <= c <= "╿")
    return Counter(re.findall(r"\w+", text)) + Counter(signs)


def _plain(piece: Piece) -> str:
    """Return what the output shows as plain text."""
    if piece.output is None:
        return ""
    data = piece.output.get("data", {})
    return str(piece.output.get("text", "") or data.get("text/plain", ""))


def _rows(soup: BeautifulSoup) -> Iterator[str]:
    """Yield the rows of tables, and the lines of all other text."""
    rest = BeautifulSoup(str(soup), "html.parser")
    for row in rest("tr"):
        yield row.extract().get_text(" ")
    for line in rest("br"):
        line.replace_with("\n")
    for block in rest(["p", "li", "pre", "div"]):
        block.append("\n")
    yield from rest.get_text().splitlines()

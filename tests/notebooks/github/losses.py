"""What a reader on GitHub does not get: small functions that yield the losses of a piece in words.

That a notebook is small and keeps no state of widgets is checked where its file is
(``tests/rules``), for every lesson.
"""

import base64
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag
from PIL import Image

from helpers.lessons import ROOT
from tests.notebooks.github.sanitiser import ELEMENTS
from tests.notebooks.github.viewer import Piece, View

Check = Callable[[Piece], Iterator[str]]

WIDGET = "application/vnd.jupyter.widget-view+json"
UNSEEN = ("script", "style", "template", "noscript", "title")
HIDDEN = ("title", "aria-label", "value", "placeholder")
"""Attributes whose words are not on the page, or only under a pointer."""
MIN_ALT = 3
"""Words."""
BREAKABLE = 12
"""Characters."""
BARS = re.compile("[▁▂▃▄▅▆▇█▏▎▍▌▋▊▉░▒▓]")
SPOTS = re.compile("[■□●○⚫⚪⬛⬜🟥-🟫🔴🔵]")
DRAWN = ("img", "hr", "br")
BOLD = ("b", "strong", "em", "th")
LOOKS = re.compile(r"(?:color|background|border|width|height)[\w-]*\s*:\s*[^;]+")
COLOUR = re.compile(r"(?:^|;)\s*(?:color|background(?:-color)?)\s*:\s*([^;]+)")


def losses(view: View) -> Iterator[str]:
    """All that is lost of a notebook, cell by cell."""
    if view.refused is not None:
        yield f"GitHub would refuse it: {view.refused}"
    for piece in view.pieces:
        for check in CHECKS:
            for found in check(piece):
                yield f"cell {piece.cell}: {found}"


def no_widget_is_committed(piece: Piece) -> Iterator[str]:
    if piece.output is not None and WIDGET in piece.output.get("data", {}):
        yield "it holds the view of a widget, which needs a kernel: run it headless"


def something_is_shown(piece: Piece) -> Iterator[str]:
    stream = piece.output is not None and piece.output.output_type == "stream"
    empty = not _text(piece.after).strip() and not piece.after("img")
    if empty and not (stream and not piece.output.text.strip()):
        yield "it shows nothing"


def every_word_is_there(piece: Piece) -> Iterator[str]:
    said = words(_plain(piece))
    there = words(_text(piece.after)) | words(_text(piece.after, " "))
    for img in piece.after("img"):
        for sentence in str(img.get("alt", "")).split(". "):
            if words(sentence) <= said - there:  # else it repeats what the text says
                there += words(sentence)
    lost = words(_text(piece.before, " ")) | said
    for element in piece.before(True):
        if element.name not in UNSEEN:
            lost |= Counter(w for name in HIDDEN for w in words(str(element.get(name, ""))))
    lost -= there
    # A narrow column of plain text breaks a long word in two.
    long = [word for word in there if len(word) >= BREAKABLE]
    broken = {word[:at] for word in long for at in range(1, len(word)) if word[at:] in said}
    broken |= {word[at:] for word in long for at in range(1, len(word)) if word[:at] in said}
    if gone := sorted(set(lost) - broken):
        yield f"these words are lost: {', '.join(gone)}"


def prose_keeps_its_tags(piece: Piece) -> Iterator[str]:
    if piece.output is None:
        for name in sorted({element.name for element in piece.before(True)} - ELEMENTS):
            yield f"<{name}> is taken out of the prose: if it is to be read, make it code"


def no_price_becomes_a_formula(piece: Piece) -> Iterator[str]:
    prose = BeautifulSoup(str(piece.after), "html.parser")
    for code in prose(["code", "pre"]):
        code.decompose()
    for block in prose(["p", "li", "td", "th", "div"]):
        block.append("\0")
    if found := re.search(r"\$[^$\0]+\$", prose.get_text()):
        yield f"what stands between two dollars is typeset as a formula: {found[0]!r}"


def pictures_are_seen(piece: Piece) -> Iterator[str]:
    for img in piece.after("img"):
        alt = str(img.get("alt", ""))
        if len(alt.split()) < MIN_ALT or alt.startswith("No description has been provided"):
            yield f"the description {alt!r} of a picture says nothing"
        source = str(img.get("src", ""))
        if not source.startswith("data:"):
            if not _leads_to_a_file(source):
                yield f"a picture is not there: {source!r}"
            continue
        try:
            picture = Image.open(BytesIO(base64.b64decode(source.partition(",")[2], validate=True)))
            picture.load()
        except (OSError, ValueError) as error:
            yield f"a picture can't be read: {error}"
        else:
            if picture.has_transparency_data and picture.convert("RGBA").getextrema()[3][0] < 255:
                yield f"the background shines through a picture, and may be dark: {alt!r}"


def links_lead_somewhere(piece: Piece) -> Iterator[str]:
    for link in piece.after("a", class_=lambda name: name != "anchor-link"):
        target = str(link.get("href", ""))
        on_the_web = urlsplit(target).scheme in ("http", "https", "mailto")
        if not on_the_web and not _leads_to_a_file(target):
            yield f"a link leads nowhere: {target!r}"


def looks_are_not_all(piece: Piece) -> Iterator[str]:
    if "\x1b[" in _plain(piece):
        yield "it is coloured by escape codes"
    for element in piece.before(style=LOOKS):
        if element.name not in DRAWN and not _text(element).strip() and not element("img"):
            yield f"a <{element.name}> without words says something by how it looks"


def colour_is_not_all(piece: Piece) -> Iterator[str]:
    """What is coloured has a figure; or each colour its own word; or the one colour is bold too."""
    coloured: dict[tuple[str, ...], set[str]] = defaultdict(set)
    plain = False
    for element in piece.before(True):
        text, after = _text(element).strip(), element.find_next_sibling()
        figure = re.search(r"\d", text + (_text(after) if after else ""))
        colours = COLOUR.findall(str(element.get("style", "")))
        colours += [str(element[name]) for name in ("bgcolor", "color") if element.get(name)]
        if colours and not figure and text != _text(piece.before).strip():
            coloured[tuple(colours)].add(text)
            plain = plain or not (element.name in BOLD or element.find([*BOLD]))
    texts = sorted(text for same in coloured.values() for text in same)
    named = len(texts) == len(set(texts)) == len(coloured)
    if (len(coloured) > 1 and not named) or (len(coloured) == 1 and plain):
        yield f"only their colours tell what these are: {texts}"


def signs_have_words(piece: Piece) -> Iterator[str]:
    """A bar or a coloured spot goes with a number or a word in its row."""
    for row in _rows(piece.after):
        if BARS.search(row) and not re.search(r"\d", row):
            yield f"a bar has no number beside it: {row.strip()[:40]!r}"
        elif SPOTS.search(row) and not re.search(r"\w", row):
            yield f"a spot has no word beside it: {row.strip()[:40]!r}"


def tables_have_heads(piece: Piece) -> Iterator[str]:
    for table in piece.after("table"):
        if not table("th"):
            yield "a table has no head: only the place of a cell tells what it is"


CHECKS: tuple[Check, ...] = (
    no_widget_is_committed,
    something_is_shown,
    every_word_is_there,
    prose_keeps_its_tags,
    no_price_becomes_a_formula,
    pictures_are_seen,
    links_lead_somewhere,
    looks_are_not_all,
    colour_is_not_all,
    signs_have_words,
    tables_have_heads,
)


def words(text: str) -> Counter[str]:
    """The words, numbers, emoji and check marks of a text; lines that draw a table are none."""
    signs = (c for c in text if unicodedata.category(c) == "So" and not "─" <= c <= "╿")
    return Counter(re.findall(r"\w+", text)) + Counter(signs)


def _text(soup: Tag, between: str = "") -> str:
    """The text, with that of pictures drawn in SVG, and without what a browser never shows."""
    unseen = {id(text) for element in soup(UNSEEN) for text in element.strings}
    return between.join(text for text in soup.strings if id(text) not in unseen)


def _plain(piece: Piece) -> str:
    if piece.output is None:
        return ""
    data = piece.output.get("data", {})
    return str(piece.output.get("text", "") or data.get("text/plain", ""))


def _rows(soup: BeautifulSoup) -> Iterator[str]:
    """The rows of tables, and the lines of all other text."""
    rest = BeautifulSoup(str(soup), "html.parser")
    for row in rest("tr"):
        yield row.extract().get_text(" ")
    for line in rest("br"):
        line.replace_with("\n")
    for block in rest(["p", "li", "pre", "div"]):
        block.append("\n")
    yield from rest.get_text().splitlines()


def _leads_to_a_file(target: str) -> bool:
    parts = urlsplit(target)
    path = (ROOT / "notebooks" / PurePosixPath(unquote(parts.path))).resolve()
    return bool(parts.path) and not parts.scheme and path.is_relative_to(ROOT) and path.exists()

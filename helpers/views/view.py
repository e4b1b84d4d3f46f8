"""``View``, the form of every static display, and what views consist of: tables, pictures, texts.

A view means the same on GitHub, in JupyterLab and in a terminal, with styles and without. Its text
may come from a model or a proxy: it is sanitized, cut and escaped here.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from tabulate import tabulate

from helpers.client.redaction import folded, one_line, sanitize, shorten
from helpers.client.responses import ChatCompletions, ChatResponseMessage
from helpers.views.charts import WIDTH

MAX_TEXT = 50_000
"""Characters of one text that a panel shows: it is sent anew with every drawing."""
CODE = Markup("<code>{}</code>")

_MAX_COLUMN = 40
"""Characters in a line of a plain table's cell."""
_SHORT = 12
"""Characters of a word that may stand in a column of numbers, such as "not told"."""
_LONG_WORD = re.compile(r"\S{20,}")
"""A word that may be broken: it would make its table wider than a narrow window."""
_BREAK = re.compile(
    r"(?<=[a-z\d])(?=[A-Z])|(?<=[_.,:;/=&?])(?=[\w\"'])|(?<=-)(?=[^\W\d])|(?<=\w)(?=[\[({])|"
    r"(?<=\\n)"
)
"""Where: before a capital, after a sign (but not in a date), before a bracket, after a \\n."""
_PART = re.compile(r".{1,16}", re.DOTALL)
"""What is still longer is broken anywhere."""
_QUOTED_SIGNS = re.compile(r"""(['"])\W*\1""")
"""A quoted text without letters, such as '': in code its quotes can be told apart."""

# JupyterLab and GitHub right-align all cells; of the styles, GitHub keeps only ``align``.
_CELL = Markup('<{0} style="vertical-align: top"><div align="{1}">{2}</div></{0}>')
_TABLE = "<table>\n<thead>{}</thead>\n<tbody>\n{}\n</tbody>\n</table>"
# Rounded as the edge that charts draw: else its corners are white on a dark page.
_PICTURE = Markup(
    '<img alt="{}" width="{}" style="border-radius: 8px" src="data:image/png;base64,{}">'
)


@dataclass(frozen=True, slots=True, repr=False)
class View:
    """What a cell shows: ``html`` in a notebook, ``plain`` in a terminal or a log."""

    html: str
    plain: str

    def __repr__(self) -> str:
        return self.plain

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.plain}


@dataclass(frozen=True)
class Cell:
    """A table cell in both forms. A ``number`` is right-aligned with its column."""

    html: Markup
    plain: str
    number: bool = False


BLANK = Cell(Markup(""), "")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> View:
    """Return a table of short cells: each a ``Cell``, or any value, shown as its ``str``.

    Raises ``ValueError`` if a row has more or fewer cells than ``head``.
    """
    names = [_cell(name) if name else BLANK for name in head]
    cells = [[*map(_cell, row)] for row in rows]
    for number, row in enumerate(cells, start=1):
        if len(row) != len(head):
            raise ValueError(f"Row {number} has {len(row)} cells, but the head has {len(head)}.")
    sides = ["right" if _is_numeric(column) else "left" for column in zip(*cells, strict=True)]
    sides = sides or ["left"] * len(head)
    html = _TABLE.format(
        _row("th", names, sides), "\n".join(_row("td", row, sides) for row in cells)
    )
    # Fold here: tabulate's own folding fails on the text 1,500, and shows True as False.
    texts = [[folded(cell.plain, _MAX_COLUMN) for cell in row] for row in [names, *cells]]
    # Draw rules between the rows if a cell takes several lines.
    rules = any("\n" in text for row in texts for text in row)
    plain = tabulate(
        texts[1:],
        headers=texts[0],
        tablefmt="simple_grid" if rules else "simple",
        disable_numparse=True,
        colalign=sides if cells else None,
    )
    return View(html, plain)


def _is_numeric(column: Sequence[Cell]) -> bool:
    """Tell whether a column holds numbers, and beside them at most a short word for some."""
    texts = [cell.plain for cell in column if not cell.number]
    return len(texts) < len(column) and all(len(text) <= _SHORT for text in texts)


def _row(tag: str, cells: Sequence[Cell], sides: Sequence[str]) -> str:
    parts = (_CELL.format(tag, side, cell.html) for side, cell in zip(sides, cells, strict=True))
    return f"<tr>{''.join(parts)}</tr>"


def _cell(value: object) -> Cell:
    if isinstance(value, Cell):
        return value
    text = sanitize(shorten(str(value))) or "(no text)"
    html = Markup("<br>").join(map(breakable, text.split("\n")))
    if _QUOTED_SIGNS.fullmatch(text):
        html = CODE.format(html)
    return Cell(html, text, isinstance(value, int | float))


def breakable(text: str) -> Markup:
    """Return a line as html in which a browser may break long words, such as names and JSON."""
    text = text.replace(" × ", "\u00a0×\u00a0")  # a size stays in one line
    parts: list[str | Markup] = []
    end = 0
    for word in _LONG_WORD.finditer(text):
        broken = [part for piece in _BREAK.split(word[0]) for part in _PART.findall(piece)]
        parts += [text[end : word.start()], Markup("<wbr>").join(broken)]
        end = word.end()
    return Markup("").join([*parts, text[end:]])


def stack(*parts: View | str) -> View:
    """Return the parts below each other as one view; a text is a paragraph, escaped."""
    views = [View(paragraph(part), part) if isinstance(part, str) else part for part in parts]
    return View("\n".join(one.html for one in views), "\n\n".join(one.plain for one in views))


def picture(png: bytes, alt: str, width: int = WIDTH) -> Markup:
    """Return an image tag, ``width`` CSS pixels wide; ``alt`` says in words what it shows."""
    return _PICTURE.format(alt, width, base64.b64encode(png).decode("ascii"))


def chart(png: bytes, alt: str, plain: str) -> View:
    """Return a picture of full width as a view; ``plain`` stands in its place in plain text."""
    return View(paragraph(picture(png, alt)), plain)


def bold(text: str) -> View:
    """Return a bold paragraph, the title of what follows."""
    return View(paragraph(Markup("<b>{}</b>").format(text)), text)


def paragraph(content: str) -> Markup:
    """Return ``content`` as an html paragraph, escaped unless it is ``Markup``."""
    return Markup("<p>{}</p>").format(content)


def lines_html(text: str) -> Markup:
    """Return sanitized ``text`` as html that keeps its line breaks and runs of blanks."""
    return Markup("<br>").join(text.replace("  ", "\u00a0 ").split("\n"))


def safe_text(text: str, limit: int = MAX_TEXT) -> str:
    """Return text from elsewhere without harmful characters, a long one cut in the middle."""
    return sanitize(shorten(text, limit))


def escape_lines(text: str) -> Markup:
    """Return ``safe_text`` as escaped html that keeps line breaks and runs of blanks."""
    return lines_html(safe_text(text))


def answer_text(answer: ChatCompletions) -> str:
    """Return what the first choice of a whole answer says; in brackets why, if it says nothing."""
    details = answer.usage.raw.get("completion_tokens_details")
    # Most services show nothing of the reasoning, and only count its tokens.
    reasoned = isinstance(details, dict) and bool(details.get("reasoning_tokens"))
    return message_text(answer.message, answer.finish_reason, reasoned=reasoned)


def message_text(
    message: ChatResponseMessage, finish_reason: str | None = None, *, reasoned: bool = False
) -> str:
    """Return what a message says; in brackets why, as far as it is known, if it says nothing."""
    ending = f"; finish_reason: {one_line(finish_reason, 40)}" if finish_reason else ""
    nothing = "no text"
    if reasoned or message.reasoning_content:
        nothing = "the model reasoned and gave no text"
    return said(message.content, message.refusal) or f"({nothing}{ending})"


def said(text: str, refusal: str | None) -> str:
    """Return a text and a refusal, which stand in two fields of a message, as one text."""
    return "\n".join(filter(None, (text, refusal and f"The model refused: {refusal}")))

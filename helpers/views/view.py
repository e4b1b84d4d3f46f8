"""Static displays: each a ``View``, html for a notebook and plain text for everything else.

They mean the same on GitHub, in JupyterLab and in a terminal, and without any style. All that is
shown may come from a model or a proxy: it is made harmless here, and cut where it is too long.
"""

import base64
import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from jinja2 import Environment
from markupsafe import Markup
from tabulate import tabulate

from helpers.client.exchange import Exchange
from helpers.client.responses import CompletionsUsage
from helpers.client.text import folded, one_line, sanitize, shorten
from helpers.lessons import Lesson
from helpers.views.charts import WIDTH, Run, draw_timeline, duration

MAX_BODY = 10_000
"""Characters of a whole body that ``wire`` shows."""

_MAX_DEPTH = 40
_MAX_COLUMN = 40
_MAX_BAR = 30

_HTML = Environment(autoescape=True)
# JupyterLab and GitHub align all cells to the right, and GitHub leaves no style, but ``align``.
# The style of <pre> is for JupyterLab, which breaks words anywhere in it.
_TABLE = _HTML.from_string("""\
{%- macro cells(tag, row) -%}
{%- for cell in row -%}
<{{ tag }} style="vertical-align: top"><div align="{{ sides[loop.index0] }}">
{{- cell -}}
</div></{{ tag }}>
{%- endfor -%}{%- endmacro -%}
<table>
<thead><tr>{{ cells("th", head) }}</tr></thead>
<tbody>
{% for row in rows %}<tr>{{ cells("td", row) }}</tr>
{% endfor %}</tbody>
</table>""")
_WIRE = _HTML.from_string("""\
{% for title, text in blocks.items() %}<p><b>{{ title }}</b></p>
<pre style="white-space: pre-wrap; word-break: normal"><code>{{ text }}</code></pre>
{% if not loop.last %}<br>{% endif %}
{% endfor %}""")
_PARAGRAPH = Markup("<p>{}</p>")
_PICTURE = Markup('<p><img alt="{}" width="{}" src="data:image/png;base64,{}"></p>')


@dataclass(frozen=True, slots=True, repr=False)
class View:
    """What a cell shows: ``html`` in a notebook, ``plain`` in a terminal or a log."""

    html: str
    plain: str

    def __repr__(self) -> str:
        return self.plain

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.plain}


class HasExchange(Protocol):
    """A completion, a stream or an error: what knows the HTTP call that it came from."""

    @property
    def exchange(self) -> Exchange | None:
        """The HTTP call, the credential masked; None if nothing was sent."""


def wire(call: HasExchange) -> View:
    """The request and the answer of ``call`` as they went over the wire, the credential masked.

    Long strings are cut in the middle, with a note of how many characters are missing.
    """
    exchange = call.exchange
    if exchange is None:
        return View("<p>Nothing was sent.</p>", "Nothing was sent.")
    sent = _head(f"{exchange.method} {exchange.target}", exchange.request_headers)
    came = _head(f"{exchange.status} {exchange.reason}", exchange.response_headers)
    blocks = {
        "Request": f"{sent}\n\n{_body(exchange.request_body)}",
        "Answer": f"{came}\n\n{_body(exchange.response_body)}",
    }
    plain = "\n\n".join(f"{title}\n{'-' * len(title)}\n{text}" for title, text in blocks.items())
    return View(_WIRE.render(blocks=blocks), plain)


def usage(calls: Mapping[str, CompletionsUsage]) -> View:
    """The tokens of each call under its label, as numbers and as bars of one scale."""
    largest = max(
        (used.prompt_tokens + used.completion_tokens for used in calls.values()), default=0
    )
    sizes = (factor * 10**power for power in itertools.count() for factor in (1, 2, 5))
    block = next(size for size in sizes if largest <= size * _MAX_BAR)

    def bar(used: CompletionsUsage) -> str:
        # A part that is there is seen, however small it is beside the others.
        parts = (("█", used.prompt_tokens), ("▒", used.completion_tokens))
        return "".join(sign * max(round(n / block), n > 0) for sign, n in parts)

    cells = []
    for label, used in calls.items():
        numbers = (used.prompt_tokens, used.completion_tokens, used.total_tokens)
        drawn = bar(used)
        shown = _Cell(Markup("<code>{}</code>").format(drawn), drawn)
        cells.append([_cell(label), *map(_cell, numbers), shown])
    view = _table(["call", "prompt", "completion", "total", "tokens"], cells)
    legend = f"█ prompt, ▒ completion; tokens per block: {block}"
    return View(f"{view.html}\n{_PARAGRAPH.format(legend)}", f"{view.plain}\n\n{legend}")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> View:
    """A table of short cells, each shown as its ``str``; columns of numbers are right-aligned.

    Raises ``ValueError`` if a row has more or fewer cells than ``head``.
    """
    return _table(head, [[_cell(value) for value in row] for row in rows])


def timeline(
    runs: Mapping[str, Sequence[float]], *, whole: Mapping[str, float] | None = None
) -> View:
    """When the chunks of streamed answers arrived: a picture, and the same as a table.

    ``runs``: under each label the seconds from sending to each chunk, in order. ``whole``: the
    seconds that an answer took which was not streamed. Labels are drawn: take your own words for
    them, never a model's.
    """
    rows = [Run(one_line(label), tuple(chunks)) for label, chunks in runs.items()]
    rows += [Run(one_line(label), (end,), False) for label, end in (whole or {}).items()]
    title = "When the text arrives"
    said = [f"{run.label}: {run.words}" for run in rows]
    view = table(["run", "first chunk", "chunks", "last chunk"], map(_moments, rows))
    drawn = picture(draw_timeline(title, rows), f"{title}. {'; '.join(said)}.")
    return View(f"{drawn}\n{view.html}", "\n".join([title, *said, "", view.plain]))


def picture(png: bytes, alt: str) -> str:
    """A drawn card as html; ``alt`` says in words what it shows."""
    return _PICTURE.format(alt, WIDTH, base64.b64encode(png).decode("ascii"))


def lesson_map(lessons: Iterable[Lesson], here: str | None = None) -> View:
    """The lessons with links to their notebooks; ``here`` is the id of the one you are in."""
    rows = []
    for lesson in lessons:
        name = one_line(f"{lesson.id.partition('-')[0]} {lesson.title}")
        link = Markup('<a href="{}.ipynb">{}</a>').format(quote(one_line(lesson.id)), name)
        if lesson.id == here:
            name += " (you are here)"
            link = Markup("<b>{}</b>").format(name)
        words = map(_prose, (lesson.summary, lesson.mirrors))
        rows.append([_Cell(link, name), _cell(lesson.minutes), *words])
    return _table(["lesson", "minutes", "what it teaches", "section of the article"], rows)


@dataclass(frozen=True)
class _Cell:
    """One cell in both forms; only ``Markup`` is taken for html."""

    html: Markup
    plain: str
    number: bool = False


def _cell(value: object) -> _Cell:
    text = sanitize(shorten(str(value)))
    return _Cell(Markup("<br>").join(text.split("\n")), text, isinstance(value, int | float))


def _prose(text: str) -> _Cell:
    """A cell of the project's own words, with `code` between backticks."""
    code = Markup("<code>{}</code>")
    text = one_line(text)
    parts = re.split("`([^`]+)`", text)
    return _Cell(
        Markup("").join(code.format(part) if i % 2 else part for i, part in enumerate(parts)), text
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[_Cell]]) -> View:
    for number, row in enumerate(rows, start=1):
        if len(row) != len(head):
            raise ValueError(f"Row {number} has {len(row)} cells, but the head has {len(head)}.")
    names = [_cell(name) for name in head]
    columns = [[row[i] for row in rows] for i in range(len(head))]
    sides = [
        "right" if column and all(cell.number for cell in column) else "left" for column in columns
    ]
    html = _TABLE.render(
        head=[name.html for name in names],
        rows=[[cell.html for cell in row] for row in rows],
        sides=sides,
    )
    # tabulate's own folding fails on the text 1,500, and makes True of False.
    texts = [[folded(cell.plain, _MAX_COLUMN) for cell in row] for row in [names, *rows]]
    # Rules between the rows where one of them takes several lines.
    rules = any("\n" in text for row in texts for text in row)
    plain = tabulate(
        texts[1:],
        headers=texts[0],
        tablefmt="simple_grid" if rules else "simple",
        disable_numparse=True,
        colalign=sides if rows else None,
    )
    return View(html, plain)


def _moments(run: Run) -> list[str]:
    if not run.chunks:
        return [run.label, "none", "0", "none"]
    count = str(len(run.chunks)) if run.streamed else "1 (not streamed)"
    return [run.label, duration(run.chunks[0]), count, duration(run.chunks[-1])]


def _head(start: str, headers: Mapping[str, str]) -> str:
    lines = [start.rstrip(), *(f"{name}: {value}" for name, value in headers.items())]
    return "\n".join(one_line(line) for line in lines)


def _body(body: Any) -> str:
    """A body as text: JSON pretty-printed with its long strings cut, anything else cut."""
    if body is None:
        return "(a stream of events: see the events themselves)"
    if isinstance(body, str):
        return sanitize(shorten(body)) or "(no body)"
    text = json.dumps(_shortened(body), indent=2, ensure_ascii=False)
    return sanitize(shorten(text, MAX_BODY))


def _shortened(value: Any, depth: int = 0) -> Any:
    if depth > _MAX_DEPTH:
        return "… (nested too deeply to show)"
    if isinstance(value, str):
        return shorten(value)
    if isinstance(value, list):
        return [_shortened(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {shorten(str(key)): _shortened(item, depth + 1) for key, item in value.items()}
    return value

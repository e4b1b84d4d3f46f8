"""Displays of calls: the wire, the tokens used, the times; and the map of lessons."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from markupsafe import Markup

from helpers.client.exchange import Exchange
from helpers.client.redaction import map_strings, one_line, sanitize, shorten
from helpers.client.responses import CompletionsUsage
from helpers.lessons import Lesson
from helpers.views.charts import arrival, draw_timeline, duration, round_steps
from helpers.views.view import CODE, Cell, View, bold, breakable, chart, stack, table

MAX_BODY = 10_000
"""Characters of a whole body that ``wire`` shows."""
_MAX_BAR = 15
"""Signs in a bar: with more, the table of ``usage`` is wider than a phone."""
_SIGN_SECONDS = 0.1
"""Seconds that one sign of a time line stands for; more if it would get longer than _MAX_SIGNS."""
_MAX_SIGNS = 60
_SIGNS = "·▁▂▃▄▅▆▇█"

# The styles are for JupyterLab, which otherwise breaks words anywhere. GitHub drops them.
_BLOCK = Markup(
    '<pre style="white-space: pre-wrap; word-break: normal; overflow-wrap: anywhere; '
    'margin: 0; padding: 0"><code>{}</code></pre><br>'
)
_LINE = Markup('<span style="display: block; padding-left: {0}ch; text-indent: -{0}ch">{1}</span>')
_SHORT_LINE = 24
"""Characters that fit into a window of 350 pixels."""


class HasExchange(Protocol):
    """A completion, a stream or an error: anything that holds its HTTP call."""

    @property
    def exchange(self) -> Exchange | None:
        """The HTTP call, the credential masked; None if nothing was sent."""


def wire(call: HasExchange) -> View:
    """Show the request and the response of ``call`` as sent, the credential masked.

    Long strings are cut in the middle, with a note of how many characters are missing.
    """
    exchange = call.exchange
    if exchange is None:
        return stack("Nothing was sent.")
    sent = _head(f"{exchange.method} {exchange.target}", exchange.request_headers)
    came = _head(f"{exchange.status} {exchange.reason}", exchange.response_headers)
    return stack(
        bold("Request"),
        _block(f"{sent}\n\n{_body(exchange.request_body)}"),
        bold("Answer"),
        _block(f"{came}\n\n{_body(exchange.response_body)}"),
    )


def usage(calls: Mapping[str, CompletionsUsage]) -> View:
    """Show the tokens of each call under its label, as numbers and as bars on one scale."""
    totals = [used.prompt_tokens + used.completion_tokens for used in calls.values()]
    largest = max(totals, default=0)
    block = next(size for size in round_steps(1) if largest <= size * _MAX_BAR)
    rows: list[list[object]] = []
    for label, used in calls.items():
        numbers = (used.prompt_tokens, used.completion_tokens, used.total_tokens)
        # At least one sign for a part that is not empty, however small the scale makes it.
        prompt, completion = (max(round(n / block), n > 0) for n in numbers[:2])
        bar = "█" * prompt + "▒" * completion
        rows.append([label, *numbers, Cell(CODE.format(bar), bar)])
    legend = f"█ prompt, ▒ completion; tokens per block: {block}, at least one block each"
    return stack(table(["call", "prompt", "completion", "total", "tokens"], rows), legend)


def timeline(
    runs: Mapping[str, Sequence[float]], *, whole: Mapping[str, float] | None = None
) -> View:
    """Show when the chunks of streamed answers arrived, as a picture and as a table.

    ``runs``: under each label the seconds from sending to each chunk, in order. ``whole``: the
    seconds that an answer took which was not streamed. Labels are drawn: use your own words, never
    a model's.
    """
    rows = {one_line(label): [*chunks] for label, chunks in runs.items()}
    rows |= {one_line(label): [end] for label, end in (whole or {}).items()}
    title = "When the text arrives"
    said = [f"{label}: {arrival(chunks)}" for label, chunks in rows.items()]
    drawn = draw_timeline(title, rows)
    times: list[list[object]] = []
    for label, chunks in rows.items():
        first, last = (duration(chunks[place]) if chunks else "none" for place in (0, -1))
        times.append([label, first, len(chunks), last])
    return stack(
        chart(drawn, f"{title}. {'; '.join(said)}.", "\n".join([title, *said])),
        table(["run", "first chunk", "chunks", "last chunk"], times),
    )


def sparkline(arrivals: Sequence[float]) -> tuple[str, str]:
    """Return signs that show how many chunks came when, from 0 to the last; and the same in words.

    ``arrivals``: seconds from sending to each chunk, in order.
    """
    if not arrivals:
        return "", "No chunk."
    step = next(step for step in round_steps(_SIGN_SECONDS) if arrivals[-1] / step < _MAX_SIGNS)
    counts = Counter(int(at / step) for at in arrivals)
    most = max(counts.values())
    levels = len(_SIGNS) - 1
    signs = (
        _SIGNS[math.ceil(counts[place] * levels / most)]
        for place in range(int(arrivals[-1] / step) + 1)
    )
    first, last = duration(arrivals[0]), duration(arrivals[-1])
    chunks = "1 chunk" if len(arrivals) == 1 else f"{len(arrivals):,} chunks"
    facts = (
        f"{chunks}: first after {first}, last after {last}. "
        f"One sign is {duration(step)}: ·\u00a0no chunk, █\u00a0{most:,}\u00a0of them."
    )
    return f"0 s {''.join(signs)} {last}", facts


def lesson_map(lessons: Iterable[Lesson], here: str) -> View:
    """Show the lessons with links to their notebooks; ``here`` is the id of the one being read."""
    rows = []
    for lesson in lessons:
        name = one_line(f"{lesson.id.partition('-')[0]} {lesson.title}")
        link = Markup('<a href="{}.ipynb">{}</a>').format(quote(one_line(lesson.id)), name)
        if lesson.id == here:
            name += " (you are here)"
            link = Markup("<b>{}</b>").format(name)
        prose = map(prose_cell, (lesson.summary, lesson.mirrors))
        rows.append([Cell(link, name), lesson.minutes, *prose])
    return table(["lesson", "minutes", "what it teaches", "section of the article"], rows)


def prose_cell(text: str) -> Cell:
    """Return a cell of the project's own words, in which backticks mark code."""
    text = one_line(text)
    parts = enumerate(re.split("`([^`]+)`", text))
    html = (CODE.format(part) if place % 2 else part for place, part in parts)
    return Cell(Markup("").join(html), text)


def _head(start: str, headers: Mapping[str, str]) -> str:
    lines = [start.rstrip(), *(f"{name}: {value}" for name, value in headers.items())]
    return "\n".join(map(one_line, lines))


def _block(text: str) -> View:
    """Return lines of which one that is too long goes on below, a bit further in."""
    html = Markup("")
    for line in text.splitlines(keepends=True):
        indent = len(line) - len(line.lstrip(" ")) + 4  # the lines within are 2 further in
        html += _LINE.format(indent, breakable(line)) if len(line) > _SHORT_LINE else line
    return View(_BLOCK.format(html), text)


def _body(body: Any) -> str:
    """Return a body as text: JSON pretty-printed with long strings cut, anything else cut."""
    if body is None:
        return "(a stream of events: see the events themselves)"
    if isinstance(body, str):
        return sanitize(shorten(body)) or "(no body)"
    try:
        text = json.dumps(map_strings(body, shorten), indent=2, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply to show)"
    return sanitize(shorten(text, MAX_BODY))

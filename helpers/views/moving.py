"""Displays for code that moves: calls side by side, what replaces a name, what ended when."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import chain, groupby, zip_longest
from typing import Any, Literal
from urllib.parse import parse_qsl

import httpx
from markupsafe import Markup, escape

from helpers.client.exchange import Exchange
from helpers.client.redaction import one_line, sanitize
from helpers.client.streaming import EventReader
from helpers.moving import ENDED, NO_COUNTERPART, PARTS, SDK, Row
from helpers.recordings.cassette import leaves
from helpers.views.displays import HasExchange, prose_cell
from helpers.views.view import BLANK, CODE, Cell, View, breakable, table

MAX_VALUE = 160
"""Characters of a value of calls side by side."""
MAX_LINE = 28
"""Characters of a line of a path or a name: three of them are about 700 pixels."""
FIRST_LINE = ""
"""The path of the first line: method and path, or status."""
HEADERS = ("api-key", "authorization", "extra-parameters")
"""The request headers that it shows: the others are the same for all calls."""
_BREAK = re.compile(r"(?<=\.)|(?=\()|(?<=[a-z])(?=[A-Z])")
"""Where one goes on in a line of its own: after a dot, before a bracket or a capital."""
_LONG_WORD = re.compile(r"(\S{40})(?=\S)")
"""A longer word is broken by hand: GitHub removes the places where a browser may do it."""

Fields = dict[str, Any]
"""The single values of a request or an answer by their paths: ``choices[0].message.content``."""


def side_by_side(
    calls: Mapping[str, HasExchange | httpx.Response],
    part: Literal["request", "answer"],
    *paths: str,
) -> View:
    """Show the requests or the answers of ``calls``, a column for each and a row for each field.

    Fields of the same path share a row, and so do fields that hold the same text or number: what
    has another name in the other call. ``paths`` chooses the fields that are shown, with all that
    is below them; without any, all are.
    """
    columns = {label: _fields(_exchange(call), part, paths) for label, call in calls.items()}
    rows = [
        [_field(row[label], columns[label]) if label in row else BLANK for label in columns]
        for row in _matched(columns)
    ]
    return table(list(columns), rows)


def _exchange(call: HasExchange | httpx.Response) -> Exchange | None:
    if isinstance(call, httpx.Response):
        call.extensions.setdefault("elapsed", lambda: 0.0)  # not shown
        return Exchange.from_response(call)
    return call.exchange


def _fields(exchange: Exchange | None, part: str, paths: Collection[str]) -> Fields:
    """Return the fields of one part of a call; the first line and the headers come first."""
    if exchange is None:
        return {FIRST_LINE: "Nothing was sent."}
    if part == "answer":
        fields: Fields = {FIRST_LINE: f"{exchange.status} {exchange.reason}".rstrip()}
        fields |= _leaves(exchange.response_body)
    else:
        sent = exchange.request_headers
        path, _, query = exchange.target.partition("?")
        fields = {FIRST_LINE: f"{exchange.method} {path}"}
        fields |= {f"query {name}": value for name, value in parse_qsl(query)}
        fields |= {f"header {name}": sent[name] for name in HEADERS if name in sent}
        fields |= _leaves(exchange.request_body)
    return {path: value for path, value in fields.items() if not paths or _is_below(path, paths)}


def _leaves(body: Any) -> Fields:
    return {path or "(body)": value for path, value in leaves(body)}


def _matched(columns: Mapping[str, Fields]) -> list[dict[str, str]]:
    """Return for each row the path of its field in each column that has it."""
    rows: list[dict[str, str]] = []
    for label, fields in columns.items():
        place = 0  # a field that only this column has comes after the one before it
        for path in fields:
            free = [row for row in rows if label not in row]
            same_path = [row for row in free if path in row.values()]
            same_value = (row for row in free if _same_value(row, columns, fields, path))
            row = next(chain(same_path, same_value), {})
            if not row:
                rows.insert(place, row)
            row[label] = path
            place = max(place, rows.index(row) + 1)
    return rows


def _same_value(
    row: Mapping[str, str], columns: Mapping[str, Fields], fields: Fields, path: str
) -> bool:
    """Tell whether a row of other paths, none of them in ``fields``, holds the same as ``path``.

    Where that says little (0 and 1, true, an empty text) the name must be the same too.
    """
    value, other = fields[path], next(iter(row.values()))
    says_little = value in (None, 0, 1, "", [], {})  # and True, which equals 1, and False
    if says_little and path.rpartition(".")[2] != other.rpartition(".")[2]:
        return False
    return not any(known in fields for known in row.values()) and all(
        columns[label][known] == value for label, known in row.items()
    )


def _is_below(path: str, paths: Collection[str]) -> bool:
    return any(path == top or path.startswith((f"{top}.", f"{top}[")) for top in paths)


def _field(path: str, fields: Fields) -> Cell | str:
    """Return the path and the value of a field."""
    value = fields[path]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    told = _LONG_WORD.sub(r"\1\n", one_line(text, MAX_VALUE)) or '""'
    if not path:
        return told
    lines = _path_lines(path)
    html = [*map(_code, lines), *map(breakable, told.split("\n"))]
    return Cell(Markup("<br>").join(html), "\n".join([*lines, f"  {told}"]))


def _code(text: str) -> Markup:
    """Return lines of code as html in which long names may be broken."""
    lines = text.replace("  ", "\u00a0 ").split("\n")
    return CODE.format(Markup("<br>").join(map(breakable, lines)))


def _path_lines(path: str) -> list[str]:
    """Return a path or a name in lines of at most ``MAX_LINE`` characters."""
    lines = [""]
    for part in _BREAK.split(sanitize(path)):
        if len(lines[-1]) + len(part) > MAX_LINE:
            lines.append("")
        lines[-1] += part
    return lines


def stream_events(calls: Mapping[str, httpx.Response]) -> View:
    """Show what the events of streams bring, in order, a column for each: ``delta.content × 20``
    are 20 chunks with text, one after the other. An answer without events shows its status.
    """
    columns = [
        [f"{name} × {len([*same])}" for name, same in groupby(_event_names(call))]
        or [f"{call.status_code} {call.reason_phrase}"]
        for call in calls.values()
    ]
    return table(list(calls), zip_longest(*columns, fillvalue=BLANK))


def _event_names(call: httpx.Response) -> Iterator[str]:
    """Yield the name of each event, or what is in it if it has none."""
    for event in EventReader().feed(call.text):
        if event.name != "message":
            yield one_line(event.name)
        elif event.data == "[DONE]":
            yield event.data
        else:
            yield _chunk_name(json.loads(event.data))


def _chunk_name(chunk: Any) -> str:
    """Return the names of the fields in a chunk of a chat completion that bring something."""
    choice = (chunk.get("choices") or [{}])[0]
    names = [f"delta.{name}" for name, value in (choice.get("delta") or {}).items() if value]
    names += ["finish_reason"] if choice.get("finish_reason") else []
    names = names or [name for name in ("usage", "prompt_filter_results") if chunk.get(name)]
    return one_line(", ".join(names)) or "nothing"


def moving_table(part: str) -> View:
    """Show what takes the place of the names of azure-ai-inference in one part of the table.

    Raises ``KeyError`` if there is no such part; ``helpers.moving.PARTS`` has their names.
    """
    rows = PARTS[part]
    view = table(["azure-ai-inference", "what takes its place"], map(_replacement, rows))
    plain = "\n\n".join("\n".join([*_short_names(row), row.describe()]) for row in rows)
    return View(view.html, plain)


def _replacement(row: Row) -> list[Cell]:
    """Return the names of a row, and below each other what takes their place."""
    # GitHub drops <wbr>: a name and its keyword in one line would leave no room beside them.
    broken = (
        name.replace("(", "\n  (") if len(name) > MAX_LINE else name for name in _short_names(row)
    )
    names = Markup("<br>").join(map(_code, broken))
    parts = []
    for side, code in {"helpers": row.helpers, "openai": row.openai}.items():
        replaced = _code(code) if code else NO_COUNTERPART
        below = Markup("<br>") if "\n" in code else " "
        parts.append(Markup("{}:{}{}").format(side, below, replaced))
    parts += [Markup("note: {}").format(prose_cell(row.note).html)] if row.note else []
    return [Cell(names, ""), Cell(Markup("<br>").join(parts), "")]


def _short_names(row: Row) -> list[str]:
    """Return the names of a row without their package; of the two of a sync and an async client
    only the first.
    """
    names = [name.removeprefix(f"{SDK}.").removeprefix("models.") for name in row.old]
    return [name for name in names if name.removeprefix("aio.") not in names or name[:4] != "aio."]


def ended_table() -> View:
    """Show what ended when, and who says so."""
    rows: list[list[object]] = []
    for one in ENDED:
        link = Markup('<a href="{}">{}</a>').format(one.url, one.source)
        # A hyphen at which no line is broken.
        when, how = (re.sub(r"(?<=\d)-(?=\d)", "\u2011", text) for text in (one.when, one.how))
        cells = [Cell(escape(when), one.when), Cell(escape(how), one.how)]
        rows.append([one.what, *cells, Cell(link, one.source)])
    return table(["what", "when", "how", "source"], rows)

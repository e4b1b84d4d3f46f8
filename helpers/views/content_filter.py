"""What the content filter says: read from any shape that it comes in, and shown.

Results come with errors, answers and streamed updates, under a singular or a plural name, whole, in
part or not at all, depending on the model and its deployment. Odd or missing parts raise nothing.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from helpers.client.accumulator import SEVERITIES
from helpers.client.errors import ChatError, ContentFilterError, StreamInterruptedError
from helpers.client.messages import JSON
from helpers.client.redaction import one_line
from helpers.client.responses import ChatCompletions, StreamingChatCompletionsUpdate
from helpers.views.charts import LEFT, MUTED, WHITE, Card
from helpers.views.view import (
    View,
    answer_text,
    bold,
    chart,
    escape_lines,
    safe_text,
    stack,
    table,
)

MAX_ROWS = 24
"""Rows that ``severity`` shows; of more results it shows the filtered ones first."""

_MAX_NAME = 80
_NAMES = ("content_filter_results", "content_filter_result")
_DRAWABLE = re.compile(r"[\w ().,:-]{1,60}", re.ASCII)
_FOUND, _FILTERED = "#0550ae", "#a40e26"
_TITLE = "What the content filter says"
_OUTCOME = Markup('<p class="cc-text"><b>{}</b><br>{}</p>')

Outcome = ChatCompletions | ContentFilterError
"""An answer, or the error by which the filter refused the prompt."""


@dataclass(frozen=True)
class FilterResult:
    """What the filter says of one category.

    ``filtered``: it refused or cut something because of this category. ``severity`` is one of
    ``SEVERITIES``, or a newer word; ``detected`` is for categories that know only yes and no.
    ``error`` says why the category was not checked. Each of the three is None where none was sent.
    """

    filtered: bool
    severity: str | None = None
    detected: bool | None = None
    error: str | None = None

    @property
    def level(self) -> str:
        """The severity or the detection as a word."""
        if self.error is not None:
            return "not checked"
        if self.severity is not None:
            return one_line(self.severity, _MAX_NAME)
        if self.detected is None:
            return "no level"
        return "detected" if self.detected else "not detected"

    @property
    def words(self) -> str:
        """The level, and whether something was filtered."""
        return f"{self.level}, filtered" if self.filtered else self.level

    @property
    def step(self) -> tuple[int, int] | None:
        """The level as a number, and the highest possible one: 0 is safe, or not detected."""
        if self.error is None and self.severity in SEVERITIES:
            return SEVERITIES.index(self.severity), 3
        if self.error is None and self.severity is None and self.detected is not None:
            return int(self.detected), 1
        return None


HasResults = ChatError | ChatCompletions | StreamingChatCompletionsUpdate
Results = dict[str, dict[str, FilterResult]]
"""Results by category, under "prompt" (what you sent) and "answer" (what the model wrote)."""
Row = tuple[str, str, FilterResult]
"""What was checked, the category, and the result."""


def filter_results(*things: HasResults) -> Results:
    """Return all that the filter says in ``things``: errors, completions, or a stream's updates.

    A key is there only if there are results under it: {} means that the service sent none. Of
    several results for one category (choices, updates) the strictest counts. Sorted by name.
    """
    results: Results = {}
    for thing in things:
        for where, sent in _sent(thing):
            for category, value in sent.items():
                if result := _read(value):
                    found = results.setdefault(where, {})
                    found[category] = max(found.get(category, result), result, key=_strictness)
    return {where: dict(sorted(found.items())) for where, found in results.items()}


def severity(results: Mapping[str, Mapping[str, FilterResult]]) -> View:
    """Show ``results``, which ``filter_results`` returns, as a picture and as a table.

    Categories in which nothing was found have no row. They are named below, in one line.
    """
    rows: list[Row] = []
    clear: dict[str, list[str]] = {}
    for where, verdicts in results.items():
        for category, result in verdicts.items():
            if not result.filtered and result.step and result.step[0] == 0:
                clear.setdefault(where, []).append(category)
            else:
                rows.append((one_line(where, _MAX_NAME), one_line(category, _MAX_NAME), result))
    if not rows and not clear:
        return stack("No results of a content filter came with this.")
    named = {where: ", ".join(names) for where, names in clear.items()}
    more = [one_line(f"Safe or not detected in the {where}: {named[where]}.") for where in named]
    if not rows:
        return stack(bold(_TITLE), *more)
    if len(rows) > MAX_ROWS:
        more.insert(0, f"Not shown: {len(rows) - MAX_ROWS:,} more categories.")
        rows = sorted(rows, key=lambda row: not row[2].filtered)[:MAX_ROWS]
    facts = table(["where", "category", "level", "filtered"], map(_cells, rows))
    if not any(result.step for _, _, result in rows):  # no level that could be drawn
        return stack(bold(_TITLE), facts, *more)
    told = [f"{where}, {category}: {result.words}" for where, category, result in rows]
    return stack(chart(_draw(rows), f"{_TITLE}. {'; '.join(told)}.", _TITLE), facts, *more)


def outcome_words(outcome: Outcome) -> str:
    """Return whether the filter refused or cut something, and because of what, in words."""
    results = filter_results(outcome)
    because = ", ".join(
        f"{one_line(name, 80)} ({one_line(verdict.level, 80)})"
        for verdicts in results.values()
        for name, verdict in verdicts.items()
        if verdict.filtered
    )
    because = because or "the filter does not say why"
    if isinstance(outcome, ContentFilterError):
        return f"Refused, the model never saw it: {because}."
    if outcome.finish_reason == "content_filter":
        return f"Not refused, but the answer was cut: {because}."
    if any(verdict.error is not None for verdict in results.get("answer", {}).values()):
        return "Not refused; the filter did not check the answer."
    if not outcome.content:
        return f"Not refused by the filter. {answer_text(outcome)}"
    return "Not refused."


def outcomes_view(outcomes: Mapping[str, Outcome], *, with_newest: bool = True) -> View:
    """Return the newest sentence with the filter's chart, then all sentences with their outcome."""
    if not outcomes:
        return stack("No sentence yet.")
    rows = [(text, outcome_words(outcome)) for text, outcome in outcomes.items()]
    listed = table(["sentence", "what happened"], rows)
    if not with_newest:
        return listed
    sentence, newest = list(outcomes.items())[-1]
    words = outcome_words(newest)
    if not isinstance(newest, ContentFilterError) and newest.content:
        words += f"\nAnswer: {newest.content}"
    html = _OUTCOME.format(escape_lines(sentence), escape_lines(words))
    said = View(html, f"{safe_text(sentence)}\n{safe_text(words)}")
    return stack(said, severity(filter_results(newest)), bold("All sentences"), listed)


def _sent(thing: HasResults) -> Iterator[tuple[str, JSON]]:
    """Yield each object of results in ``thing``, with what was checked: prompt or answer."""
    if isinstance(thing, StreamInterruptedError):
        body = thing.partial.raw
    elif isinstance(thing, ChatError):
        body = _object(thing.exchange and thing.exchange.response_body)
    else:
        body = thing.raw
    error = _object(body.get("error")) or body
    prompts = error, _object(error.get("innererror")), *_objects(body, "prompt_filter_results")
    for where, places in (("prompt", prompts), ("answer", _objects(body, "choices"))):
        yield from ((where, _object(place.get(name))) for place in places for name in _NAMES)


def _read(value: Any) -> FilterResult | None:
    """Return the result in the JSON of one category; None if there is none in it."""
    if isinstance(value, list):  # blocklists: one entry for each
        return FilterResult(any(_object(item).get("filtered") is True for item in value))
    sent = _object(value)
    failed = _object(sent.get("error")) or ({} if "filtered" in sent else sent)
    words = failed.get("message") or failed.get("code")
    if words:
        return FilterResult(sent.get("filtered") is True, error=str(words))
    if not {"filtered", "severity", "detected"} & set(sent):
        return None
    level, detected = sent.get("severity"), sent.get("detected")
    return FilterResult(
        sent.get("filtered") is True,
        level if isinstance(level, str) else None,
        detected if isinstance(detected, bool) else None,
    )


def _strictness(result: FilterResult) -> tuple[bool, bool, int]:
    return result.filtered, result.error is not None, (result.step or (0, 0))[0]


def _object(value: Any) -> JSON:
    return value if isinstance(value, dict) else {}


def _objects(body: JSON, name: str) -> list[JSON]:
    value = body.get(name)
    return [_object(item) for item in value] if isinstance(value, list) else []


def _cells(row: Row) -> list[str]:
    """Return the cells of the table for one result."""
    where, category, result = row
    level = result.level
    if result.error is not None:
        level += f": {one_line(result.error, _MAX_NAME)}"
    filtered = "yes" if result.filtered else "?" if result.error is not None else "no"
    return [where, category, level, filtered]


def _draw(rows: list[Row]) -> bytes:
    """Draw a PNG with one row a result: boxes for the levels, filled up to the one found."""
    box, top, height = 52, 46, 52
    words_at = LEFT + 3 * box + 8
    bottom = top + height * len(rows)
    card = Card(_TITLE, bottom + 48)
    for number, (where, category, result) in enumerate(rows):
        y = top + height * number
        card.text(LEFT, y, _drawable(f"{where}: {category}", f"category {number + 1}"))
        y += 22
        if result.step:
            reached, highest = result.step
            width = 3 * box / highest  # a category that knows only yes and no has one wide box
            full = _FILTERED if result.filtered else _FOUND
            for step in range(highest):
                x = LEFT + width * step
                fill = full if step < reached else WHITE
                card.box(x, y, x + width - 4, y + 18, fill=fill, outline=MUTED)
        else:
            card.text(LEFT, y, "?", fill=MUTED)
        card.text(words_at, y, _drawable(result.words, "another level"))
    card.text(LEFT, bottom, "Boxes: low, medium, high, or detected.", fill=MUTED)
    card.text(LEFT, bottom + 20, "Filled up to the level that was found.", fill=MUTED)
    return card.png()


def _drawable(text: str, otherwise: str) -> str:
    """Return ``text`` if the font has all of it and it is short, or else ``otherwise``."""
    return text if _DRAWABLE.fullmatch(text) else otherwise

"""What the content filter says: read from any shape that it comes in, and shown.

Results come with errors, answers and streamed updates, under a singular or a plural name, whole, in
part or not at all, depending on the model and its deployment. Odd or missing parts raise nothing.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from helpers.client.errors import ChatError, ContentFilterError, StreamInterruptedError
from helpers.client.messages import JSON
from helpers.client.responses import ChatCompletions, StreamingChatCompletionsUpdate
from helpers.client.text import one_line
from helpers.views.charts import MUTED, WHITE, WIDTH, Card
from helpers.views.view import (
    View,
    answer_text,
    escape_lines,
    paragraph,
    picture,
    safe_text,
    table,
)

LEVELS = ("safe", "low", "medium", "high")
"""The severities, from the least on."""
MAX_ROWS = 24
"""Rows that ``severity`` shows; of more results it shows the filtered ones first."""

_MAX_NAME = 80
_NAMES = ("content_filter_results", "content_filter_result")
_DRAWABLE = re.compile(r"[\w ().,:-]{1,60}", re.ASCII)
_FOUND, _FILTERED = "#0550ae", "#a40e26"
_TITLE = "What the content filter says"
_OUTCOMES = Markup('<p class="cc-text"><b>{}</b><br>{}</p>\n{}\n<p><b>All sentences</b></p>\n{}')
_NO_RESULTS = "No results of a content filter came with this."

Outcome = ChatCompletions | ContentFilterError
"""An answer, or the error by which the filter refused the prompt."""


@dataclass(frozen=True)
class FilterResult:
    """What the filter says of one category.

    ``filtered``: it refused or cut something because of this category. ``severity`` is one of
    ``LEVELS``, or a newer word; ``detected`` is for categories that know only yes and no. ``error``
    says why the category was not checked. Each of the three is None where the service sent none.
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
            return self.severity
        if self.detected is None:
            return "no level"
        return "detected" if self.detected else "not detected"

    @property
    def step(self) -> tuple[int, int] | None:
        """The level as a number, and the highest possible one: 0 is safe, or not detected."""
        if self.error is None and self.severity in LEVELS:
            return LEVELS.index(self.severity), 3
        if self.error is None and self.severity is None and self.detected is not None:
            return int(self.detected), 1
        return None

    @property
    def found_nothing(self) -> bool:
        """True for safe or not detected, if nothing was filtered."""
        return not self.filtered and self.step is not None and self.step[0] == 0


Results = dict[str, dict[str, FilterResult]]
"""Results by category, under "prompt" (what you sent) and "answer" (what the model wrote)."""


def filter_results(
    *things: ChatError | ChatCompletions | StreamingChatCompletionsUpdate,
) -> Results:
    """Return all that the filter says in ``things``: errors, completions, or a stream's updates.

    A key is there only if there are results under it: {} means that the service sent none. Of
    several results for one category (choices, updates) the strictest counts.
    """
    results: Results = {}
    for thing in things:
        for where, sent in _sent(_body(thing)):
            for category, value in sent.items():
                result = _read(value)
                if result is not None:
                    found = results.setdefault(where, {})
                    found[category] = max(found.get(category, result), result, key=_strictness)
    return results


def severity(results: Mapping[str, Mapping[str, FilterResult]]) -> View:
    """Show ``results``, which ``filter_results`` returns, as a picture and as a table.

    Categories in which nothing was found have no row. They are named below, in one line.
    """
    all_rows = [(where, name, each) for where in results for name, each in results[where].items()]
    if not all_rows:
        return View(str(paragraph(_NO_RESULTS)), _NO_RESULTS)
    rows = [row for row in all_rows if not row[2].found_nothing]
    clear = _clear([row for row in all_rows if row[2].found_nothing])
    if not rows:
        return View("\n".join(map(paragraph, (_TITLE, *clear))), "\n\n".join((_TITLE, *clear)))
    left_out = len(rows) - MAX_ROWS
    if left_out > 0:
        rows = sorted(rows, key=lambda row: not row[2].filtered)[:MAX_ROWS]
    head = ["where", "category", "level", "step", "scale", "filtered"]
    facts = table(head, [_cells(*row) for row in rows])
    phrases = "; ".join(_phrase(*row) for row in rows)
    drawn = paragraph(picture(_draw(rows), f"{_TITLE}. {phrases}."))
    more = [f"Not shown: {left_out:,} more categories."] if left_out > 0 else []
    more += clear
    return View(
        "\n".join([drawn, facts.html, *map(paragraph, more)]),
        "\n\n".join([_TITLE, facts.plain, *more]),
    )


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
        return View("<p>No sentence yet.</p>", "No sentence yet.")
    rows = [(text, outcome_words(outcome)) for text, outcome in outcomes.items()]
    listed = table(["sentence", "what happened"], rows)
    if not with_newest:
        return listed
    sentence, newest = list(outcomes.items())[-1]
    words = outcome_words(newest)
    if not isinstance(newest, ContentFilterError) and newest.content:
        words += f"\nAnswer: {newest.content}"
    chart = severity(filter_results(newest))
    html = _OUTCOMES.format(
        escape_lines(sentence), escape_lines(words), Markup(chart.html), Markup(listed.html)
    )
    plain = [safe_text(sentence), safe_text(words), "", chart.plain, "", "All sentences", ""]
    return View(str(html), "\n".join([*plain, listed.plain]))


def _body(thing: ChatError | ChatCompletions | StreamingChatCompletionsUpdate) -> JSON:
    if isinstance(thing, StreamInterruptedError):
        return thing.partial.raw
    if isinstance(thing, ChatError):
        return _object(thing.exchange and thing.exchange.response_body)
    return thing.raw


def _sent(body: JSON) -> Iterator[tuple[str, JSON]]:
    """Yield each object of results in ``body``, with what was checked: prompt or answer."""
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


def _cells(where: str, category: str, result: FilterResult) -> list[str]:
    """Return the row of the table for one result."""
    level, step, scale = _shown(result.level), "?", "?"
    if result.error is not None:
        level += f": {_shown(result.error)}"
    if result.step:
        reached, highest = result.step
        step, scale = f"{reached} of {highest}", "■" * reached + "□" * (highest - reached)
    unchecked = "?" if result.error is not None else "no"
    return [
        *(_shown(where), _shown(category), level, step, scale),
        "yes" if result.filtered else unchecked,
    ]


def _clear(rows: list[tuple[str, str, FilterResult]]) -> list[str]:
    """Return a sentence for what was checked, naming the categories in which nothing was found."""
    names: dict[str, list[str]] = {}
    for where, category, _ in rows:
        names.setdefault(_shown(where), []).append(_shown(category))
    return [
        f"Safe or not detected in the {where}: {', '.join(found[:MAX_ROWS])}"
        + (f" and {len(found) - MAX_ROWS:,} more." if len(found) > MAX_ROWS else ".")
        for where, found in names.items()
    ]


def _phrase(where: str, category: str, result: FilterResult) -> str:
    return f"{_shown(where)}, {_shown(category)}: {_shown(result.level)}{_suffix(result)}"


def _suffix(result: FilterResult) -> str:
    return ", filtered" if result.filtered else ""


def _shown(text: str) -> str:
    return one_line(text, _MAX_NAME)


def _draw(rows: list[tuple[str, str, FilterResult]]) -> bytes:
    """Draw a PNG with one row a result: boxes for the levels, filled up to the one found."""
    left, box, top, height = 250, 62, 76, 30
    right, bottom = left + 3 * box + 8, top + height * len(rows)
    card = Card(bottom + 46)
    card.text(20, 18, _TITLE, size=15)
    for number, name in enumerate(LEVELS[1:]):
        card.text(left + box * (number + 0.5), top - 22, name, size=11, fill=MUTED, anchor="ma")
    for number, (where, category, result) in enumerate(rows):
        y = top + height * number
        name = _drawable(f"{where}: {category}", f"category {number + 1}")
        card.text(20, y + 1, card.fit(name, left - 36), size=13)
        if result.step:
            reached, highest = result.step
            width = 3 * box / highest  # a category that knows only yes and no has one wide box
            full = _FILTERED if result.filtered else _FOUND
            for step in range(highest):
                x = left + width * step
                fill = full if step < reached else WHITE
                card.box(x, y, x + width - 4, y + 18, fill=fill, outline=MUTED)
        else:
            card.text(left, y + 1, "?", size=13, fill=MUTED)
        words = _drawable(result.level, "another level") + _suffix(result)
        card.text(right, y + 1, card.fit(words, WIDTH - right - 20), size=13)
    foot = "Filled up to the level that was found."
    card.text(20, bottom + 14, foot, size=11, fill=MUTED)
    return card.png()


def _drawable(text: str, otherwise: str) -> str:
    """Return ``text`` if the font has all of it and it is short, or else ``otherwise``."""
    return text if _DRAWABLE.fullmatch(text) else otherwise

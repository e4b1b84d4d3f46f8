"""What the content filter says: read from any shape that it comes in, and shown.

The results come with errors, answers and streamed updates, in the singular and in the plural, whole
or in part, or not at all: that depends on the model and its deployment. Nothing here raises because
something is missing or odd.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from helpers.client.errors import ChatError, StreamInterruptedError
from helpers.client.messages import JSON
from helpers.client.responses import ChatCompletions, StreamingChatCompletionsUpdate
from helpers.client.text import one_line
from helpers.views.charts import MUTED, WHITE, WIDTH, Card
from helpers.views.view import View, picture, table

LEVELS = ("safe", "low", "medium", "high")
"""The severities, from harmless on."""

MAX_ROWS = 24
"""Rows that ``severity`` shows; of more it shows those that were filtered first."""

_NAMES = ("content_filter_results", "content_filter_result")
_short = functools.partial(one_line, limit=80)
_DRAWABLE = re.compile(r"[\w ().,:-]{1,60}", re.ASCII)
_FOUND, _FILTERED = "#0550ae", "#a40e26"
_TITLE = "What the content filter says"
_NOTHING = "No results of a content filter came with this."


@dataclass(frozen=True)
class FilterResult:
    """What the filter says of one category.

    ``filtered``: it refused or cut something because of this category. ``severity`` is one of
    ``LEVELS``, or a newer word; ``detected`` is for categories that know only yes and no. ``error``
    is why there is no verdict. Each of the three is None where the service sent none.
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
        """The level as a number and the highest that there is: 0 is safe, or not detected."""
        if self.error is not None:
            return None
        if self.severity is not None:
            return (LEVELS.index(self.severity), 3) if self.severity in LEVELS else None
        return None if self.detected is None else (int(self.detected), 1)


Results = dict[str, dict[str, FilterResult]]
"""Verdicts by category, under "prompt" (what you sent) and "answer" (what the model wrote)."""


def filter_results(
    *things: ChatError | ChatCompletions | StreamingChatCompletionsUpdate,
) -> Results:
    """All that the filter says in ``things``: errors, completions, or the updates of a stream.

    A key is there only if there are verdicts under it: {} means that the service sent none. Of
    several verdicts on one category (choices, updates) the strictest counts.
    """
    results: Results = {}
    for thing in things:
        for where, sent in _sent(_body(thing)):
            for category, value in sent.items():
                verdict = _verdict(value)
                if verdict is not None:
                    found = results.setdefault(where, {})
                    found[category] = max(found.get(category, verdict), verdict, key=_strictness)
    return results


def severity(results: Mapping[str, Mapping[str, FilterResult]]) -> View:
    """``results``, as ``filter_results`` gives them: a picture, and the same as a table."""
    rows = [(where, name, verdict) for where in results for name, verdict in results[where].items()]
    if not rows:
        return View(f"<p>{_NOTHING}</p>", _NOTHING)
    left_out = len(rows) - MAX_ROWS
    if left_out > 0:
        rows = sorted(rows, key=lambda row: not row[2].filtered)[:MAX_ROWS]
    cells = table(
        ["where", "category", "level", "step", "scale", "filtered"],
        [[_short(where), _short(name), *_facts(verdict)] for where, name, verdict in rows],
    )
    said = [
        f"{_short(where)}, {_short(name)}: {_short(verdict.level)}{_mark(verdict)}"
        for where, name, verdict in rows
    ]
    more = f"Not shown: {left_out:,} more categories." if left_out > 0 else ""
    drawn = picture(_draw(rows), f"{_TITLE}. {'; '.join(said)}.")
    return View(
        f"{drawn}\n{cells.html}" + (f"\n<p>{more}</p>" if more else ""),
        f"{_TITLE}\n\n{cells.plain}" + (f"\n\n{more}" if more else ""),
    )


def _body(thing: ChatError | ChatCompletions | StreamingChatCompletionsUpdate) -> JSON:
    if not isinstance(thing, ChatError):
        return thing.raw
    if isinstance(thing, StreamInterruptedError):
        return thing.partial.raw
    return _object(thing.exchange.response_body if thing.exchange else None)


def _sent(body: JSON) -> Iterator[tuple[str, JSON]]:
    """Each object of verdicts in ``body``, with what was looked at."""
    error = _object(body.get("error")) or body
    for place in (
        error,
        _object(error.get("innererror")),
        *_objects(body, "prompt_filter_results"),
    ):
        yield from (("prompt", _object(place.get(name))) for name in _NAMES)
    for choice in _objects(body, "choices"):
        yield from (("answer", _object(choice.get(name))) for name in _NAMES)


def _verdict(value: Any) -> FilterResult | None:
    """The verdict in the JSON of one category; None if there is none in it."""
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


def _strictness(verdict: FilterResult) -> tuple[bool, bool, int]:
    return verdict.filtered, verdict.error is not None, (verdict.step or (0, 0))[0]


def _object(value: Any) -> JSON:
    return value if isinstance(value, dict) else {}


def _objects(body: JSON, name: str) -> list[JSON]:
    value = body.get(name)
    return [_object(item) for item in value] if isinstance(value, list) else []


def _facts(verdict: FilterResult) -> list[str]:
    """The cells of a table for one verdict: level, step, scale, filtered."""
    level = _short(verdict.level)
    if verdict.error is not None:
        level += f": {_short(verdict.error)}"
    step, scale = "?", "?"
    if verdict.step:
        reached, highest = verdict.step
        step, scale = f"{reached} of {highest}", "■" * reached + "□" * (highest - reached)
    return [level, step, scale, "yes" if verdict.filtered else "no"]


def _mark(verdict: FilterResult) -> str:
    return ", filtered" if verdict.filtered else ""


def _draw(rows: list[tuple[str, str, FilterResult]]) -> bytes:
    """A PNG with one row a verdict: boxes for the levels, filled up to the one that was found."""
    left, box, top, row = 250, 62, 76, 30
    card = Card(top + row * len(rows) + 46)
    card.text(20, 18, _TITLE, size=15)
    for number, name in enumerate(LEVELS[1:]):
        card.text(left + box * (number + 0.5), top - 22, name, size=11, fill=MUTED, anchor="ma")
    for number, (where, category, verdict) in enumerate(rows):
        y = top + row * number
        name = card.fit(_drawable(f"{where}: {category}", f"category {number + 1}"), left - 36)
        card.text(20, y + 1, name, size=13)
        if verdict.step:
            reached, highest = verdict.step
            width = 3 * box / highest  # a category that knows only yes and no has one wide box
            full = _FILTERED if verdict.filtered else _FOUND
            for step in range(highest):
                x = left + width * step
                fill = full if step < reached else WHITE
                card.box(x, y, x + width - 4, y + 18, fill=fill, outline=MUTED)
        else:
            card.text(left, y + 1, "?", size=13, fill=MUTED)
        words = _drawable(verdict.level, "another level") + _mark(verdict)
        card.text(left + 3 * box + 8, y + 1, card.fit(words, WIDTH - left - 3 * box - 28), size=13)
    foot = "Filled up to the level that was found. No box filled: safe, or not detected."
    card.text(20, top + row * len(rows) + 14, foot, size=11, fill=MUTED)
    return card.png()


def _drawable(text: str, otherwise: str) -> str:
    """``text`` if it is plain enough for the font and a reader, or else ``otherwise``."""
    return text if _DRAWABLE.fullmatch(text) else otherwise

"""``TraceStepper``: a conversation with tool calls that unfolds step by step, with reasons."""

import json
import textwrap
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup

from helpers.client.redaction import one_line
from helpers.views.trace import MAX_STEPS, Step, json_of, steps_of, trace, why
from helpers.views.view import View, escape_lines
from helpers.widgets.panel import Panel, area, row, set_primary

MAX_LINE = 70
"""Characters of a step's content that its line has while it is folded."""
MAX_JSON = 20_000
"""Characters of a JSON text that is shown with a line for each field."""

_HEAD = "Step {} of {}: {}, {}"
_CURRENT = Markup(
    '<div class="cc-step cc-current" role="status"><p><b>{}</b></p>\n<p>{}</p>\n{}</div>'
)
_EARLIER = Markup(
    '<details class="cc-step"{}><summary>{}<span class="cc-short">: {}</span></summary>'
    "\n<p>{}</p>\n{}</details>"
)
_WORDS = Markup('<div class="cc-said">{}</div>')
_CODE = Markup('<p>{}</p>\n<pre class="cc-said">{}</pre>')


class TraceStepper(Panel):
    """The conversation ``messages`` (what ``trace`` takes), to go through step by step.

    ``position`` is the number of the current step, from 1.
    """

    name = "live-trace"
    note = (
        "it has buttons, with which the conversation unfolds step by step, each with the reason "
        "for it."
    )

    def __init__(self, messages: Iterable[Any]) -> None:
        messages = list(messages)
        self.steps = steps_of(messages)
        self.position = min(1, len(self.steps))
        self._unfolded = False
        self._static_view = trace(messages)

    def go(self, position: int, *, unfolded: bool = False) -> None:
        """Make that step, or the nearest one, the current one. ``unfolded`` opens all before it."""
        self.position = max(min(1, len(self.steps)), min(position, len(self.steps)))
        self._unfolded = unfolded
        if self.is_built:
            self.refresh()

    def static_view(self) -> View:
        """Return the whole conversation."""
        return self._static_view

    def build(self) -> list[Any]:
        """Make the buttons; below them the earlier steps, and then the current one."""
        moves = {
            "back": ("Go back by one step", lambda: self.go(self.position - 1)),
            "next": ("Unfold the next step", lambda: self.go(self.position + 1)),
            "all": ("Unfold all steps", lambda: self.go(len(self.steps), unfolded=True)),
            "start": ("Go back to the first step", lambda: self.go(1)),
        }
        self._buttons = {
            name: self.button(name.capitalize(), name, move, hint)
            for name, (hint, move) in moves.items()
        }
        self.status, self._earlier, self._remaining = area("status"), area("earlier"), area("rest")
        return [row(*self._buttons.values()), self._earlier, self.status, self._remaining]

    def refresh(self) -> None:
        """Show the current step and those before it."""
        at_end = self.position == len(self.steps)
        for name, made in self._buttons.items():
            set_primary(made, name == ("start" if at_end else "next"))
        self._earlier.value = earlier(self.steps, self.position, is_open=self._unfolded)
        self.status.value = current(self.steps, self.position)
        left = len(self.steps) - self.position
        self._remaining.value = f"<p>{left} more to come.</p>" if left else "<p>That is all.</p>"


def current(steps: list[Step], position: int) -> Markup:
    """Return the step number ``position`` as html, a live region for screen readers."""
    if not steps:
        return _CURRENT.format("No message yet.", "", "")
    step = steps[position - 1]
    return _CURRENT.format(_head(steps, position), why(steps, position), _content(step))


def earlier(steps: list[Step], position: int, *, is_open: bool) -> Markup:
    """Return the steps before ``position``, each a line that can be unfolded, or all unfolded."""
    hidden = max(0, position - 1 - MAX_STEPS)
    parts = [Markup("<p>{} steps before these are not shown.</p>").format(hidden)] if hidden else []
    opened = Markup(" open") if is_open else ""
    for place, step in list(enumerate(steps, start=1))[hidden : position - 1]:
        short = textwrap.shorten(one_line(step.content), MAX_LINE, placeholder=" …")
        values = (opened, _head(steps, place), short, why(steps, place), _content(step))
        parts.append(_EARLIER.format(*values))
    return Markup("\n").join(parts)


def _head(steps: list[Step], position: int) -> str:
    step = steps[position - 1]
    return one_line(_HEAD.format(position, len(steps), step.between, step.what))


def _content(step: Step) -> Markup:
    """Return the content; of a call and of a result its id too, and JSON with a line a field."""
    if not (step.is_call or step.role == "tool"):
        return _WORDS.format(escape_lines(step.content))
    name = "Arguments" if step.is_call else "Result"
    label = f"{name}, id {one_line(step.call_id, 64) or '(none)'}:"
    given = json_of(step.full_text) if len(step.full_text) <= MAX_JSON else None
    if not isinstance(given, dict | list):
        return _CODE.format(label, escape_lines(step.content))
    return _CODE.format(label, escape_lines(json.dumps(given, indent=2, ensure_ascii=False)))

"""``live_heatmap``: the heat map, in which every token tells what could have stood in its place."""

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from helpers.client.responses import ChatCompletions
from helpers.views.logprobs import (
    LEGEND,
    MAX_TOKENS,
    Token,
    alternatives_of,
    heatmap,
    marked,
    percent,
    probability_bar,
    quoted,
    summarize,
    tokens_of,
)
from helpers.views.view import View
from helpers.widgets.html import lines
from helpers.widgets.panel import Panel, area

MAX_RIVALS = 5
"""Alternatives that are shown for a token."""
HINT = "Point at a token, or go from one to the next with the arrow keys."
LEAST_REST = 0.005
"""A probability; what is left for all other tokens is shown from there on."""

# Radio buttons: one stop of the Tab key for all tokens, arrow keys from one to the next, and a
# screen reader says the label and the place, all without a script. A form keeps each copy of the
# view apart, and this method sends nothing when Enter is pressed. JupyterLab would otherwise take
# the arrow keys to go to another cell.
_VIEW = Markup(
    '<p>{} {}</p>\n<form class="cc-heat" method="dialog" style="--cc-rows: {}">\n'
    '<div class="cc-tokens" role="radiogroup" aria-label="Tokens of the answer">{}</div>\n'
    "</form>\n<p>{}</p>"
)
_TOKEN = Markup(
    '<label><input type="radio" name="token" data-lm-suppress-shortcuts="true" aria-label="{}"{}>'
    '<span class="cc-token">{}</span>'
    '<span class="cc-rivals" aria-hidden="true"><b>{}</b><br>{}</span></label>'
)


def live_heatmap(answer: ChatCompletions | Sequence[Any]) -> "LiveHeatmap":
    """The heat map of ``answer``, to be explored: point at a token, or go to it with arrow keys.

    ``answer`` is what ``heatmap`` takes. Nothing is asked.
    """
    return LiveHeatmap(answer)


class LiveHeatmap(Panel):
    """The panel that ``live_heatmap`` makes."""

    name = "live-heatmap"
    note = (
        "Run this cell in JupyterLab, and you can point at any token, or go from one to the next "
        "with the arrow keys, and see what could have stood in its place."
    )

    def __init__(self, answer: ChatCompletions | Sequence[Any]) -> None:
        self._tokens = tokens_of(answer)
        self._twin = heatmap(answer)

    def static_view(self) -> View:
        """The heat map and the table of the least sure tokens."""
        return self._twin

    def build(self) -> list[Any]:
        """The text, each token a control, and below it a place for its alternatives."""
        return [area("explorer", explorable(self._tokens) if self._tokens else self._twin.html)]


def explorable(tokens: Sequence[Token]) -> Markup:
    """The text as html: each token can be pointed at and chosen, at first the least sure one."""
    shown = tokens[:MAX_TOKENS]
    least_sure = min(shown, key=lambda token: token.probability)
    rows, parts = 0, []
    for place, token in enumerate(shown, start=1):
        told = choices(token)
        rows = max(rows, len(told) + 1)
        head = f"Token {place} of {len(tokens)}: {quoted(token.text)}"
        chosen = Markup(" checked") if token is least_sure else ""
        said = (spoken(token), chosen, marked(token)[0], head, lines("\n".join(told)))
        parts.append(_TOKEN.format(*said))
    return _VIEW.format(LEGEND, HINT, rows, Markup("").join(parts), summarize(tokens))


def choices(token: Token) -> list[str]:
    """What could have stood in the place of ``token``, a line each, the likeliest first."""
    rivals = alternatives_of(token)[:MAX_RIVALS]
    found = sorted([token, *rivals], key=lambda one: one.probability, reverse=True)
    said = [
        f"{_level(one)} {quoted(one.text)}{' (written)' if one is token else ''}" for one in found
    ]
    rest = 1 - sum(one.probability for one in found)
    if not rivals:
        said.append("No alternatives were sent.")
    elif rest >= LEAST_REST:
        said.append(f"{_level(Token('', math.log(rest)))} any other token")
    return said


def spoken(token: Token) -> str:
    """The same for the ear: the token, then its rivals."""
    rivals = [
        f"{quoted(one.text)} {percent(one.logprob)}" for one in alternatives_of(token)[:MAX_RIVALS]
    ]
    instead = ", ".join(rivals) or "none sent"
    return f"{quoted(token.text)}, {percent(token.logprob)}. Instead: {instead}."


def _level(token: Token) -> str:
    return f"{probability_bar(token.probability)} {percent(token.logprob):>4}"

"""``LogprobExplorer``: a heat map in which each token shows what could have stood in its place."""

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
from helpers.views.view import View, escape_lines
from helpers.widgets.panel import Panel, area

MAX_RIVALS = 5
"""Alternatives that are shown for a token."""
HINT = "Point at a token, or go from one to the next with the arrow keys."
MIN_REST = 0.005
"""A probability: what is left for all other tokens is shown if it is at least this."""

# Radio buttons give one Tab stop for all tokens, arrow keys between them, and a label and a place
# for screen readers, all without a script. The form keeps copies of the view apart; its method
# sends nothing when Enter is pressed. The data attribute keeps JupyterLab off the arrow keys.
_VIEW = Markup(
    '<p>{} {}</p>\n<form class="cc-heat" method="dialog" style="--cc-rows: {}">\n'
    '<div class="cc-tokens" role="radiogroup" aria-label="Tokens of the answer">{}</div>\n'
    "</form>\n<p>{}</p>"
)
_TOKEN = Markup(
    '<label><input type="radio" name="token" data-lm-suppress-shortcuts="true" aria-label="{}"{}>'
    '{}<span class="cc-token">{}</span>'
    '<span class="cc-rivals" aria-hidden="true"><b>{}</b><br>{}</span></label>'
)


class LogprobExplorer(Panel):
    """The heat map of ``answer``, which is what ``heatmap`` takes, with each token a control."""

    name = "live-heatmap"
    note = (
        "you can point at any token, or go from one to the next with the arrow keys, and see what "
        "could have stood in its place."
    )

    def __init__(self, answer: ChatCompletions | Sequence[Any] | None) -> None:
        self._tokens = tokens_of(answer)
        self._static_view = heatmap(answer)

    def static_view(self) -> View:
        """Return the heat map and the table of the least sure tokens."""
        return self._static_view

    def build(self) -> list[Any]:
        """Make the text, each token a control, and below it a place for its alternatives."""
        return [
            area("explorer", explorable(self._tokens) if self._tokens else self._static_view.html)
        ]


def explorable(tokens: Sequence[Token]) -> Markup:
    """Return the text as html with a radio button for each token; the least sure one is checked."""
    first = tokens[:MAX_TOKENS]
    least_sure = min(first, key=lambda token: token.probability)
    rows, parts = 0, []
    for place, token in enumerate(first, start=1):
        lines = choices(token)
        rows = max(rows, len(lines) + 1)
        head = f"Token {place} of {len(tokens)}: {quoted(token.text)}"
        chosen = Markup(" checked") if token is least_sure else ""
        shown = marked(token)[0]
        word = shown.lstrip(" ") or shown
        blank = shown.removesuffix(word)  # outside: it may end a line, and the outline with it
        alternatives = escape_lines("\n".join(lines))
        values = (spoken(token), chosen, blank, word, head, alternatives)
        parts.append(_TOKEN.format(*values))
    return _VIEW.format(LEGEND, HINT, rows, Markup("").join(parts), summarize(tokens))


def choices(token: Token) -> list[str]:
    """Return what could have stood in the place of ``token``, a line each, the likeliest first."""
    rivals = alternatives_of(token)[:MAX_RIVALS]
    found = sorted([token, *rivals], key=lambda one: one.probability, reverse=True)
    said = [
        f"{_level(one)} {_unbroken(one.text)}{' (written)' if one is token else ''}"
        for one in found
    ]
    rest = 1 - sum(one.probability for one in found)
    if not rivals:
        said.append("No alternatives were sent.")
    elif rest >= MIN_REST:
        said.append(f"{_level(Token('', math.log(rest)))} any other token")
    return said


def _unbroken(text: str) -> str:
    """Return ``text`` in quotes, at whose blanks no line ends."""
    return quoted(text).replace(" ", "\u00a0")


def spoken(token: Token) -> str:
    """Return the label that a screen reader says: the token, then its rivals."""
    rivals = [
        f"{quoted(one.text)} {percent(one.logprob)}" for one in alternatives_of(token)[:MAX_RIVALS]
    ]
    instead = ", ".join(rivals) or "none sent"
    return f"{quoted(token.text)}, {percent(token.logprob)}. Instead: {instead}."


def _level(token: Token) -> str:
    return f"{probability_bar(token.probability)} {percent(token.logprob):>4}"

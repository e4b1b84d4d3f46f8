"""``distribution``: the chances of one token at several temperatures, beside real draws of it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from helpers.client.responses import ChatCompletions
from helpers.views.charts import ARRIVED, INK, LEFT, MUTED, WHITE, WIDTH, Card
from helpers.views.logprobs import Token, alternatives_of, percent, quoted, tokens_of
from helpers.views.view import BLANK, View, chart, stack, table

TEMPERATURES = (0.2, 1, 2)

_TITLE = "The next token: how likely, and how often drawn"
_OTHERS = (BLANK, "any other token")
_NOTE = (
    "At temperature 1: what the model told. At other temperatures: computed from that, as shares "
    "of the listed tokens alone."
)
_NOTHING = "There are no log probabilities in this answer. Ask with logprobs=True, top_logprobs=20."


def distribution(
    answer: ChatCompletions | Sequence[Any] | None, draws: Mapping[float, Sequence[str]]
) -> View:
    """Show the candidates for the first token of ``answer`` as a picture and as a table.

    ``draws``: under one of ``TEMPERATURES``, the texts of that token in other answers. The
    probabilities in ``answer`` must be those of temperature 1, which is what services send.
    """
    tokens = tokens_of(answer)
    if not tokens:
        return stack(_NOTHING)
    listed = sorted([tokens[0], *alternatives_of(tokens[0])], key=lambda one: -one.probability)
    shares = {value: _shares(listed, value) for value in TEMPERATURES}
    counts = {value: _counts(listed, draws.get(value)) for value in TEMPERATURES}
    names = [*((number, quoted(one.text)) for number, one in enumerate(listed, start=1)), _OTHERS]
    head, columns = ["rank", "token"], [list(column) for column in zip(*names, strict=True)]
    for value, known in shares.items():
        head += [f"chance at {value:g}", f"drawn at {value:g}"]
        often = [str(count) for count in counts[value]] or ["?"] * len(known)
        columns += [[_percent(share) for share in known], often]
    said = [f"{_TITLE}.", *(_summary(value, shares[value], counts[value]) for value in shares)]
    drawn = chart(_draw(len(listed), shares, counts), " ".join(said), "\n".join(said))
    return stack(drawn, _NOTE, table(head, zip(*columns, strict=True)))


def _shares(listed: Sequence[Token], temperature: float) -> list[float | None]:
    """Return the share of each token, then of all others; None where it is not known."""
    known = [one.probability for one in listed]
    if temperature == 1:
        return [*known, max(0.0, 1 - sum(known))]
    weights = [share ** (1 / temperature) for share in known]
    return [*(weight / (sum(weights) or 1) for weight in weights), None]


def _counts(listed: Sequence[Token], drawn: Sequence[str] | None) -> list[int]:
    """Return how often each token was drawn, then how often any other was; none without draws."""
    if drawn is None:
        return []
    known = [list(drawn).count(one.text) for one in listed]
    return [*known, len(drawn) - sum(known)]


def _summary(value: float, shares: Sequence[float | None], counts: Sequence[int]) -> str:
    words = f"Temperature {value:g}: the likeliest token has {_percent(shares[0])}"
    if counts:
        words += f"; {sum(counts)} draws: {counts[0]} of that token, {counts[-1]} not listed"
    return words + "."


def _percent(share: float | None) -> str:
    return "?" if share is None else percent(math.log(share) if share else -math.inf)


def _draw(
    listed: int, shares: Mapping[float, Sequence[float | None]], counts: Mapping[float, list[int]]
) -> bytes:
    """Draw a PNG: a row for each token, and in it two bars for each temperature."""
    top, height, left = 118, 20, 70
    width = (WIDTH - left - 6) / len(shares)
    card = Card("The next token", top + height * (listed + 1) + 14)
    card.box(LEFT, 45, LEFT + 26, 55, fill=ARRIVED)
    card.text(LEFT + 34, 41, "how likely", fill=MUTED)
    card.box(LEFT + 130, 45, LEFT + 156, 55, fill=WHITE, outline=INK)
    card.text(LEFT + 164, 41, "how often drawn", fill=MUTED)
    card.text(LEFT, top - 30, "rank", fill=MUTED)
    card.text(left, top - 50, "at temperature", fill=MUTED)
    for place in range(listed + 1):
        card.text(LEFT, top + height * place - 2, f"{place + 1}" if place < listed else "other")
    for column, value in enumerate(shares):
        x, length = left + width * column, width - 14
        card.text(x, top - 30, f"{value:g}", fill=MUTED)
        for place, share in enumerate(shares[value]):
            y = top + height * place
            if counts[value] and counts[value][place]:
                end = x + length * counts[value][place] / sum(counts[value])
                card.box(x, y + 9, end, y + 15, fill=WHITE, outline=INK)
            if share is None:
                card.text(x, y - 6, "?", fill=MUTED)
            else:
                card.box(x, y, x + length * share, y + 6, fill=ARRIVED)
    return card.png()

"""Invented log probabilities in OpenAI's shape, the same for the same text.

``top`` is the number of alternatives of a piece; None means that no log probabilities were asked
for. Pieces have probabilities above 0.9, except those in ``doubts``: for each of these the script
gives its probability and those of alternatives.
"""

import math
from collections.abc import Mapping
from typing import Any

from tests.standin.calls import digest
from tests.standin.tokens import pieces

Doubts = Mapping[str, Mapping[str, float]]
OTHERS = (" the", " a", " and", ",", " it", ".")
"""Pieces that are offered as alternatives."""


def text_logprobs(text: str, top: int | None, doubts: Doubts) -> dict[str, Any] | None:
    """Return the log probabilities of a text."""
    if top is None:
        return None
    content = [logprob(piece, spot, top, doubts) for spot, piece in enumerate(pieces(text))]
    return {"content": content, "refusal": None}


def piece_logprobs(piece: str, spot: int, top: int | None, doubts: Doubts) -> dict[str, Any] | None:
    """Return the log probabilities of the piece number ``spot`` of a text."""
    if top is None:
        return None
    return {"content": [logprob(piece, spot, top, doubts)], "refusal": None}


def logprob(piece: str, spot: int, top: int, doubts: Doubts) -> dict[str, Any]:
    """Return a piece with its log probability and at most ``top`` alternatives."""
    sure = 0.91 + 0.089 * int(digest(piece, spot)[:8], 16) / 0xFFFFFFFF
    chances = dict(doubts.get(piece, {piece: sure}))
    others = [other for other in OTHERS if other not in chances]
    first, left = int(digest(spot)[:8], 16), 1 - sum(chances.values())
    for rank in range(1, min(top - len(chances), len(others)) + 1):
        # Each gets half of what is left, so that all chances together stay below 1.
        chances[others[(first + rank) % len(others)]] = left * 0.5**rank
    ranked = sorted(chances.items(), key=lambda known: -known[1])[:top]
    return token(piece, chances[piece]) | {"top_logprobs": [token(*known) for known in ranked]}


def token(piece: str, chance: float) -> dict[str, Any]:
    """Return a piece, the logarithm of its probability, and its bytes."""
    raw = piece.encode("utf-8", errors="replace")
    return {"token": piece, "logprob": round(math.log(chance), 6), "bytes": list(raw)}

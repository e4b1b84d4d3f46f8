"""Invented log probabilities in OpenAI's shape, the same for the same text.

Pieces have probabilities above 0.9, except those in ``doubts``: for each of these the script gives
its probability and those of alternatives.
"""

import math
from collections.abc import Mapping

from tests.standin.calls import Json, digest
from tests.standin.tokens import pieces

Doubts = Mapping[str, Mapping[str, float]]
OTHERS = (" the", " a", " and", ",", " it", ".")
"""Pieces that are offered as alternatives."""


def logprobs(text: str, top: int, doubts: Doubts) -> list[Json]:
    """Return the pieces of ``text``, each with at most ``top`` alternatives."""
    return [logprob(piece, spot, top, doubts) for spot, piece in enumerate(pieces(text))]


def logprob(piece: str, spot: int, top: int, doubts: Doubts) -> Json:
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


def token(piece: str, chance: float) -> Json:
    """Return a piece, the logarithm of its probability, and its bytes."""
    raw = piece.encode("utf-8", errors="replace")
    return {"token": piece, "logprob": round(math.log(chance), 6), "bytes": list(raw)}

"""Log probabilities for pieces: invented, but plausible, in OpenAI's shape, and always the same.

``top`` is how many alternatives come with a piece; None means that none of it was asked for.
"""

import math
from typing import Any

from tests.standin.calls import digest
from tests.standin.tokens import pieces

OTHERS = (" the", " a", " and", ",", " it", ".")
"""What the model could have written instead."""


def text_logprobs(text: str, top: int | None) -> dict[str, Any] | None:
    """Those of a whole text."""
    if top is None:
        return None
    content = [logprob(piece, spot, top) for spot, piece in enumerate(pieces(text))]
    return {"content": content, "refusal": None}


def piece_logprobs(piece: str, spot: int, top: int | None) -> dict[str, Any] | None:
    """Those of one piece of a stream, which is at the place ``spot`` of its text."""
    return None if top is None else {"content": [logprob(piece, spot, top)], "refusal": None}


def logprob(piece: str, spot: int, top: int) -> dict[str, Any]:
    """A piece with its chance, and as many of the likeliest as asked for (and as there are)."""
    chance = 0.35 + 0.64 * int(digest(piece, spot)[:8], 16) / 0xFFFFFFFF
    others = [other for other in OTHERS if other != piece]
    first = int(digest(spot)[:8], 16)
    ranked = [(piece, chance)]
    for rank in range(1, min(top, len(others) + 1)):
        # Each gets half of what is left, so that all chances together stay below 1.
        ranked.append((others[(first + rank) % len(others)], (1 - chance) * 0.5**rank))
    ranked.sort(key=lambda known: -known[1])
    return token(piece, chance) | {"top_logprobs": [token(*known) for known in ranked[:top]]}


def token(piece: str, chance: float) -> dict[str, Any]:
    """A piece, the logarithm of its chance, and its bytes."""
    raw = piece.encode("utf-8", errors="replace")
    return {"token": piece, "logprob": round(math.log(chance), 6), "bytes": list(raw)}

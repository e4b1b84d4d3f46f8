"""Lesson 05: the token that a model was least sure of."""

from typing import Any


def least_sure(tokens: list[dict[str, Any]]) -> str | None:
    """The text of the token with the lowest probability; None if there is no token."""
    if not tokens:
        return None
    weakest: dict[str, Any] = min(tokens, key=lambda token: token["logprob"])
    return str(weakest["token"])

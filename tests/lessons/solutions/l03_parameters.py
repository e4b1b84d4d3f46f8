"""Lesson 03: options moved into the ranges of the models route."""

from typing import Any

RANGES = {
    "temperature": (0, 1),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}


def fit(options: dict[str, Any]) -> dict[str, Any]:
    fitting = dict(options)
    for name, (low, high) in RANGES.items():
        if fitting.get(name) is not None:
            fitting[name] = min(max(fitting[name], low), high)
    return fitting

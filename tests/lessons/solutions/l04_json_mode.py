"""Lesson 04: the JSON object of an answer, or None."""

import json
from typing import Any

from helpers.client.responses import ChatCompletions


def data_of(completion: ChatCompletions) -> dict[str, Any] | None:
    if completion.finish_reason != "stop":
        return None
    try:
        data = json.loads(completion.content)
    except json.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None

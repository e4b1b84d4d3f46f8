"""Lesson 02: the seconds until the first text."""

from collections.abc import Iterable

from helpers import StreamingChatCompletionsUpdate


def time_to_first_text(updates: Iterable[StreamingChatCompletionsUpdate]) -> float | None:
    for update in updates:
        if update.content:
            return update.elapsed
    return None

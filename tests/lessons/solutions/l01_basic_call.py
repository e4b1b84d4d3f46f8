"""Lesson 01: whether an answer was cut off."""

from helpers import ChatCompletions


def was_cut(completion: ChatCompletions) -> bool:
    return completion.finish_reason in ("length", "content_filter")

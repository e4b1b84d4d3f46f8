"""Lesson 06: the tool calls of a conversation that are not answered yet."""

from typing import Any


def open_calls(messages: list[dict[str, Any]]) -> list[str]:
    answered = {message.get("tool_call_id") for message in messages}
    calls = [call for message in messages for call in message.get("tool_calls", [])]
    return [call["id"] for call in calls if call["id"] not in answered]

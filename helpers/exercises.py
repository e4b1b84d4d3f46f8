"""The exercise of each lesson: cases that an answer is tried on, and a hint. No model is needed.

An answer is a function. ``check`` calls it with each case and says in words what went wrong first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from helpers.models import ChatCompletions, StreamingChatCompletionsUpdate


@dataclass(frozen=True)
class Case:
    """Call the answer with ``argument``, described by ``given``; it should return ``expected``."""

    given: str
    argument: Any
    expected: Any


def _completion(*choices: dict[str, Any]) -> ChatCompletions:
    return ChatCompletions({"choices": list(choices)})


def _updates(*pieces: tuple[float, str]) -> list[StreamingChatCompletionsUpdate]:
    return [
        StreamingChatCompletionsUpdate({"choices": [{"delta": {"content": text}}]}, elapsed)
        for elapsed, text in pieces
    ]


_EMPTY = StreamingChatCompletionsUpdate({"choices": []}, 0.1)

CASES: dict[str, tuple[Case, ...]] = {
    "00-start-here": (
        Case(
            "the article's form",
            "https://my-resource.services.ai.azure.com/models",
            "models",
        ),
        Case("its successor", "https://my-resource.openai.azure.com/openai/v1", "v1"),
        Case(
            "the same with a slash at the end",
            "https://my-resource.services.ai.azure.com/openai/v1/",
            "v1",
        ),
        Case("a resource with no route", "https://my-resource.services.ai.azure.com", None),
        Case("a resource named models", "https://models.services.ai.azure.com", None),
    ),
    "01-basic-call": (
        Case("a finished answer", _completion({"finish_reason": "stop"}), False),
        Case("one cut by max_tokens", _completion({"finish_reason": "length"}), True),
        Case(
            "one cut by the content filter", _completion({"finish_reason": "content_filter"}), True
        ),
        Case("one that calls a tool", _completion({"finish_reason": "tool_calls"}), False),
        Case("an answer without any choice", _completion(), False),
    ),
    "02-streaming": (
        Case("text from the second update on", _updates((0.3, ""), (0.5, "Hi"), (0.6, "!")), 0.5),
        Case("text at once", _updates((0.2, "Hello")), 0.2),
        Case("a first update without a choice", [_EMPTY, *_updates((0.4, "Yes"))], 0.4),
        Case("no text at all", _updates((0.3, "")), None),
    ),
}

HINTS = {
    "00-start-here": "`endpoint.rstrip('/')` takes a slash off the end, and `.endswith(...)` "
    "looks at the end of a text. The host name does not matter.",
    "01-basic-call": "Compare `completion.finish_reason` with the two words that mean "
    "that something is missing: `length` and `content_filter`.",
    "02-streaming": "Go through the updates in order, and return the `elapsed` of the first one "
    "whose `content` is not empty. After the loop there was none.",
}


def check(lesson: str, answer: Callable[[Any], Any]) -> str:
    """Try ``answer`` on the cases of ``lesson``; the verdict in words begins with Right or Not yet.

    Raises ``KeyError`` for a lesson without an exercise; nothing that the answer raises.
    """
    name = getattr(answer, "__name__", "your answer")
    for case in CASES[lesson]:
        try:
            got = answer(case.argument)
        except Exception as reason:
            return (
                f"Not yet: {name} raises {type(reason).__name__}: {reason} (given: {case.given})."
            )
        if type(got) is not type(case.expected) or got != case.expected:
            return (
                f"Not yet: for {case.given}, {name} gives {got!r}, not {case.expected!r}.\n"
                f"For a hint, run: hint({lesson!r})"
            )
    return f"Right: {name} passes all {len(CASES[lesson])} cases."


def hint(lesson: str) -> str:
    """How to begin the exercise of ``lesson``."""
    return HINTS[lesson]

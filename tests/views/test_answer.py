"""What an answer says: text, refusal, or why there is neither."""

from typing import Any

import pytest

from helpers.client.responses import ChatCompletions
from helpers.views.trace import trace
from helpers.views.view import answer_text

REASONED = "the model reasoned and gave no text"


def answer(finish: str | None = "stop", usage: Any = None, **message: Any) -> ChatCompletions:
    choice = {"message": {"role": "assistant", **message}, "finish_reason": finish}
    return ChatCompletions({"choices": [choice], "usage": usage})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (answer(content="Hi"), "Hi"),
        (answer(content="Hi", reasoning_content="Hm", refusal=None), "Hi"),
        (answer(content=None, refusal="No."), "The model refused: No."),
        (answer(content="Well,", refusal="no."), "Well,\nThe model refused: no."),
        (answer("length", content="", reasoning="Hm"), f"({REASONED}; finish_reason: length)"),
        (
            answer("length", {"completion_tokens_details": {"reasoning_tokens": 64}}, content=""),
            f"({REASONED}; finish_reason: length)",
        ),
        (
            answer(usage={"completion_tokens_details": {"reasoning_tokens": 0}}),
            "(no text; finish_reason: stop)",
        ),
        (answer(None, usage={"completion_tokens_details": [7]}), "(no text)"),
        (ChatCompletions({}), "(no text)"),
    ],
)
def test_each_answer_is_said_in_words(given: ChatCompletions, words: str) -> None:
    assert answer_text(given) == words


def test_a_long_finish_reason_is_cut() -> None:
    assert len(answer_text(answer("x\n" * 900))) < 120


def test_a_conversation_shows_a_refusal_and_an_answer_of_reasoning_only() -> None:
    for message, words in (
        ({"content": None, "refusal": "No."}, "The model refused: No."),
        ({"content": None, "reasoning_content": "Hm"}, f"({REASONED})"),
        ({"content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]}, "Hello"),
    ):
        assert words in trace([{"role": "assistant", **message}]).plain

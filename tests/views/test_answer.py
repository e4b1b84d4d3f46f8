"""What answers and messages say: text, refusal, or why there is neither."""

from typing import Any

import pytest

from helpers.client.responses import ChatCompletions
from helpers.views.conversation import conversation
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


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"role": "tool", "content": None}, "Tool: (no text)"),
        ({"role": "user", "content": [{"type": "text", "text": "See:"}, {"type": "image_url"}]},
         "You: See:\n(image_url)"),
        ({"role": "assistant", "content": None, "refusal": "No."}, "Model: The model refused: No."),
        ({"content": 7}, "Unknown: (no text)"),
    ],
)  # fmt: skip
def test_a_conversation_names_who_says_it(message: Any, words: str) -> None:
    assert conversation([message]).plain == words
    assert conversation([]).plain == "No message yet."

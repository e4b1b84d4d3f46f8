"""A conversation as a static view: who said what, and what is no text."""

from typing import Any

import pytest

from helpers.views.conversation import conversation


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "(no text)"),
        ([{"type": "text", "text": "See:"}, {"type": "image_url"}], "See:\n(image_url)"),
        (7, "(no text)"),
    ],
)
def test_what_is_no_text_is_named(content: Any, words: str) -> None:
    assert conversation([{"role": "tool", "content": content}]).plain == f"Tool: {words}"
    assert conversation([]).plain == "No message yet."

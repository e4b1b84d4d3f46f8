"""Calls side by side: which fields share a row, and what is shown of them."""

from typing import Any

import httpx
import pytest

from helpers import BadParameterError
from helpers.views import side_by_side
from tests.views.test_views import Page

KEY = "Kq7xWz3vRt9mBn5c"


def call(sent: Any, answer: Any = None) -> httpx.Response:
    url = "https://my-resource.openai.azure.com/openai/v1/responses"
    request = httpx.Request("POST", url, json=sent, headers={"api-key": KEY})
    return httpx.Response(200, json=answer or {}, request=request)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": "word"}, {"b": "word"}, [["a\nword", "b\nword"]]),
        ({"a": 17}, {"b": 18}, [["", "b\n18"], ["a\n17", ""]]),
        ({"a": 2}, {"b": "2"}, [["", "b\n2"], ["a\n2", ""]]),
        # What could be any value, unless the name is the same:
        ({"a": True}, {"b": True}, [["", "b\ntrue"], ["a\ntrue", ""]]),
        ({"a": 0}, {"b": 0}, [["", "b\n0"], ["a\n0", ""]]),
        ({"a": {"x": True}}, {"b": {"x": True}}, [["a.x\ntrue", "b.x\ntrue"]]),
        # `b` has a row of its own already:
        ({"a": "word", "b": 1}, {"b": "word"}, [["a\nword", ""], ["b\n1", "b\nword"]]),
    ],
)
def test_which_fields_share_a_row(one: Any, other: Any, expected: list[list[str]]) -> None:
    view = side_by_side({"1": call({}, one), "2": call({}, other)}, "answer", "a", "b")
    assert Page(view.html).rows(2) == expected


def test_no_field_is_lost_to_another_one_with_the_same_value() -> None:
    answers = [{"a": "word"}, {"b": "word"}, {"a": "word", "b": "word"}, {"c": "word", "d": "word"}]
    calls = {str(number): call({}, answer) for number, answer in enumerate(answers)}
    found = Page(side_by_side(calls, "answer", *"abcd").html).rows(4)
    assert [sorted(filter(None, column)) for column in zip(*found, strict=True)] == [
        [f"{name}\n{value}" for name, value in answer.items()] for answer in answers
    ]


def test_an_error_before_sending_says_so_and_another_shows_its_answer() -> None:
    calls = {"unsent": BadParameterError("No."), "sent": call({}, {"text": "<b>&"})}
    assert Page(side_by_side(calls, "answer").html).rows(2) == [
        ["Nothing was sent.", "200 OK"],
        ["", "text\n<b>&"],
    ]


def test_the_columns_are_narrow_and_no_key_is_shown() -> None:
    deep = {"choices": [{"message": {"tool_calls": [{"function": {"arguments": "x" * 500}}]}}]}
    view = side_by_side({label: call(deep, deep) for label in "abc"}, "request")
    assert KEY not in view.html + view.plain
    words = " ".join(Page(view.html).cells).split()
    assert max(map(len, words)) <= 40
    assert {"choices[0].message.", "tool_calls[0].function.", "arguments"} <= {*words}

"""Calls side by side, the events of streams, and the table of names that move."""

import re
from typing import Any

import httpx
import pytest

from helpers import BadParameterError
from helpers.views import side_by_side

KEY = "Kq7xWz3vRt9mBn5c"


def call(sent: Any, answer: Any = None, path: str = "/openai/v1/responses") -> httpx.Response:
    url, key = f"https://my-resource.openai.azure.com{path}", {"api-key": KEY}
    request = httpx.Request("POST", url, json=sent, headers=key)
    return httpx.Response(200, json=answer or {}, request=request)


def rows(html: str) -> list[list[str]]:
    """The cells of each row; the lines of a cell are joined by a bar."""
    found = re.findall(r"<tr>(.*?)</tr>", html)
    cells = [re.findall(r'<div align="\w+">(.*?)</div>', row) for row in found]
    return [
        [re.sub("</?code>|<wbr>", "", cell).replace("<br>", "|") for cell in row] for row in cells
    ]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": "word"}, {"b": "word"}, [["a|word", "b|word"]]),
        ({"a": 17}, {"b": 18}, [["", "b|18"], ["a|17", ""]]),
        ({"a": 2}, {"b": "2"}, [["", "b|2"], ["a|2", ""]]),
        # What could be any value, unless the name is the same:
        ({"a": True}, {"b": True}, [["", "b|true"], ["a|true", ""]]),
        ({"a": 0}, {"b": 0}, [["", "b|0"], ["a|0", ""]]),
        ({"a": {"x": True}}, {"b": {"x": True}}, [["a.x|true", "b.x|true"]]),
        # `b` has a row of its own already:
        ({"a": "word", "b": 1}, {"b": "word"}, [["a|word", ""], ["b|1", "b|word"]]),
    ],
)
def test_which_fields_share_a_row(one: Any, other: Any, expected: list[list[str]]) -> None:
    view = side_by_side({"1": call({}, one), "2": call({}, other)}, "answer", "a", "b")
    assert rows(view.html)[1:] == expected


def test_no_field_is_lost_to_another_one_with_the_same_value() -> None:
    answers = [{"a": "word"}, {"b": "word"}, {"a": "word", "b": "word"}, {"c": "word", "d": "word"}]
    calls = {str(number): call({}, answer) for number, answer in enumerate(answers)}
    found = rows(side_by_side(calls, "answer", *"abcd").html)[1:]
    assert [sorted(filter(None, column)) for column in zip(*found, strict=True)] == [
        [f"{name}|{value}" for name, value in answer.items()] for answer in answers
    ]


def test_an_error_before_sending_says_so_and_another_shows_its_answer() -> None:
    calls = {"unsent": BadParameterError("No."), "sent": call({}, {"text": "<b>&"})}
    assert rows(side_by_side(calls, "answer").html)[1:] == [
        ["Nothing was sent.", "200 OK"],
        ["", "text|&lt;b&gt;&amp;"],
    ]


def test_the_columns_are_narrow_and_no_key_is_shown() -> None:
    deep = {"choices": [{"message": {"tool_calls": [{"function": {"arguments": "x" * 500}}]}}]}
    view = side_by_side({label: call(deep, deep) for label in "abc"}, "request")
    assert KEY not in view.html + view.plain
    words = [word for row in rows(view.html) for cell in row for word in re.split(r"[| ]", cell)]
    assert max(map(len, words)) <= 40
    assert {"choices[0].message.", "tool_calls[0].function.", "arguments"} <= {*words}

"""What the table of faults can't say of events and of the accumulator: each field, exactly."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from helpers.client.accumulator import StreamAccumulator
from helpers.client.streaming import EventReader


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_an_event_is_yielded_before_more_is_read(end: str) -> None:
    assert list(EventReader().feed(f"data: a{end}{end}")) == [("message", "a")]


def accumulated(*updates: Any) -> StreamAccumulator:
    """Return an accumulator with ``updates``, which have to stay as they are."""
    accumulator, before = StreamAccumulator(), json.dumps(updates)
    for update in updates:
        accumulator.add(update)
    assert json.dumps(updates) == before
    return accumulator


def delta(index: Any = 0, finish: Any = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": fields, "finish_reason": finish}]}


def message(*updates: Any) -> Any:
    return accumulated(*updates).whole()["choices"][0]["message"]


def call(arguments: Any, **fields: Any) -> dict[str, Any]:
    return {"index": 0, **fields, "function": {"name": "f", "arguments": arguments}}


def test_what_was_read_once_does_not_change_later() -> None:
    accumulator = accumulated(delta(content="a", tool_calls=[call("{", id="c1")]))
    first = accumulator.whole()
    before = json.dumps(first)
    accumulator.add(delta(content="b", tool_calls=[call("}", id="c1")], finish="stop"))
    assert json.dumps(first) == before
    assert accumulator.whole()["choices"][0]["message"] == {
        "role": "assistant",
        "content": "ab",
        "tool_calls": [
            {"type": "function", "id": "c1", "function": {"name": "f", "arguments": "{}"}}
        ],
    }


def thought(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def detail(text: str, index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": text, "index": index, **fields}


JOINED = {
    # a field of the message; its pieces; the whole
    "items": ("content", [[thought("H")], [thought("m")], [part("H"), part("i")], [part("!")]],
              [thought("Hm"), part("Hi!")]),
    "details": ("reasoning_details",
                [[detail("a")], [detail("b")], [detail("c", 1)], [detail("d", format="x")],
                 [{"index": 1, "text": "e"}], [{"type": "reasoning.encrypted", "data": "z"}]],
                [detail("abd", format="x"), detail("ce", 1),
                 {"type": "reasoning.encrypted", "data": "z"}]),
    "sound": ("audio", [{"id": "x"}, {"transcript": "a"}, {"transcript": "b", "id": "x"}],
              {"id": "x", "transcript": "ab"}),
    "citations in each": ("citations", [["a"], ["a"], ["a", "b"]], ["a", "b"]),
    "the same number again": ("token_ids", [[1], [1]], [1, 1]),
    "a name of next year": ("a_name_of_next_year", [None, "a", "b"], "ab"),
    "a role in each": ("role", ["assistant", "assistant", None, ""], "assistant"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "sent", "joined"), JOINED.values(), ids=JOINED)
def test_pieces_are_joined_and_what_is_whole_is_not(name: str, sent: Any, joined: Any) -> None:
    found = message(*(delta(**{name: one}) for one in sent))
    assert found == {"role": "assistant", name: joined}


SAFE, LOW = ({"filtered": False, "severity": level} for level in ("safe", "low"))
CUT = {"filtered": True, "severity": "medium"}
NO, YES = ({"filtered": False, "detected": found} for found in (False, True))
USED = {"total_tokens": 5, "details": {"a": 1, "b": 2}}
LAST_WORDS = {
    # a field of an update; its values in turn; the last word on it
    "usage": ([None, USED, {}, None, {"total_tokens": 7, "details": {"a": None}}],
              {"total_tokens": 7, "details": {"a": 1, "b": 2}}),
    "model": (["", "m", "m-2026", "", None], "m-2026"),
    "id": (["", "a", "b", ""], "a"),
    "created": ([0, 5, 6, 0], 5),
    "object": (["chat.completion.chunk"], "chat.completion"),
    "prompt_filter_results": (
        [None, [{"prompt_index": 1}], [{"prompt_index": 0, "x": CUT}],
         [{"prompt_index": 0, "x": LOW}], []],
        [{"prompt_index": 1}, {"prompt_index": 0, "x": CUT}]),
}  # fmt: skip
OF_A_CHOICE = {
    # a field of a choice; its values in turn; the last word on it
    "one that says less": (
        "content_filter_results",
        [{"hate": LOW}, {"text": NO}, {"hate": {}}, {"hate": None}], {"hate": LOW, "text": NO}),
    "a stricter verdict": (
        "content_filter_results",
        [{"hate": SAFE}, {"hate": LOW}, {"hate": CUT}, {"hate": LOW}], {"hate": CUT}),
    "a detection": (
        "content_filter_results", [{"text": NO}, {"text": YES}, {"text": NO}], {"text": YES}),
    "logprobs are extended": (
        "logprobs",
        [{"content": [1], "refusal": ["a"]}, None, {"content": [2, 3]}, {"content": None}],
        {"content": [1, 2, 3], "refusal": ["a"]}),
}  # fmt: skip


@pytest.mark.parametrize(("name", "values", "last"), [(n, *v) for n, v in LAST_WORDS.items()])
def test_a_later_update_that_says_less_takes_nothing_back(
    name: str, values: Any, last: Any
) -> None:
    assert accumulated(*({"choices": [], name: one} for one in values)).whole()[name] == last


@pytest.mark.parametrize(("name", "values", "last"), OF_A_CHOICE.values(), ids=OF_A_CHOICE)
def test_a_choice_keeps_its_strictest_verdicts_and_all_logprobs(
    name: str, values: Any, last: Any
) -> None:
    sent: list[Any] = [{"choices": [{"index": 0, "delta": {}, name: one}]} for one in values]
    assert accumulated(*sent).whole()["choices"][0][name] == last


GROWING: dict[str, Callable[[str], dict[str, Any]]] = {
    "reasoning": lambda text: {"reasoning": text},
    "content": lambda text: {"content": text},
    "items": lambda text: {"content": [part(text)]},
    "arguments": lambda text: {"tool_calls": [call(text)]},
}


@pytest.mark.parametrize("fields", GROWING.values(), ids=GROWING)
def test_the_work_for_a_piece_does_not_grow_with_the_answer(
    fields: Callable[[str], dict[str, Any]],
) -> None:
    copied: list[int] = []

    class Measured(str):
        def __add__(self, other: str) -> str:
            copied.append(len(self))
            return Measured(str(self) + other)

    accumulator = StreamAccumulator()
    for _ in range(500):
        accumulator.add(delta(**fields(Measured("~" * 1_000))))
    assert sum(copied) == 0
    assert json.dumps(accumulator.whole()).count("~") == 500_000

"""Events off the wire, and the pieces that they bring put together into one answer."""

import json
from typing import Any

import pytest

from helpers.client.accumulator import StreamAccumulator
from helpers.client.sse import EventReader
from tests.fakes import read_events

TEXT = "Grüße, 世界 👋 a\u2028b\u2029c\u0085d"


def read(*pieces: bytes | str) -> list[tuple[str, str]]:
    return read_events(*(p.encode() if isinstance(p, str) else p for p in pieces))


def plain(*data: str) -> list[tuple[str, str]]:
    return [("message", text) for text in data]


WIRES = {
    "LF": ("data: a\n\ndata: b\n\n", plain("a", "b")),
    "CRLF": ("data: a\r\n\r\ndata: b\r\n\r\n", plain("a", "b")),
    "CR": ("data: a\r\rdata: b\r\r", plain("a", "b")),
    "no space": ("data:a\n\n", plain("a")),
    "two spaces": ("data:  a\n\n", plain(" a")),
    "comment": (": ping\n\n:\n\ndata: a\n: x\n\n", plain("a")),
    "named": ("event: error\ndata: a\n\ndata: b\n\n", [("error", "a"), ("message", "b")]),
    "two lines": ("data: a\ndata: b\n\n", plain("a\nb")),
    "id and retry only": ("id: 5\nretry: 9\n\ndata: a\n\n", plain("a")),
    "no data": ("event: ping\n\ndata\n\ndata:\n\ndata: a\n\n", plain("a")),
    "blank lines": ("\n\n\ndata: a\n\n\n\n", plain("a")),
    "byte order mark": ("\ufeffdata: a\n\n", plain("a")),
    "no end": ("data: a\n\ndata: b", plain("a", "b")),
    "one line end": ("data: a\n\ndata: b\n", plain("a", "b")),
    "CR at the end": ("data: a\r\n\r\ndata: b\r", plain("a", "b")),
    "U+2028 and more": (f"data: {TEXT}\n\n", plain(TEXT)),
    "nothing": ("", []),
}


@pytest.mark.parametrize(("wire", "found"), WIRES.values(), ids=WIRES)
def test_events_are_read_byte_by_byte(wire: str, found: Any) -> None:
    assert read(*(bytes([byte]) for byte in wire.encode())) == found


@pytest.mark.parametrize("at", range(1, len(f"data: {TEXT}\r\n\r\n".encode())))
def test_a_chunk_may_end_at_any_byte(at: int) -> None:
    wire = f"data: {TEXT}\r\n\r\n".encode()
    assert read(wire[:at], wire[at:]) == plain(TEXT)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_an_event_is_handed_on_before_more_is_read(end: str) -> None:
    assert list(EventReader().feed(f"data: a{end}{end}")) == plain("a")


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert read(b"data: caf\xe9\n\n") == plain("caf\ufffd")


def put(*pieces: Any) -> Any:
    assembly = StreamAccumulator()
    for piece in pieces:
        assembly.add(json.loads(json.dumps(piece)))
    return assembly


def delta(index: Any = 0, finish: Any = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": fields, "finish_reason": finish}]}


def call(arguments: Any, **fields: Any) -> dict[str, Any]:
    name = {"name": fields.pop("name")} if "name" in fields else {}
    return {**fields, "function": {**name, "arguments": arguments}}


def message(*pieces: Any) -> Any:
    return put(*pieces).whole()["choices"][0]["message"]


def test_texts_are_joined() -> None:
    found = message(delta(role="assistant", content=""), delta(content="H"), delta(content="i"))
    assert found == {"role": "assistant", "content": "Hi"}


@pytest.mark.parametrize("name", ["reasoning_content", "refusal"])
def test_other_texts_are_joined_too(name: str) -> None:
    assert message(delta(**{name: None}), delta(**{name: "a"}), delta(**{name: "b"}))[name] == "ab"


def test_the_role_is_there_even_if_no_piece_names_it() -> None:
    assert message(delta(role="", content="a"))["role"] == "assistant"


def test_an_unknown_field_is_kept() -> None:
    whole = put({**delta(content="a", audio={"id": 1}), "system_fingerprint": "fp"}).whole()
    assert whole["system_fingerprint"] == "fp"
    assert whole["choices"][0]["message"]["audio"] == {"id": 1}


def test_the_last_usage_counts_and_an_empty_head_does_not() -> None:
    head = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "usage": None}
    whole = put(
        head,
        {"id": "c1", "created": 5, "model": "m", "object": "chat.completion.chunk"},
        {**delta(content="a"), "usage": {"total_tokens": 1}},
        {**head, "usage": {"total_tokens": 2}},
        head,
    ).whole()
    assert {**whole, "choices": None} == {
        "id": "c1", "created": 5, "model": "m", "object": "chat.completion", "choices": None,
        "usage": {"total_tokens": 2},
    }  # fmt: skip


WHOLE = call('{"a": 1}', name="f", id="c1", type="function")
CALLS = {
    # the lists of tool calls that the pieces bring, and the calls that they make
    "index from 1": ([[call('{"a"', name="f", id="c1", index=1)], [call(": 1}", index=1)]],
                     [WHOLE]),
    "empty names later": (
        [[call("{", name="f", id="c1", type="function", index=0)],
         [call('"a": 1}', name="", id="", type="", index=0)]], [WHOLE]),
    "null names later": (
        [[call("{", name="f", id="c1", index=0)],
         [call('"a": 1}', name=None, id=None, type=None, index=0)]], [WHOLE]),
    "null arguments first": (
        [[call(None, name="f", id="c1", index=0)], [call('{"a": 1}', index=0)]], [WHOLE]),
    "index null": ([[call("{", name="f", id="c1", index=None)], [call('"a": 1}', index=None)]],
                   [WHOLE]),
    "odd ones between": ([[None, "f", call('{"a": 1}', name="f", id="c1", index=0)], None],
                         [WHOLE]),
}  # fmt: skip


@pytest.mark.parametrize(("lists", "calls"), CALLS.values(), ids=CALLS)
def test_tool_calls_are_gathered(lists: Any, calls: Any) -> None:
    assert message(*(delta(tool_calls=calls) for calls in lists))["tool_calls"] == calls


def test_a_function_null_breaks_nothing() -> None:
    assert message(delta(tool_calls=[{"id": "c1", "function": None}]))["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {}}
    ]


def test_logprobs_are_gathered() -> None:
    def piece(**lists: Any) -> Any:
        return {"choices": [{"index": 0, "delta": {}, "logprobs": lists or None}]}

    pieces = piece(content=[1], refusal=None), piece(), piece(content=[2, 3]), piece(content=None)
    logprobs = put(*pieces, piece(content={"odd": 1})).whole()["choices"][0]["logprobs"]
    assert logprobs == {"content": [1, 2, 3], "refusal": None}


FINISHED = {
    "nothing": ([], False),
    "no choice": ([{"choices": []}], False),
    "text": ([delta(content="a")], False),
    "stop": ([delta(content="a"), delta(finish="stop")], True),
    "a word nobody knows": ([delta(finish="model_length")], True),
    "an empty word in each piece": ([delta(finish="", content="a")], False),
    "an empty word after the end": ([delta(finish="stop"), delta(finish="")], True),
    "one of two": ([delta(0, content="a"), delta(1, content="b"), delta(0, "stop")], False),
    "both": ([delta(0, content="a"), delta(1, "stop"), delta(0, "length")], True),
}


@pytest.mark.parametrize(("pieces", "finished"), FINISHED.values(), ids=FINISHED)
def test_it_is_finished_when_each_choice_has_its_reason(pieces: Any, finished: bool) -> None:
    assert put(*pieces).finished is finished


@pytest.mark.parametrize(
    "piece",
    [
        {}, {"choices": None}, {"choices": {}}, {"choices": [None]}, {"choices": ["a"]},
        {"choices": [{"delta": None}]}, {"choices": [{"delta": []}]}, delta(None, content="a"),
        delta("0", content="a"), delta([0], content="a"), delta(content=None), delta(content=5),
        delta(content=["a"]), delta(tool_calls={}), {"choices": [{"index": 0, "logprobs": []}]},
    ],
    ids=str,
)  # fmt: skip
def test_an_odd_piece_breaks_nothing(piece: Any) -> None:
    whole = put(delta(content="a"), piece, delta(content="b", finish="stop")).whole()
    assert whole["choices"][0]["message"]["content"].endswith("b")


def test_what_was_read_once_does_not_change_later() -> None:
    assembly = put(delta(content="a", tool_calls=[call("{", name="f", id="c1", index=0)]))
    first = assembly.whole()
    before = json.dumps(first)
    assembly.add(delta(content="b", tool_calls=[call("}", index=0)], finish="stop"))
    assert json.dumps(first) == before
    assert assembly.whole()["choices"][0]["message"]["content"] == "ab"


NOTHING_YET = [None, "odd", 5]


@pytest.mark.parametrize("first", NOTHING_YET)
def test_tool_calls_may_follow_what_is_none(first: Any) -> None:
    begun = call("{", index=0, id="a", name="f")
    (found,) = message(delta(tool_calls=first), delta(tool_calls=[begun]))["tool_calls"]
    assert found["function"] == {"name": "f", "arguments": "{"}


@pytest.mark.parametrize("first", NOTHING_YET)
def test_logprobs_may_follow_what_is_none(first: Any) -> None:
    pieces = [
        {"choices": [{"delta": {}, "logprobs": sent}]}
        for sent in (first, {"content": first}, {"content": [1]})
    ]
    assert put(*pieces).whole()["choices"][0]["logprobs"] == {"content": [1]}


@pytest.mark.parametrize("first", [None, 5, {"odd": 1}])
def test_text_may_follow_what_is_none(first: Any) -> None:
    pieces = [delta(refusal=text, tool_calls=[call(text, index=0)]) for text in (first, "a", "b")]
    found = message(*pieces)
    assert (found["refusal"], found["tool_calls"][0]["function"]["arguments"]) == ("ab", "ab")


@pytest.mark.parametrize("odd", ["text", {"role": "assistant", "content": "H"}, [1]])
def test_a_piece_may_hold_a_message(odd: Any) -> None:
    content = message({"choices": [{"message": odd}]}, delta(content="i"))["content"]
    assert content == ("Hi" if isinstance(odd, dict) else "i")

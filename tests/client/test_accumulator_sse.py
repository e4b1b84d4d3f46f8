"""Events off the wire, and the pieces that they bring put together into one answer."""

import json
from typing import Any

import pytest

from helpers.client.accumulator import StreamAccumulator
from helpers.client.responses import ChatCompletions
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


@pytest.mark.parametrize(
    "name", ["reasoning_content", "refusal", "reasoning", "thinking", "a_name_of_next_year"]
)
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
    assert logprobs == {"content": [1, 2, 3, {"odd": 1}], "refusal": None}


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
    content = ChatCompletions(whole).content
    assert (content[0], content[-1]) == ("a", "b")


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
    assert content == {"text": "texti", "[1]": "i"}.get(str(odd), "Hi")


def thought(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def said(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def detail(text: str, index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": text, "index": index, **fields}


PICTURE = {"type": "image_url", "image_url": {"url": "a"}}
JOINED = {
    # a field; its pieces; the whole
    "items": ("content", [[thought("H")], [thought("m")], [said("H"), said("i")], [said("!")]],
              [thought("Hm"), said("Hi!")]),
    "items, then text": ("content", ["", [thought("Hm"), said("H")], "i", "!"],
                         [thought("Hm"), said("Hi!")]),
    "text, then items": ("content", ["H", "i", [said("!"), thought("Hm")]],
                         [said("Hi!"), thought("Hm")]),
    "thoughts apart": ("content", [[thought("a")], [said("b")], [thought("c")]],
                       [thought("a"), said("b"), thought("c")]),
    "pictures": ("content", [[PICTURE], [PICTURE], None], [PICTURE, PICTURE]),
    "one item": ("content", [said("a"), "b"], [said("ab")]),
    "a number": ("content", ["a", 5, "b"], "a5b"),
    "an object": ("reasoning", [None, {"content": "a", "summary": None}, {"content": "b"}, {}],
                  {"content": "ab", "summary": None}),
    "details": ("reasoning_details",
                [[detail("a")], [detail("b")], [detail("c", 1)], [detail("d", format="x")],
                 [{"index": 1, "text": "e"}], [{"type": "reasoning.encrypted", "data": "z"}]],
                [detail("abd", format="x"), detail("ce", 1),
                 {"type": "reasoning.encrypted", "data": "z"}]),
    "ids of items": ("reasoning_details", [[detail("a", id="1")], [detail("b", id="2")]],
                     [detail("a", id="1"), detail("b", id="2")]),
    "sound": ("audio", [{"id": "x"}, {"transcript": "a"}, {"transcript": "b", "id": "x"}],
              {"id": "x", "transcript": "ab"}),
    "annotations": ("annotations", [[{"url": "a"}], None, [{"url": "b"}], []],
                    [{"url": "a"}, {"url": "b"}]),
    "a role in each": ("role", ["assistant", "assistant", None, ""], "assistant"),
    "a name in each": ("name", ["tutor", "tutor", None], "tutor"),
    "an old call": ("function_call", [{"name": "f", "arguments": ""}, {"arguments": "{"},
                                      {"name": "f", "arguments": "}"}],
                    {"name": "f", "arguments": "{}"}),
}  # fmt: skip


@pytest.mark.parametrize(("name", "sent", "joined"), JOINED.values(), ids=JOINED)
def test_pieces_are_joined_and_what_is_whole_is_not(name: str, sent: Any, joined: Any) -> None:
    pieces = [delta(**{name: one}) for one in sent]
    before = json.dumps(pieces)
    assembly = StreamAccumulator()
    for piece in pieces:
        assembly.add(piece)
    assert assembly.whole()["choices"][0]["message"] == {"role": "assistant", name: joined}
    assert json.dumps(pieces) == before, "the caller's updates are not touched"


def test_pieces_far_down_are_replaced_not_followed() -> None:
    def deep(text: str) -> Any:
        value: Any = text
        for _ in range(40):
            value = {"a": [value]}
        return value

    assert message(delta(x=deep("a")), delta(x=deep("b")))["x"]


@pytest.mark.parametrize("last", [{}, {"delta": {}}, {"delta": {"content": ""}}, {"delta": None}])
def test_a_message_beside_deltas_is_not_added_again(last: Any) -> None:
    def both(new: str, so_far: str, **more: Any) -> Any:
        fields = {"delta": {"content": new, **more}, "message": {"content": so_far}}
        return {"choices": [{"index": 0, **fields}]}

    end = {"message": {"content": "1 2 3", "role": "assistant", "citations": ["a"]}, **last}
    pieces = both("1", "1"), both(" 2", "1 2"), both(" 3", "1 2 3", reasoning="b")
    found = message(*pieces, {"choices": [{**end, "finish_reason": "stop"}]})
    assert found["content"] == "1 2 3"
    assert (found["citations"], found["reasoning"]) == (["a"], "b")


SAFE, LOW, HIGH = ({"filtered": False, "severity": level} for level in ("safe", "low", "high"))
CUT = {"filtered": True, "severity": "medium"}
NO, YES = ({"filtered": False, "detected": found} for found in (False, True))
VERDICTS = {
    # what the updates say in turn; what the answer says
    "an emptier one": ([{}, {"hate": SAFE, "self_harm": LOW}, {}, None],
                       {"hate": SAFE, "self_harm": LOW}),
    "by category": ([{"hate": SAFE}, {"text": NO}, {"code": NO}],
                    {"hate": SAFE, "text": NO, "code": NO}),
    "a category that is empty": ([{"hate": LOW}, {"hate": {}}, {"hate": None}], {"hate": LOW}),
    "a milder one": ([{"hate": HIGH}, {"hate": SAFE}], {"hate": HIGH}),
    "a stricter one": ([{"hate": SAFE}, {"hate": HIGH}, {"hate": CUT}, {"hate": HIGH}],
                       {"hate": CUT}),
    "a detection": ([{"text": NO}, {"text": YES}, {"text": NO}], {"text": YES}),
    "an error": ([{"error": {"code": "x"}}, {"hate": SAFE}],
                 {"error": {"code": "x"}, "hate": SAFE}),
    "odd ones": ([[], {"hate": SAFE}, "odd"], "odd"),
}  # fmt: skip


@pytest.mark.parametrize("field", ["content_filter_results", "content_filter_result"])
@pytest.mark.parametrize(("said", "verdict"), VERDICTS.values(), ids=VERDICTS)
def test_the_strictest_verdict_of_each_category_stays(said: Any, verdict: Any, field: str) -> None:
    pieces: list[Any] = [{"choices": [{"index": 0, "delta": {}, field: one}]} for one in said]
    assert put(*pieces).whole()["choices"][0][field] == verdict
    prompts = [[{"prompt_index": 1}, {"prompt_index": 0, field: one}] for one in said]
    pieces = [{"choices": [], "prompt_filter_results": one} for one in (None, *prompts, [], None)]
    assert put(*pieces).whole()["prompt_filter_results"] == [
        {"prompt_index": 1}, {"prompt_index": 0, field: verdict}
    ]  # fmt: skip


LESS = {
    # a field of an update; its values in turn; the last word on it
    "usage": ([None, {"total_tokens": 5, "details": {"a": 1, "b": 2}}, {}, None,
               {"total_tokens": 7, "prompt_tokens": 0, "details": {"a": None}}],
              {"total_tokens": 7, "prompt_tokens": 0, "details": {"a": 1, "b": 2}}),
    "model": (["", "m", "m-2026", "", None], "m-2026"),
    "system_fingerprint": ([None, "fp", None], "fp"),
    "id": (["", "a", "b", ""], "a"),
    "created": ([0, 5, 6, 0], 5),
    "citations": ([["a"], ["a", "b"], []], ["a", "b"]),
    "service_tier": ([None, None], None),
}  # fmt: skip


@pytest.mark.parametrize(("name", "said", "last"), [(n, *v) for n, v in LESS.items()], ids=LESS)
def test_a_later_update_that_says_less_takes_nothing_back(name: str, said: Any, last: Any) -> None:
    assert put(*({"choices": [], name: one} for one in said)).whole()[name] == last


def test_a_finish_reason_and_logprobs_are_not_taken_back() -> None:
    tokens = {"content": [{"token": "a"}], "refusal": [{"token": "b"}]}
    ends: list[Any] = [{"finish_reason": "stop", "logprobs": tokens}, {"finish_reason": None}]
    ends += [{"logprobs": None}, {"finish_reason": "", "logprobs": {"content": None}}]
    (choice,) = put(*({"choices": [{"index": 0, **end}]} for end in ends)).whole()["choices"]
    assert (choice["finish_reason"], choice["logprobs"]) == ("stop", tokens)


@pytest.mark.parametrize("index", [0, 0.0, "0", None, "missing"])
def test_the_index_of_a_choice_may_be_of_any_type(index: Any) -> None:
    named = {} if index == "missing" else {"index": index}
    pieces = [{"choices": [{**named, "delta": {"content": text}}]} for text in "ab"]
    assert message(*pieces)["content"] == "ab"


def test_choices_may_be_one_object() -> None:
    assert message({"choices": {"index": 0, "delta": {"content": "a"}}})["content"] == "a"


PAY, ARGUMENTS = {"name": "pay", "arguments": '{"a": 1}'}, '{"a": 1}'
TOLD_APART = {
    # the lists of fragments that the updates bring; the arguments of the calls
    "no ids, no index": ([[{"function": PAY}, {"function": PAY}]], [ARGUMENTS] * 2),
    "no ids, index 0": ([[{"index": 0, "id": "", "function": PAY}]] * 2, [ARGUMENTS] * 2),
    "a whole call again": ([[{"index": 0, "id": "a", "function": PAY}]] * 2, [ARGUMENTS]),
    "the name in each": ([[call(part, name="pay", index=0)] for part in ('{"a"', ": 1", "}", "")],
                         [ARGUMENTS]),
    "an end without words": ([[{"index": 0, "id": "a", "function": PAY}], [call("", index=0)],
                              [call(None, index=0)], [{"index": 0, "function": None}]],
                             [ARGUMENTS]),
    "an object": ([[call({"a": 1}, name="pay", index=0, id="a")]], [{"a": 1}]),
    "objects without ids": ([[call({"a": 1}, name="pay")], [call({"a": 2}, name="pay")]],
                            [{"a": 1}, {"a": 2}]),
    "an object after nothing": ([[call("", name="pay", index=0)], [call({"a": 1}, index=0)]],
                                [{"a": 1}]),
    "no list": ([{"index": 0, "function": PAY}], [ARGUMENTS]),
    "index as text": ([[call("{", name="pay", index="0")], [call("}", index="0")]], ["{}"]),
}  # fmt: skip


@pytest.mark.parametrize(("lists", "arguments"), TOLD_APART.values(), ids=TOLD_APART)
def test_calls_are_told_apart(lists: Any, arguments: Any) -> None:
    calls = message(*(delta(tool_calls=calls) for calls in lists))["tool_calls"]
    assert [one["function"]["arguments"] for one in calls] == arguments
    assert {one["function"]["name"] for one in calls} == {"pay"}


@pytest.mark.parametrize("shape", ["reasoning", "content", "items", "arguments"])
def test_the_work_for_a_piece_does_not_grow_with_the_answer(shape: str) -> None:
    def piece(text: str) -> Any:
        fields: dict[str, Any] = {
            "reasoning": text, "content": text, "items": [said(text)],
            "arguments": [{"index": 0, "function": {"name": "f", "arguments": text}}],
        }  # fmt: skip
        name = {"items": "content", "arguments": "tool_calls"}.get(shape, shape)
        return delta(**{name: fields[shape]})

    copied: list[int] = []

    class Measured(str):
        def __add__(self, other: str) -> str:
            copied.append(len(self))
            return Measured(str(self) + other)

    assembly = StreamAccumulator()
    for _ in range(500):
        assembly.add(piece(Measured("~" * 1_000)))
    assert sum(copied) == 0
    assert json.dumps(assembly.whole()).count("~") == 500_000

"""Properties that hold for any bytes: of a stream, of an answer, of a recording.

The test run tries a bounded number of examples. A long hunt is a command of its own:
``pytest tests/client/test_fuzz.py --hypothesis-profile long``
"""

import json
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
from httpx_sse import EventSource
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from helpers import ChatCompletions, ChatCompletionsToolCall, ChatError
from helpers.client.accumulator import StreamAccumulator
from helpers.client.responses import ChatResponseMessage
from helpers.client.validation import check_messages
from helpers.recordings.replay import ReplayTransport
from helpers.tools import Toolbox
from tests.fakes import ASK, answer, client, read_events, streamed
from tests.sync_and_async import by_both

BOM = b"\xef\xbb\xbf"
ENDS = st.sampled_from(["\n", "\r", "\r\n"])
TEXTS = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
LINES = st.one_of(
    TEXTS.map("data: {}".format),
    TEXTS.map("data:{}".format),
    TEXTS.map(": {}".format),
    st.just(""),
    st.just("event: error"),
    st.just("data: [DONE]"),
    TEXTS,
)
WIRE = st.lists(st.tuples(LINES, ENDS), max_size=12).map(
    lambda lines: "".join(line + end for line, end in lines).encode()
)

NAMES = st.sampled_from(
    (
        *("choices", "delta", "message", "content", "tool_calls", "function", "arguments", "index"),
        *("finish_reason", "usage", "error", "code", "details", "innererror", "logprobs", "role"),
        *("id", "model", "name", "status", "detail", "loc", "msg", "type", "object", "x"),
        *("reasoning", "reasoning_content", "reasoning_details", "refusal", "text", "thinking"),
        *("content_filter_results", "prompt_filter_results", "filtered", "severity", "hate"),
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)

CALL = st.fixed_dictionaries(
    {}, optional={"id": JSON, "index": JSON, "function": JSON | st.dictionaries(NAMES, JSON)}
)
KINDS = st.sampled_from(("text", "thinking", "reasoning", "refusal", "image_url", "x"))
ITEM = st.fixed_dictionaries(
    {}, optional={"type": KINDS | JSON, "text": JSON, "thinking": JSON, "index": JSON, "id": JSON}
)
CONTENT = JSON | st.lists(ITEM | JSON, max_size=4)
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        **{"role": JSON, "content": CONTENT, "tool_calls": JSON | st.lists(CALL, max_size=3)},
        **{"reasoning_content": JSON, "reasoning": CONTENT, "reasoning_details": CONTENT},
        **{"refusal": JSON, "annotations": JSON, "x": JSON},
    },
)
CHOICE = st.fixed_dictionaries(
    {},
    optional={
        **{"index": JSON, "finish_reason": JSON, "logprobs": JSON, "content_filter_results": JSON},
        **{"message": JSON | MESSAGE, "delta": JSON | MESSAGE},
    },
)
NEARLY = st.fixed_dictionaries(
    {"choices": st.lists(JSON | CHOICE, max_size=3)},
    optional={"usage": JSON, "model": JSON, "id": JSON, "prompt_filter_results": JSON},
)
"""JSON that is nearly an answer or an update: known names, and values of any type."""


def pieces(wire: bytes, cuts: list[int]) -> list[bytes]:
    """Return ``wire`` cut at these places."""
    places = sorted({cut % (len(wire) + 1) for cut in cuts} | {0, len(wire)})
    return [wire[a:b] for a, b in pairwise(places)]


def read_by_httpx_sse(wire: bytes) -> list[tuple[str, str]]:
    """Return the events that httpx-sse reads, without those that have no data."""
    headers = {"content-type": "text/event-stream"}
    response = httpx.Response(200, headers=headers, content=wire.removeprefix(BOM) + b"\n\n")
    return [(event.event, event.data) for event in EventSource(response).iter_sse() if event.data]


def read_all(completion: ChatCompletions) -> None:
    """Read every field."""
    seen: list[Any] = [completion.content, completion.finish_reason, completion.usage.total_tokens]
    for choice in completion.choices:
        seen += [choice.index, choice.message.as_dict(), choice.delta.role, choice.delta.content]
        seen += [choice.message.reasoning_content, choice.message.refusal]
        seen += [choice.message.as_dict(keep_reasoning=False)]
        seen += [(call.id, call.function.arguments) for call in choice.message.tool_calls]
    repr((seen, completion))


@given(wire=WIRE, cuts=st.lists(st.integers(0, 400), max_size=12))
@example(wire="data: \u2028é😀\r\n\r\n".encode(), cuts=list(range(40)))
def test_any_split_of_a_stream_gives_the_same_events(wire: bytes, cuts: list[int]) -> None:
    events = read_events(*pieces(wire, cuts))
    assert events == read_events(wire) == read_by_httpx_sse(wire)


def outcome(act: Callable[[], Any]) -> Any:
    """Return the result or the ``ChatError`` of ``act``, the same with either client."""

    def result() -> Any:
        try:
            return act()
        except ChatError as failure:
            return type(failure), str(failure)

    return by_both(result)


def answered(*answers: Any) -> Any:
    """Return the JSON of a completion after reading all of it."""
    completion = client(*answers, max_retries=0).complete(ASK)
    read_all(completion)
    return repr(completion.raw)


@given(data=st.binary(max_size=60) | (JSON | NEARLY).map(lambda value: json.dumps(value).encode()))
def test_any_answer_is_a_completion_or_a_chat_error(data: bytes) -> None:
    outcome(lambda: answered(answer(body=data)))


@given(status=st.integers(300, 599), data=JSON | st.binary(max_size=40))
def test_any_error_body_is_a_chat_error(status: int, data: Any) -> None:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    _, text = outcome(lambda: answered(answer(status, body)))
    assert "What to do:" in text


@given(parts=st.lists(st.binary(max_size=40) | JSON | NEARLY, max_size=6))
def test_any_stream_is_assembled_or_a_chat_error(parts: list[Any]) -> None:
    wire = [
        part if isinstance(part, bytes) else f"data: {json.dumps(part)}\n\n".encode()
        for part in parts
    ]

    def read() -> Any:
        with client(streamed(*wire)).stream(ASK) as stream:
            for update in stream:
                repr((update.role, update.content, update.finish_reason, update.choices))
                repr((update.reasoning_content, update.refusal, update.usage.total_tokens))
                read_all(stream.completion)
        return repr(stream.completion.raw)

    outcome(read)


@given(message=MESSAGE)
@example(message={"content": 0})
@example(message={"content": [None, 5], "tool_calls": [{"id": 1}, {"id": ""}, {}]})
def test_any_message_can_be_sent_back_and_is_the_same_again(message: Any) -> None:
    came = ChatCompletions({"choices": [{"message": message}]}).message
    before = json.dumps(message)
    (sent,) = check_messages([came])
    again = ChatResponseMessage(sent)
    assert (again.content, again.as_dict()) == (came.content, sent)
    assert (again.reasoning_content, again.refusal) == (came.reasoning_content, came.refusal)
    ids = [call["id"] for call in sent.get("tool_calls", ())]
    assert ids == [call.id for call in came.tool_calls]
    assert len({*ids}) == len(ids) and all(one and isinstance(one, str) for one in ids)
    assert (
        came.content
        or message.get("content") in (None, "")
        or isinstance(message["content"], list | dict)
    ), "content that is neither null nor a list is never empty"
    assert json.dumps(message) == before


@given(pieces=st.lists(MESSAGE, max_size=5))
@example([{"content": [{"type": "text", "index": 0}, {"index": 0, "x": None}]}])
@example(
    [{"content": [{"type": "text", "index": 0}, {}, {"type": "text", "text": "a", "index": 0}]}]
)
def test_any_pieces_are_joined_and_left_as_they_are(pieces: list[Any]) -> None:
    before, assembly = json.dumps(pieces), StreamAccumulator()
    for piece in pieces:
        assembly.add({"choices": [{"index": 0, "delta": piece}]})
        assembly.whole()
    assert json.dumps(pieces) == before
    joined = ChatCompletions(assembly.whole()).content
    texts = "".join(ChatResponseMessage(piece).content for piece in pieces)
    assert sorted(joined) == sorted(texts)
    if '"index"' not in before:  # with one, a piece belongs to an item that came before others
        assert joined == texts


@given(text=st.text(max_size=30), cuts=st.lists(st.integers(0, 30), max_size=5))
def test_a_text_in_any_pieces_is_the_same_text(text: str, cuts: list[int]) -> None:
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    assembly = StreamAccumulator()
    for a, b in pairwise(places):
        assembly.add({"choices": [{"delta": {"refusal": text[a:b], "content": [part(text[a:b])]}}]})
    message = ChatCompletions(assembly.whole()).message
    assert (message.refusal or "", message.content) == (text, text)


def part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


RAN: list[int] = []


def pay(amount: int = 1) -> str:
    """Pay."""
    RAN.append(amount)
    return "paid"


@given(arguments=JSON | JSON.map(json.dumps) | st.text(max_size=8), name=JSON | st.just("pay"))
@example(arguments=[], name="pay")
@example(arguments={"amount": 5}, name="pay")
def test_a_tool_runs_with_the_arguments_that_came_or_not_at_all(arguments: Any, name: Any) -> None:
    RAN.clear()
    Toolbox(pay).answer(
        ChatCompletionsToolCall({"function": {"name": name, "arguments": arguments}})
    )
    given = arguments
    if isinstance(arguments, str) and arguments:
        with suppress(ValueError):
            given = json.loads(arguments)
    nothing = arguments in (None, "")
    if name != "pay" or not (nothing or isinstance(given, dict)):
        assert RAN == []
    elif nothing or given == {}:
        assert RAN == [1]
    else:
        assert RAN in ([], [given.get("amount")])


RECORDED = Path(__file__).parents[1] / "cassettes" / "models" / "00-start-here.json"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_to_a_recording_is_a_chat_error(tmp_path: Path, data: Any) -> None:
    text = RECORDED.read_bytes()
    at = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 30))
    path = tmp_path / "damaged.json"
    path.write_bytes(text[:at] + data.draw(st.binary(max_size=12)) + text[at + length :])
    outcome(lambda: read_all(client(transport=ReplayTransport(path)).complete(ASK)))

"""How the stand-in calls tools: scripted, and shaped by its route."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.standin import StandIn
from tests.standin.asking import ROUTES, TOOLS, chunks, deltas, first, post, question, with_rules


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with with_rules() as running:
        yield running


@pytest.mark.parametrize("route", ROUTES)
def test_calls_are_made_where_tools_are_offered(server: StandIn, route: str) -> None:
    choice = first(post(server, route, question("Weather?", tools=TOOLS)))
    arguments = [call["function"]["arguments"] for call in choice["message"]["tool_calls"]]
    assert arguments == ['{"city": "Oslo"}', "{broken"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == ("" if route == "models" else None)


@pytest.mark.parametrize("options", [{}, {"tools": TOOLS, "tool_choice": "none"}])
def test_no_calls_are_made_otherwise(server: StandIn, options: dict[str, Any]) -> None:
    message = first(post(server, "models", question("Weather?", **options)))
    assert (message["message"]["tool_calls"], message["finish_reason"]) == (None, "stop")


def test_a_named_tool_finishes_otherwise_on_v1(server: StandIn) -> None:
    named = {"type": "function", "function": {"name": "weather"}}
    body = question("Weather?", tools=TOOLS, tool_choice=named)
    reasons = [first(post(server, r, body))["finish_reason"] for r in ROUTES]
    assert reasons == ["tool_calls", "stop"]


def test_parallel_calls_can_be_switched_off(server: StandIn) -> None:
    body = question("Weather?", tools=TOOLS, parallel_tool_calls=False)
    assert len(first(post(server, "v1", body))["message"]["tool_calls"]) == 1


def test_a_tools_answer_is_not_answered_with_the_same_calls(server: StandIn) -> None:
    called = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    body = question("Weather?", tools=TOOLS)
    body["messages"] += [
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "1", "content": "Rain"},
    ]
    assert first(post(server, "v1", body))["finish_reason"] == "stop"


def test_mesh_streams_all_calls_in_the_last_chunk(server: StandIn) -> None:
    stream = chunks(server, "models", question("Weather?", tools=TOOLS))
    last = stream[-2]
    calls = last["choices"][0]["delta"]["tool_calls"]
    assert [set(call) for call in calls] == [{"function", "id"}] * 2
    assert (last["choices"][0]["finish_reason"], "usage" in last) == ("tool_calls", True)


def test_v1_streams_calls_in_fragments(server: StandIn) -> None:
    stream = chunks(server, "v1", question("Weather?", tools=TOOLS))
    fragments = [part for parts in deltas(stream, "tool_calls") for part in parts]
    texts = {0: "", 1: ""}
    for part in fragments:
        texts[part["index"]] += part["function"]["arguments"]
    assert texts == {0: '{"city": "Oslo"}', 1: "{broken"}
    assert [part.get("id", "")[:5] for part in fragments].count("call_") == 2


@pytest.mark.parametrize("route", ROUTES)
def test_a_script_can_have_its_calls_in_fragments_on_both_routes(
    server: StandIn, route: str
) -> None:
    stream = chunks(server, route, question("Weather, bit by bit?", tools=TOOLS))
    fragments = [part for parts in deltas(stream, "tool_calls") for part in parts]
    assert len(fragments) > 3
    assert [part["index"] for part in fragments] == [0] * len(fragments)
    assert "".join(part["function"]["arguments"] for part in fragments) == '{"city": "Oslo"}'
    ends = [choice["finish_reason"] for one in stream[:-1] for choice in one["choices"]]
    assert [end for end in ends if end] == ["tool_calls"]

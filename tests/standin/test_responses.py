"""The Responses API, as the unmodified client of ``openai`` sees it, and what is refused there."""

from itertools import groupby
from typing import Any

import pytest
from openai import APIConnectionError, APIStatusError, OpenAI
from pydantic import BaseModel

from tests.standin import StandIn
from tests.standin.asking import TOOL
from tests.standin.checks import KEY

ASK = "Name a colour."
WEATHER = "Is it warm in Oslo?"
TOOLS: Any = [{"type": "function", "strict": False, **TOOL["function"]}]
THINKING = "stand-in-reasoning"


@pytest.fixture
def sdk(standin: StandIn) -> OpenAI:
    return OpenAI(base_url=standin.v1, api_key=KEY, max_retries=0)


def create(sdk: OpenAI, **fields: Any) -> Any:
    return sdk.responses.create(**{"model": "stand-in-gpt", "input": ASK, **fields})


def kinds(response: Any) -> list[str]:
    return [item.type for item in response.output]


CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "plain": ({}, ["message"]),
    "on a project": ({"model": "stand-in-chat"}, ["message"]),
    "tools": ({"input": WEATHER, "tools": TOOLS}, ["function_call"]),
    "reasoning": ({"model": THINKING}, ["reasoning", "message"]),
    "reasoning and tools": (
        {"model": "stand-in-reasoning-no-tools", "input": WEATHER, "tools": TOOLS,
         "reasoning": {"effort": "high"}},
        ["reasoning", "function_call"],
    ),
    "the budget is eaten": ({"model": THINKING, "max_output_tokens": 64}, ["reasoning"]),
    "the filter cuts": ({"input": "Which knife is best for bread?"}, ["message"]),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), CASES.values(), ids=CASES)
def test_plain_and_streamed_say_the_same(
    standin: StandIn, fields: dict[str, Any], expected: list[str]
) -> None:
    for base_url in (standin.v1, standin.project):
        sdk = OpenAI(base_url=base_url, api_key=KEY, max_retries=0)
        plain = create(sdk, **fields)
        assert kinds(plain) == expected
        with sdk.responses.stream(**{"model": "stand-in-gpt", "input": ASK, **fields}) as stream:
            events = list(stream)
        assert [event.sequence_number for event in events] == list(range(len(events)))
        last: Any = events[-1]
        assert last.type == f"response.{plain.status}"
        assert last.response.output_text == plain.output_text
        assert kinds(last.response) == expected
        assert last.response.usage == plain.usage
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        assert "".join(deltas) == plain.output_text


def test_the_events_come_in_their_order(sdk: OpenAI) -> None:
    def order(**fields: Any) -> list[str]:
        events = list(create(sdk, stream=True, **fields))
        added = [event.item for event in events if event.type == "response.output_item.added"]
        assert not any(getattr(one, "content", None) for one in added)
        assert {getattr(one, "status", None) for one in added} <= {None, "in_progress"}
        kinds = (event.type.removeprefix("response.") for event in events)
        return [kind for kind, _ in groupby(kinds)]

    begin, added, done = ["created", "in_progress"], ["output_item.added"], ["output_item.done"]
    message = ["content_part.added", "output_text.delta", "output_text.done", "content_part.done"]
    text = [*added, *message, *done]
    assert order() == [*begin, *text, "completed"]
    assert order(model=THINKING) == [*begin, *added, *done, *text, "completed"]
    arguments = [f"function_call_arguments.{one}" for one in ("delta", "done")]
    calls = order(input=WEATHER, tools=TOOLS)
    assert calls == [*begin, *added, *arguments, *done, "completed"]


def test_instructions_hold_for_one_call(sdk: OpenAI) -> None:
    brief = create(sdk, instructions="Be brief.")
    assert brief.usage.input_tokens > create(sdk).usage.input_tokens
    later = [create(sdk, previous_response_id=one.id) for one in (brief, create(sdk))]
    assert later[0].usage.input_tokens == later[1].usage.input_tokens


def test_an_incomplete_response_says_why(sdk: OpenAI) -> None:
    eaten = create(sdk, model=THINKING, max_output_tokens=64)
    assert (eaten.status, eaten.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert eaten.usage.output_tokens_details.reasoning_tokens == eaten.usage.output_tokens == 64
    cut = create(sdk, model=THINKING, max_output_tokens=129)
    assert (cut.output[1].status, cut.output_text) == ("incomplete", "Blue")
    filtered = create(sdk, input="Which knife is best for bread?")
    assert filtered.incomplete_details.reason == "content_filter"
    assert [one["blocked"] for one in filtered.content_filters] == [False, True]


class Told(BaseModel):
    stand_in: str


def test_the_text_has_the_format_that_is_asked_for(sdk: OpenAI) -> None:
    parsed = sdk.responses.parse(model="stand-in-gpt", input="A riddle?", text_format=Told)
    assert parsed.output_parsed is not None
    assert "A riddle?" in parsed.output_parsed.stand_in
    assert parsed.text is not None
    assert parsed.text.format is not None
    assert parsed.text.format.type == "json_schema"


def test_a_tool_round_trip_with_the_state_here_or_there(sdk: OpenAI) -> None:
    asked = {"role": "user", "content": WEATHER}
    first = create(sdk, input=[asked], tools=TOOLS, model=THINKING)
    thought, call = first.output
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "62 degrees"}
    stored = create(sdk, input=[result], previous_response_id=first.id, tools=TOOLS)
    sent = [asked, thought, call, result]
    stateless = create(sdk, input=sent, tools=TOOLS, store=False)
    assert stored.output_text == stateless.output_text != ""
    assert stored.content_filters is None  # after a tool's answer
    assert stored.usage.input_tokens == stateless.usage.input_tokens
    with pytest.raises(APIStatusError, match="not found"):
        create(sdk, previous_response_id=stateless.id)


REFUSED: dict[str, tuple[dict[str, Any], str | None, str | None]] = {
    "a name of chat completions": ({"messages": []}, "messages", "unsupported_parameter"),
    "an unknown name": ({"foo": 1}, "foo", "unknown_parameter"),
    "no input": ({"input": None}, "input", "missing_required_parameter"),
    "an odd input": ({"input": 7}, "input", "invalid_type"),
    "an odd item": ({"input": [{"type": "song"}]}, "input[0].type", "invalid_value"),
    "a part of chat completions": (
        {"input": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]},
        "input[0].content[0].type", "invalid_value"),
    "a tool of chat completions": (
        {"tools": [TOOL]}, "tools[0].name", "missing_required_parameter"),
    "a number out of range": ({"max_output_tokens": 5}, "max_output_tokens", "invalid_value"),
    "an effort": ({"reasoning": {"effort": "huge"}}, "reasoning.effort", "unsupported_value"),
    "a fixed parameter": ({"model": THINKING, "temperature": 0.5}, "temperature", None),
    "a model without this API": ({"model": "stand-in-mistral"}, "model", None),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "param", "code"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_request_is_refused(
    sdk: OpenAI, fields: dict[str, Any], param: str | None, code: str | None
) -> None:
    body = {"model": "stand-in-gpt", "input": ASK, **fields}
    with pytest.raises(APIStatusError) as failure:
        sdk.post("/responses", body=body, cast_to=object)
    refused = failure.value
    assert (refused.status_code, refused.param, refused.code) == (400, param, code)


def test_faults_are_those_of_chat_completions(sdk: OpenAI) -> None:
    with pytest.raises(APIStatusError):
        create(sdk, input="fault: rate-limited")
    with pytest.raises(APIConnectionError):
        list(create(sdk, input="fault: stream-cut", stream=True))


def test_another_key_is_refused(standin: StandIn) -> None:
    with pytest.raises(APIStatusError, match="401"):
        create(OpenAI(base_url=standin.v1, api_key="none", max_retries=0))

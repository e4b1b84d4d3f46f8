"""The Responses API as the unmodified client of ``openai`` sees it, where no lesson shows it."""

from typing import Any

import pytest
from openai import APIConnectionError, APIStatusError, OpenAI

from tests.standin import StandIn
from tests.standin.asking import TOOL
from tests.standin.checks import KEY

WEATHER = "Is it warm in Oslo?"
TOOLS: Any = [{"type": "function", "strict": False, **TOOL["function"]}]
THINKING = "stand-in-reasoning"


@pytest.fixture
def sdk(standin: StandIn) -> OpenAI:
    return OpenAI(base_url=standin.project, api_key=KEY, max_retries=0)


def body(**fields: Any) -> Any:
    return {"model": "stand-in-chat", "input": "Name a colour.", **fields}


CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "tools": ({"input": WEATHER, "tools": TOOLS}, ["function_call"]),
    "reasoning": ({"model": THINKING}, ["reasoning", "message"]),
    "the budget is eaten": ({"model": THINKING, "max_output_tokens": 64}, ["reasoning"]),
    "the filter cuts": ({"input": "Which knife is best for bread?"}, ["message"]),
}


@pytest.mark.parametrize(("fields", "expected"), CASES.values(), ids=CASES)
def test_plain_and_streamed_say_the_same(
    sdk: OpenAI, fields: dict[str, Any], expected: list[str]
) -> None:
    plain = sdk.responses.create(**body(**fields))
    assert [item.type for item in plain.output] == expected
    with sdk.responses.stream(**body(**fields)) as stream:
        events: list[Any] = list(stream)
    last = events[-1]
    assert last.type == f"response.{plain.status}"
    assert [item.type for item in last.response.output] == expected
    assert last.response.usage == plain.usage
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = "".join(event.delta for event in events if event.type.endswith(".delta"))
    assert deltas == plain.output_text + "".join(
        item.arguments for item in plain.output if item.type == "function_call"
    )


def test_a_tool_round_trip_with_the_state_here_or_there(sdk: OpenAI) -> None:
    asked = {"role": "user", "content": WEATHER}
    brief = {"tools": TOOLS, "model": THINKING, "instructions": "Be brief."}
    first = sdk.responses.create(**body(input=[asked], **brief))
    thought, call = first.output
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "62 degrees"}
    stored, stateless = (
        sdk.responses.create(**body(tools=TOOLS, **fields))
        for fields in (
            {"input": [result], "previous_response_id": first.id},
            {"input": [asked, thought, call, result], "store": False},
        )
    )
    assert stored.output_text == stateless.output_text != ""
    # The instructions held for one call.
    assert stored.usage.input_tokens == stateless.usage.input_tokens
    with pytest.raises(APIStatusError, match="not found"):
        sdk.responses.create(**body(previous_response_id=stateless.id))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a name of chat completions": ({"messages": []}, "messages"),
    "an unknown name": ({"foo": 1}, "foo"),
    "no input": ({"input": None}, "input"),
    "a part of chat completions": (
        {"input": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]},
        "input[0].content[0].type"),
    "a fixed parameter": ({"model": THINKING, "temperature": 0.5}, "temperature"),
    "a model without this API": ({"model": "stand-in-mistral"}, "model"),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "param"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_request_is_refused(sdk: OpenAI, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(APIStatusError) as failure:
        sdk.post("/responses", body=body(**fields), cast_to=object)
    assert (failure.value.status_code, failure.value.param) == (400, param)


def test_key_and_faults_are_those_of_chat_completions(sdk: OpenAI) -> None:
    with pytest.raises(APIStatusError, match="429"):
        sdk.responses.create(**body(input="fault: rate-limited"))
    with pytest.raises(APIConnectionError):
        list(sdk.responses.create(**body(input="fault: stream-cut", stream=True)))
    with pytest.raises(APIStatusError, match="401"):
        sdk.with_options(api_key="none").responses.create(**body())

"""Messages as they are sent, and the classes that read answers."""

import json
from typing import Any

import pytest

from helpers import (
    AssistantMessage,
    BadParameterError,
    ChatCompletions,
    DeveloperMessage,
    StreamingChatCompletionsUpdate,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from helpers.client.responses import ChatResponseMessage
from helpers.client.validation import check_messages
from tests.fakes import COMPLETION, client, service_of

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def message_of(fields: Any) -> ChatResponseMessage:
    return ChatCompletions({"choices": [{"message": fields}]}).message


TYPED = {
    "system": (SystemMessage("a"), {"role": "system", "content": "a"}),
    "developer": (DeveloperMessage("a"), {"role": "developer", "content": "a"}),
    "user": (UserMessage("a"), {"role": "user", "content": "a"}),
    "user with a picture": (UserMessage((PICTURE,)), {"role": "user", "content": [PICTURE]}),
    "assistant": (AssistantMessage("a"), {"role": "assistant", "content": "a"}),
    "assistant without a word": (AssistantMessage(), {"role": "assistant", "content": ""}),
    "assistant that calls": (
        AssistantMessage(tool_calls=(CALL,)),
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
    ),
    "assistant that reasoned": (
        AssistantMessage("a", reasoning_content="b"),
        {"role": "assistant", "content": "a", "reasoning_content": "b"},
    ),
    "assistant that refuses": (
        AssistantMessage(refusal="a"),
        {"role": "assistant", "content": None, "refusal": "a"},
    ),
    "tool": (ToolMessage("62", "c1"), {"role": "tool", "content": "62", "tool_call_id": "c1"}),
}


@pytest.mark.parametrize(("message", "sent"), TYPED.values(), ids=TYPED)
def test_a_typed_message_goes_out_as_the_services_own_form(message: Any, sent: Any) -> None:
    assert check_messages([message]) == [sent]


REFUSED = {
    "no message": ([], "messages is empty"),
    "a text": ("Hello", "has to be a list"),
    "None in the list": ([UserMessage("a"), None], "messages[1] is None"),
    "an unknown role": ([{"role": "bot", "content": "a"}], "the role 'bot'"),
    "no content": ([{"role": "user"}], "the content None"),
    "content a list of texts": ([UserMessage(["a"])], "the content ['a']"),
    "a tool without an id": ([{"role": "tool", "content": "62"}], "no tool_call_id"),
}


@pytest.mark.parametrize(("messages", "told"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_message_is_refused_and_nothing_is_sent(messages: Any, told: str) -> None:
    asked = client()
    with pytest.raises(BadParameterError) as failure:
        asked.complete(messages)
    assert told in str(failure.value)
    assert service_of(asked).requests == []


THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}, {"text": "."}]}
PART = {"type": "text", "text": "Hi"}
MAI = {"encrypted_content": "x", "content": None, "summary": [{"text": "Hm."}]}
DETAILS = [{"type": "reasoning.text", "text": "Hm."}, {"type": "reasoning.encrypted", "data": "x"}]
MESSAGES: dict[str, tuple[dict[str, Any], str, str | None, str | None]] = {
    # what a message holds; its content, reasoning and refusal. It is sent back unchanged
    "text": ({"content": "Hi"}, "Hi", None, None),
    "calls": ({"content": None, "tool_calls": [CALL]}, "", None, None),
    "reasoning_content": ({"content": "Hi", "reasoning_content": "Hm."}, "Hi", "Hm.", None),
    "reasoning": ({"content": "Hi", "reasoning": "Hm."}, "Hi", "Hm.", None),
    "an object": ({"content": "Hi", "reasoning": MAI}, "Hi", "Hm.", None),
    "encrypted": ({"content": "Hi", "reasoning": {"encrypted_content": "x"}}, "Hi", None, None),
    "details": ({"content": "Hi", "reasoning_details": DETAILS}, "Hi", "Hm.", None),
    "items": ({"content": [THOUGHT, PART, PART]}, "HiHi", "Hm.", None),
    "in the content": ({"content": "<think>Hm.</think>Hi"}, "<think>Hm.</think>Hi", None, None),
    "refusal": ({"content": None, "refusal": "No."}, "", None, "No."),
    "refusal items": ({"content": [{"type": "refusal", "refusal": part} for part in ("N", "o.")]},
                      "", None, "No."),
    "another field": ({"content": "Hi", "signature": "x", "reasoning_content": ""},
                      "Hi", None, None),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "content", "reasoning", "refusal"), MESSAGES.values(),
                         ids=MESSAGES)  # fmt: skip
def test_a_message_is_read_and_sent_back_unchanged(
    fields: Any, content: str, reasoning: str | None, refusal: str | None
) -> None:
    sent = {"role": "assistant", **fields}
    message = message_of(sent)
    update = StreamingChatCompletionsUpdate({"choices": [{"delta": sent}]})
    for came in message, update:
        assert (came.content, came.reasoning_content, came.refusal) == (content, reasoning, refusal)
    assert check_messages([message]) == [sent]
    rest = message.as_dict(keep_reasoning=False)
    assert "Hm" not in repr(rest) or "<think>" in content
    assert rest.get("tool_calls") == fields.get("tool_calls")
    again = message_of(rest)
    assert (again.content, again.refusal) == (content, refusal)


def test_empty_fields_and_fields_of_no_request_are_not_sent_back() -> None:
    kept = {"role": "assistant", "content": "Hi"}
    empty = {"refusal": None, "audio": None, "tool_calls": None, "reasoning": None, "images": []}
    raw = {**kept, **empty, "annotations": [{"url": "x"}]}
    assert message_of(raw).as_dict() == kept


def test_each_call_has_an_id_of_its_own() -> None:
    sent: list[dict[str, Any]] = [{}, {"id": "call00001"}, {"id": "a"}, {"id": "a"}, {"id": 0}]
    function = {"name": "f", "arguments": "{}"}
    calls = [{"type": "function", "index": 3, "function": function, **one} for one in sent]
    message = message_of({"tool_calls": calls})
    ids = ["call00002", "call00001", "a", "call00003", "call00004"]
    assert [call.id for call in message.tool_calls] == ids
    assert message.as_dict()["tool_calls"] == [{**CALL, "id": one} for one in ids]
    assert [call.raw for call in message.tool_calls] == calls


def test_a_fragment_keeps_the_id_that_it_has() -> None:
    fragments = [{"index": 0, "id": None}, {"index": 0}, {"index": 0, "id": "a"}]
    update = StreamingChatCompletionsUpdate({"choices": [{"delta": {"tool_calls": fragments}}]})
    assert [call.id for call in update.choices[0].delta.tool_calls] == ["", "", "a"]


def test_an_answer_has_the_names_of_the_sdk() -> None:
    answer = ChatCompletions(COMPLETION)
    found = answer.id, answer.created, answer.model, answer.finish_reason
    assert found == ("chatcmpl-1", 1736389070, "some-model-2411", "stop")


UNREADABLE = {"id": "call00001", "type": "function"}
UNREADABLE["function"] = {"name": "unknown", "arguments": "{}"}


@pytest.mark.parametrize("calls", [[None], "f", [{"function": None}]], ids=repr)
def test_what_is_no_call_is_a_call_of_no_tool(calls: Any) -> None:
    message = message_of({"tool_calls": calls})
    assert [call.function.name for call in message.tool_calls] == [""]
    assert message.as_dict()["tool_calls"] == [UNREADABLE]


NUMBERS = [(12, 12), (12.0, 12), ("12.0", 12), (2**60 + 1, 2**60 + 1)]
NUMBERS += [(none, 0) for none in (None, True, "a", [], float("nan"), float("inf"))]


@pytest.mark.parametrize(("sent", "number"), NUMBERS)
def test_tokens_are_whole_numbers(sent: Any, number: int) -> None:
    usage = ChatCompletions({"usage": {"prompt_tokens": sent, "output_tokens": sent}}).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (number, number, 0)


def test_arguments_under_another_name_are_sent_back_as_arguments() -> None:
    call = {**CALL, "function": {"name": "pay", "parameters": {"amount": 5}}}
    (sent,) = message_of({"tool_calls": [call]}).as_dict()["tool_calls"]
    assert json.loads(sent["function"]["arguments"]) == {"parameters": {"amount": 5}}

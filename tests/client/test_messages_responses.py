"""Messages as they are sent, and the views over what comes back."""

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
from helpers.client.validation import check_messages
from tests.fakes import COMPLETION, answer, client, service_of

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}

TYPED = {
    "system": (SystemMessage("a"), {"role": "system", "content": "a"}),
    "developer": (DeveloperMessage("a"), {"role": "developer", "content": "a"}),
    "user": (UserMessage("a"), {"role": "user", "content": "a"}),
    "user with a picture": (UserMessage((PICTURE,)), {"role": "user", "content": [PICTURE]}),
    "assistant": (AssistantMessage("a"), {"role": "assistant", "content": "a"}),
    "assistant without a word": (AssistantMessage(), {"role": "assistant", "content": ""}),
    "assistant that calls": (
        AssistantMessage(tool_calls=(CALL,)),
        {"role": "assistant", "tool_calls": [CALL]},
    ),
    "tool": (ToolMessage("62", "c1"), {"role": "tool", "content": "62", "tool_call_id": "c1"}),
}


@pytest.mark.parametrize(("message", "sent"), TYPED.values(), ids=TYPED)
def test_a_typed_message_goes_out_as_the_services_own_form(message: Any, sent: Any) -> None:
    assert check_messages([message]) == [sent]


@pytest.mark.parametrize(("_", "sent"), TYPED.values(), ids=TYPED)
def test_a_plain_dict_goes_out_as_it_is(_: Any, sent: Any) -> None:
    assert check_messages(iter([sent])) == [sent]


REFUSED = {
    "no message": ([], "messages is empty"),
    "a text": ("Hello", "has to be a list"),
    "one dict": ({"role": "user", "content": "a"}, "has to be a list"),
    "None": (None, "has to be a list"),
    "a list of texts": (["Hello"], "messages[0] is 'Hello'"),
    "None in the list": ([UserMessage("a"), None], "messages[1] is None"),
    "an unknown role": ([{"role": "bot", "content": "a"}], "the role 'bot'"),
    "no role": ([{"content": "a"}], "the role None"),
    "a role that is a list": ([{"role": ["user"], "content": "a"}], "the role ['user']"),
    "no content": ([{"role": "user"}], "the content None"),
    "content None": ([UserMessage(None)], "the content None"),  # type: ignore[arg-type]
    "content a number": ([UserMessage(5)], "the content 5"),  # type: ignore[arg-type]
    "content a list of texts": ([UserMessage(["a"])], "the content ['a']"),  # type: ignore[list-item]
    "no content for system": ([SystemMessage(None)], "the content None"),  # type: ignore[arg-type]
    "a tool without an id": ([{"role": "tool", "content": "62"}], "no tool_call_id"),
    "a tool with an empty id": ([ToolMessage("62", "")], "no tool_call_id"),
}


@pytest.mark.parametrize(("messages", "told"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_message_is_refused_and_nothing_is_sent(messages: Any, told: str) -> None:
    asked = client()
    with pytest.raises(BadParameterError) as failure:
        asked.complete(messages)
    assert told in str(failure.value)
    assert service_of(asked).requests == []


def test_an_answer_can_be_sent_back_as_the_next_message() -> None:
    message = {**COMPLETION["choices"][0]["message"], "refusal": None}  # type: ignore[index]
    asked = client(answer(body={"choices": [{"message": message}]}))
    asked.complete([UserMessage("a"), asked.complete([UserMessage("a")]).message])
    sent = service_of(asked).body["messages"][1]
    assert sent == {"role": "assistant", "content": "Hi!"}


def test_an_answer_that_calls_a_tool_can_be_sent_back() -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    completion = ChatCompletions({"choices": [{"message": message}]})
    sent = {"role": "assistant", "tool_calls": [CALL]}
    assert check_messages([completion.message]) == [sent]


def test_the_first_choice_is_what_the_short_names_read() -> None:
    completion = ChatCompletions(COMPLETION)
    assert (completion.content, completion.finish_reason) == ("Hi!", "stop")
    assert (completion.id, completion.created, completion.model) == (
        "chatcmpl-1", 1736389070, "some-model-2411",
    )  # fmt: skip
    usage = completion.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (3, 2, 5)


def test_an_unknown_field_is_kept_in_raw() -> None:
    raw = {**COMPLETION, "prompt_filter_results": [{"prompt_index": 0}]}
    assert ChatCompletions(raw).raw["prompt_filter_results"] == [{"prompt_index": 0}]


def test_a_tool_call_is_read() -> None:
    completion = ChatCompletions({"choices": [{"message": {"tool_calls": [CALL]}}]})
    (call,) = completion.message.tool_calls
    assert (call.id, call.function.name, call.function.arguments) == ("call_1", "f", "{}")


ODD = {
    "a list": [],
    "nothing": {},
    "choices null": {"choices": None},
    "no choice": {"choices": []},
    "a choice null": {"choices": [None]},
    "a choice that is a text": {"choices": ["text"]},
    "a message null": {"choices": [{"message": None, "delta": None}]},
    "content null": {"choices": [{"message": {"content": None}, "delta": {"content": None}}]},
    "content a list": {"choices": [{"message": {"content": ["a"]}, "delta": {"content": [1]}}]},
    "usage null": {"usage": None},
    "tokens null": {"usage": {"prompt_tokens": None}},
    "tokens true": {"usage": {"prompt_tokens": True}},
    "tool calls null": {"choices": [{"message": {"tool_calls": None}}]},
}


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
def test_an_odd_answer_reads_as_empty(raw: Any) -> None:
    completion, update = ChatCompletions(raw), StreamingChatCompletionsUpdate(raw)
    read = (completion.content, update.content, completion.message.tool_calls, update.role)
    assert read == ("", "", [], None)
    assert repr((completion.finish_reason, completion.usage.prompt_tokens)) == "(None, 0)"


@pytest.mark.parametrize("calls", [[None], ["f"], [{}]], ids=repr)
def test_odd_tool_calls_raise_nothing(calls: Any) -> None:
    message = ChatCompletions({"choices": [{"message": {"tool_calls": calls}}]}).message
    assert [call.function.name for call in message.tool_calls] == [""]
    assert message.as_dict()["tool_calls"] == calls

"""The trace: who says what to whom, calls with their arguments, and answers."""

import json
from typing import Any

import pytest

from helpers import AssistantMessage, DeveloperMessage, SystemMessage, ToolMessage, UserMessage
from helpers.views.trace import MAX_STEPS, steps_of, trace, why
from tests.views.test_views import Page


def made(name: Any, arguments: Any, call_id: Any = "a") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*calls: Any, content: str | None = None) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "tool_calls": list(calls)}


CONVERSATION = [
    SystemMessage("Be kind."),
    UserMessage("When?"),
    calling(made("train", '{"to": "Oslo", "n": 2}', "x"), made("now", "", "y")),
    ToolMessage('{"error":"no clock"}', "y"),
    ToolMessage('{"at":"08:15"}', "x"),
    AssistantMessage("At 08:15."),
]


def steps(*messages: Any) -> list[list[str]]:
    cells = [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in Page(trace(messages).html).cells]
    assert cells[:4] == ["step", "from → to", "what", "content"]
    return [cells[i : i + 4] for i in range(4, len(cells), 4)]


def only(message: Any) -> list[str]:
    (step,) = steps(message)
    return step[1:]


def test_dicts_are_as_good() -> None:
    typed = [DeveloperMessage("Be kind."), UserMessage("When?"), ToolMessage("1", "x")]
    assert steps(*typed) == steps(*(message.as_dict() for message in typed))


PARTS = [
    {"type": "text", "text": "What is it?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
]
TOLD: list[tuple[Any, str, str]] = [  # a message, what it does, and with which content
    *((calling(made("train", text)), "asks for train", f"not a JSON object: {text}")
      for text in ('{"to": "Os', "['Oslo']", "[1]", "nul", "[" * 300)),
    (calling(made("train", "{}")), "asks for train", "(no arguments)"),
    (UserMessage(PARTS), "says", "What is it?\n(image_url)"),
    # Only what a toolbox tells of a failure is an error.
    *((ToolMessage(text, "lost"), "result of no known call", text)
      for text in ("{}", '{"error": "x", "at": 1}', '"error"', "error", "[]", "{")),
    (AssistantMessage(None, refusal="No."), "says", "The model refused: No."),
    (AssistantMessage(None, reasoning_content="Hm"), "says",
     "(the model reasoned and gave no text)"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "does", "content"), TOLD)
def test_a_message_is_told_in_words(message: Any, does: str, content: str) -> None:
    assert only(message)[1:] == [does, content]


BIG = "x" * 1_000_000


@pytest.mark.parametrize(
    "message",
    [
        *(UserMessage(BIG), ToolMessage(BIG, "a")),
        *(calling(made("train", text)) for text in (BIG, json.dumps({"to": BIG}))),
    ],
)
def test_a_megabyte_is_cut(message: Any) -> None:
    assert len(only(message)[2]) < 600


def test_of_many_arguments_some_are_left_out() -> None:
    many = json.dumps({str(n): n for n in range(50)})
    assert only(calling(made("train", many)))[2].endswith("\n… (40 arguments left out)")


def test_a_long_conversation_is_cut_in_the_middle() -> None:
    view = trace([calling(*[made("now", "{}", str(n)) for n in range(10_000)]), UserMessage("End")])
    cells = Page(view.html).cells
    assert f"{10_001 - MAX_STEPS:,} steps left out" in cells
    assert (cells[4], cells[-4], cells[-1]) == ("1", "10001", "End")
    assert len(cells) == 4 * (MAX_STEPS + 2)


@pytest.mark.parametrize(
    "odd",
    [
        *(None, 7, {}, {"role": 3, "content": [None, "x"]}),
        {"role": "assistant", "tool_calls": "none"},
        calling(None, "x", {}, {"function": []}, made(["x"], {"to": 1}, {})),
        {"role": "tool", "tool_call_id": ["x"], "content": "[" * 100_000},
        calling(made("deep", '{"a":' * 150 + "1" + "}" * 150)),
        calling(made("digits", f'{{"n": {"9" * 5_000}}}')),
    ],
    ids=lambda odd: repr(odd)[:40],
)
def test_odd_messages_are_shown_somehow(odd: Any) -> None:
    assert steps(odd)


def test_every_step_has_its_reason() -> None:
    reasons = [
        "Instructions come first",
        "what the person wants",
        "asks your program",
        "asks your program",
        "The call of step 4 went wrong",
        "has made the call of step 3",
        "it answers",
    ]
    for place, words in enumerate(reasons, start=1):
        assert words in why(steps_of(CONVERSATION), place)
    odd: list[tuple[Any, str]] = [
        (ToolMessage("{}", "lost"), "No call before it has this id"),
        (calling(made("a", "{}"), content="Wait."), "along with its next call"),
        ({"role": "critic", "content": "Hm."}, "only the service"),
        ({"content": "Hm."}, "only the service"),
    ]
    for message, words in odd:
        assert words in why(steps_of([message]), 1)

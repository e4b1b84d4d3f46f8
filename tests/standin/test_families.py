"""What the families of models send, as far as no lesson's recording shows it."""

import pytest
from azure.core.credentials import AzureKeyCredential

from helpers import ChatCompletionsClient, UserMessage
from tests.standin import StandIn
from tests.standin.asking import answered, streamed

LONG = "How many languages are in the world?"
ROUTES = ["models", "v1"]


@pytest.mark.parametrize(
    ("model", "budget", "text"),
    [
        ("stand-in-reasoning", 7, ""),
        ("stand-in-kimi", 7, ""),
        ("stand-in-reasoning", 130, "People speak"),
    ],
)
def test_a_budget_may_end_the_reasoning_or_the_text(
    standin: StandIn, model: str, budget: int, text: str
) -> None:
    asked = {"ask": LONG, "model": model, "max_completion_tokens": budget}
    whole = answered(standin, "v1", **asked)
    choice = whole["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"] or "") == ("length", text)
    assert whole["usage"]["completion_tokens"] == budget
    sent = [one for event in streamed(standin, "v1", **asked) for one in event["choices"]]
    assert "".join(one["delta"].get("content") or "" for one in sent) == text


PLACES = {
    "stand-in-kimi": ("reasoning_content", str),
    "stand-in-oss": ("reasoning", str),
    "stand-in-mistral-reasoning": (None, list),
    "stand-in-think-tags": (None, str),
    "stand-in-reasoning": (None, str),
    "stand-in-grok-reasoning": (None, str),
}
"""The field that holds a reasoning, and the type of the content beside it."""


@pytest.mark.parametrize("model", PLACES)
@pytest.mark.parametrize("route", ROUTES)
def test_thoughts_and_answer_are_where_the_vendor_has_them(
    standin: StandIn, route: str, model: str
) -> None:
    credential = AzureKeyCredential(standin.key)
    client = ChatCompletionsClient(getattr(standin, route), credential, model)
    ask = UserMessage("Name a colour.")
    plain = client.complete([ask])
    with client.stream([ask], stream_options=None) as stream:
        list(stream)
    streamed = stream.completion
    assert (streamed.content, streamed.finish_reason) == (plain.content, "stop")
    assert streamed.message.reasoning_content == plain.message.reasoning_content
    field, kind = PLACES[model]
    raw, shown = plain.message.raw, kind is list or field is not None
    assert {name for name in raw if "reasoning" in name} == ({field} if field else set())
    assert type(raw["content"]) is kind
    assert bool(plain.message.reasoning_content) == shown
    assert plain.content.startswith("<think>\n") == (model == "stand-in-think-tags")
    assert plain.content.endswith("Blue.")
    # The vendor takes back what it sent, and the answer alone.
    came = {name: value for name, value in raw.items() if value and name != "annotations"}
    for keep in (True, False):
        message = plain.message.as_dict(keep_reasoning=keep)
        assert (message == came) == (keep or not shown)
        assert client.complete([ask, message, ask]).content


def test_parallel_calls_can_be_forbidden(standin: StandIn) -> None:
    ask = "When are the next flights from Miami to Seattle and back?"
    tools = [{"type": "function", "function": {"name": "next_flight"}}]
    whole = answered(standin, "v1", ask=ask, tools=tools, parallel_tool_calls=False)
    assert len(whole["choices"][0]["message"]["tool_calls"]) == 1

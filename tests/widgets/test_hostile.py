"""Roles, verdicts and tokens are text too: none makes a tag or an attribute."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup

from helpers.client.responses import ChatCompletions
from helpers.views.content_filter import outcomes_view
from helpers.views.conversation import conversation
from helpers.views.logprobs import tokens_of
from helpers.views.trace import steps_of
from helpers.widgets.logprob_explorer import explorable
from helpers.widgets.trace_stepper import current, earlier
from tests.views.test_logprobs import known, token
from tests.views.test_trace import calling, made
from tests.views.test_views import HARMFUL, HOSTILE


def verdicts(text: str) -> str:
    """A sentence that a filter has judged in these words."""
    choice = {
        "message": {"role": "assistant", "content": text},
        "finish_reason": "content_filter",
        "content_filter_results": {text: {"filtered": True, "severity": text}},
    }
    return outcomes_view({text: ChatCompletions({"choices": [choice]})}).html


def tokens(text: str) -> str:
    """A token of this text, and a rival."""
    sent = known("a", 0.5) | {"token": text, "bytes": None}
    rival = sent | {"token": f"{text[:50]}x"}
    return explorable(tokens_of([token("b"), sent | {"top_logprobs": [sent, rival]}]))


def steps(text: str) -> str:
    """A conversation with ``text`` wherever a text may stand."""
    given = made("x", json.dumps({text: text, "y": [text]}))
    found = steps_of(
        [
            {"role": text, "content": text},
            {"role": "user", "content": [{"type": "text", "text": text}, {"type": text}]},
            calling(made(text, text, text), given, content=text),
            {"role": "tool", "tool_call_id": text, "content": text},
            {"role": "tool", "tool_call_id": text, "content": json.dumps({"error": text})},
        ]
    )
    shown = [current(found, place) for place in range(1, len(found) + 1)]
    return "\n".join([*shown, earlier(found, len(found), is_open=True)])


SHOWN: dict[str, Callable[[str], str]] = {
    "role": lambda text: conversation([{"role": text, "content": text}]).html,
    "verdicts": verdicts,
    "tokens": tokens,
    "steps": steps,
}


def outline(html: str) -> list[Any]:
    """The tags with the names of their attributes. Lines may break anywhere."""
    tags = BeautifulSoup(html, "html.parser")(True)
    return [(tag.name, sorted(tag.attrs)) for tag in tags if tag.name not in ("br", "wbr")]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_hostile_text_makes_no_tag_and_no_attribute(show: Callable[[str], str], text: str) -> None:
    html = show(text)
    html.encode("utf-8")
    assert outline(html) == outline(show("plain"))
    assert not HARMFUL.search(html.replace("\n", ""))
    assert len(html) < 700_000

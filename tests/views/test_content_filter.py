"""Results of the content filter: found in every shape that they come in, and shown."""

import io
import json
from typing import Any

import pytest
from PIL import Image, ImageColor

from helpers.client.errors import (
    ChatError,
    ConfigurationError,
    ContentFilterError,
    StreamInterruptedError,
    error_for,
)
from helpers.client.responses import ChatCompletions, StreamingChatCompletionsUpdate
from helpers.views import content_filter as module
from helpers.views.content_filter import (
    MAX_ROWS,
    FilterResult,
    filter_results,
    severity,
)
from tests.views.test_views import Page, exchange, png

SAFE = {"filtered": False, "severity": "safe"}
CAUGHT = {"filtered": True, "severity": "medium"}
NOT_DETECTED = {"filtered": False, "detected": False}
DOWN = {"error": {"code": "content_filter_error", "message": "The contents are not filtered"}}
FOUND_SAFE = FilterResult(False, severity="safe")
FOUND_CAUGHT = FilterResult(True, severity="medium")
FOUND_NOT_DETECTED = FilterResult(False, detected=False)
BOTH_NAMES = pytest.mark.parametrize("name", ["content_filter_results", "content_filter_result"])


def refusal(body: Any) -> ChatError:
    return error_for(exchange(status=400, reason="Bad Request", response_body=body), None, 60)


def answer(results: Any, name: str = "content_filter_results") -> StreamingChatCompletionsUpdate:
    return StreamingChatCompletionsUpdate({"choices": [{"index": 0, name: results}]})


@BOTH_NAMES
@pytest.mark.parametrize(
    "place",
    [
        lambda found: {"error": {"code": "content_filter", "status": 400, "innererror": found}},
        lambda found: {"error": {"code": "content_filter", **found}},
        lambda found: {"code": "content_filter", "innererror": found},
        lambda found: {"code": "content_filter", "status": 400, **found},
    ],
    ids=["inner", "error", "inner, no error", "no error"],
)
def test_a_refusal_has_its_details_in_one_of_many_places(name: str, place: Any) -> None:
    error = refusal(place({name: {"violence": CAUGHT, "jailbreak": NOT_DETECTED}}))
    assert isinstance(error, ContentFilterError)
    expected = {"violence": FOUND_CAUGHT, "jailbreak": FOUND_NOT_DETECTED}
    assert filter_results(error) == {"prompt": expected}


EMPTY: list[Any] = [  # bodies of refusals, or answers
    *({"error": {"code": "content_filter", "innererror": inner}}
      for inner in (None, {"code": "Violation"}, {"content_filter_result": {}})),
    {"code": "content_filter", "message": "The response was filtered", "type": None},
    *({"error": "content_filter"}, [], "<html>"),
    {"choices": [{"content_filter_results": None}], "prompt_filter_results": None},
    {"choices": [None, 3, "x"], "prompt_filter_results": [None, []]},
    {"choices": [{"content_filter_results": [SAFE]}], "prompt_filter_results": {"a": 1}},
    {"choices": [{"content_filter_results": {"hate": None, "sexual": "safe", "x": {}}}]},
]  # fmt: skip


@pytest.mark.parametrize("raw", EMPTY, ids=json.dumps)
def test_nothing_is_found_where_nothing_is(raw: Any) -> None:
    assert filter_results(refusal(raw)) == {}
    if isinstance(raw, dict):
        assert filter_results(ChatCompletions(raw)) == {}
        assert filter_results(StreamingChatCompletionsUpdate(raw)) == {}


def test_a_broken_stream_has_those_of_its_partial_answer() -> None:
    assert filter_results(ConfigurationError("No endpoint.")) == filter_results() == {}
    partial = ChatCompletions({"choices": [{"content_filter_results": {"hate": SAFE}}]})
    assert filter_results(StreamInterruptedError(partial=partial)) == filter_results(partial)
    assert filter_results(partial)


FAILED = FilterResult(False, error="The contents are not filtered")
BLOCKLISTS = [{"filtered": False, "id": "a"}, {"filtered": True, "id": "b"}]
HIGH = {"filtered": False, "severity": "high"}
LOW = {"filtered": True, "severity": "low"}
READ: list[tuple[list[Any], dict[str, FilterResult]]] = [  # results of updates, and what is read
    ([{"custom_blocklists": BLOCKLISTS}], {"custom_blocklists": FilterResult(True)}),
    ([{"custom_blocklists": BLOCKLISTS[:1]}], {"custom_blocklists": FilterResult(False)}),
    ([{"custom_blocklists": {"filtered": True, "details": []}}],
     {"custom_blocklists": FilterResult(True)}),
    ([DOWN], {"error": FAILED}),
    ([{"hate": DOWN, "violence": SAFE}], {"hate": FAILED, "violence": FOUND_SAFE}),
    ([{"error": {"code": 500}}], {"error": FilterResult(False, error="500")}),
    # Odd values decide nothing.
    ([{"x": {"filtered": "yes", "severity": 4, "detected": "true"}}], {"x": FilterResult(False)}),
    # Of several the strictest counts.
    ([{"x": SAFE}, {"x": HIGH}], {"x": FilterResult(False, severity="high")}),
    ([{"x": HIGH}, {"x": LOW}], {"x": FilterResult(True, severity="low")}),
    ([{"x": HIGH}, {"x": DOWN}], {"x": FAILED}),
    ([{"hate": SAFE}, {"violence": CAUGHT}, {}], {"hate": FOUND_SAFE, "violence": FOUND_CAUGHT}),
]  # fmt: skip


@BOTH_NAMES
@pytest.mark.parametrize(("sent", "expected"), READ, ids=str)
def test_results_of_updates(sent: list[Any], expected: Any, name: str) -> None:
    updates = [answer(results, name) for results in sent]
    assert filter_results(*updates) == filter_results(*updates[::-1]) == {"answer": expected}


EVERYTHING = {
    "prompt": {
        "hate": FilterResult(False, severity="safe"),
        "jailbreak": FilterResult(True, detected=True),
        "custom_blocklists": FilterResult(True),
        "profanity": FilterResult(True, severity="safe"),
    },
    "answer": {
        "self_harm": FilterResult(False, severity="low"),
        "violence": FilterResult(True, severity="medium"),
        "sexual": FilterResult(True, severity="high"),
        "protected_material_text": FilterResult(False, detected=False),
        "newer": FilterResult(False, severity="extreme"),
        "error": FilterResult(False, error="The contents are not filtered"),
    },
}


class TestView:
    VIEW = severity(EVERYTHING)

    def test_as_many_boxes_are_filled_as_the_level_says(self) -> None:
        image = Image.open(io.BytesIO(png(self.VIEW))).convert("RGB")
        full = {ImageColor.getrgb(module._FOUND), ImageColor.getrgb(module._FILTERED)}
        middles = [16 + 26, 16 + 78, 16 + 130]
        filled = [
            sum(image.getpixel((2 * x, 2 * (46 + 52 * row + 31))) in full for x in middles)
            for row in range(8)
        ]
        assert filled == [3, 0, 0, 1, 2, 3, 0, 0]  # one that was detected is one wide box

    def test_nothing_is_told_by_colour_alone(self, drawn: list[dict[str, Any]]) -> None:
        severity(EVERYTHING)
        words = [text["text"] for text in drawn]
        assert sum(word.endswith(", filtered") for word in words) == 5
        assert {"low", "medium, filtered", "high, filtered", "not checked"} <= set(words)
        assert words.count("?") == 3

    @pytest.mark.parametrize("results", [{}, {"prompt": {}, "answer": {}}])
    def test_without_results_a_sentence_says_so(self, results: Any) -> None:
        assert severity(results).plain == "No results of a content filter came with this."

    def test_of_very_many_the_filtered_ones_are_shown_first(self) -> None:
        many = {f"category_{i}": FilterResult(i == 70, severity="low") for i in range(1_000)}
        view = severity({"answer": many})
        names = Page(view.html).cells[5::4]
        assert names[:2] == ["category_70", "category_0"]
        assert len(names) == MAX_ROWS
        assert f"Not shown: {1_000 - MAX_ROWS} more categories." in view.plain

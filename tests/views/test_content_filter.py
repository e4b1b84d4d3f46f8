"""The content filter's word: found in every shape that it comes in, and shown without harm."""

import io
import json
import re
from copy import deepcopy
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
from helpers.views.content_filter import MAX_ROWS, FilterResult, filter_results, severity
from tests.views.test_views import Page, exchange, png

SAFE = {"filtered": False, "severity": "safe"}
CAUGHT = {"filtered": True, "severity": "medium"}
NOT_DETECTED = {"filtered": False, "detected": False}
DOWN = {"error": {"code": "content_filter_error", "message": "The contents are not filtered"}}
BOTH_NAMES = pytest.mark.parametrize("name", ["content_filter_results", "content_filter_result"])


def refusal(body: Any) -> ChatError:
    return error_for(exchange(status=400, reason="Bad Request", response_body=body), None, 60)


def update(**choice: Any) -> StreamingChatCompletionsUpdate:
    return StreamingChatCompletionsUpdate({"choices": [{"index": 0, **choice}]})


class TestErrors:
    @BOTH_NAMES
    def test_details_are_found(self, name: str) -> None:
        inner = {
            "code": "ResponsibleAIPolicyViolation",
            name: {"violence": CAUGHT, "jailbreak": NOT_DETECTED},
        }
        error = refusal({"error": {"code": "content_filter", "status": 400, "innererror": inner}})
        assert isinstance(error, ContentFilterError)
        assert filter_results(error) == {
            "prompt": {
                "violence": FilterResult(True, severity="medium"),
                "jailbreak": FilterResult(False, detected=False),
            }
        }

    @BOTH_NAMES
    def test_a_flat_body_and_details_beside_the_code(self, name: str) -> None:
        expected = {"prompt": {"hate": FilterResult(True, severity="medium")}}
        found = {name: {"hate": CAUGHT}}
        for body in (
            {"code": "content_filter", "status": 400, **found},
            {"code": "content_filter", "innererror": found},
            {"error": {"code": "content_filter", **found}},
        ):
            assert filter_results(refusal(body)) == expected

    @pytest.mark.parametrize(
        "body",
        [
            {"error": {"code": "content_filter", "param": "prompt", "status": 400}},
            {"error": {"code": "content_filter", "innererror": None}},
            {"error": {"code": "content_filter", "innererror": {"code": "Violation"}}},
            {"error": {"code": "content_filter", "innererror": {"content_filter_result": {}}}},
            {"code": "content_filter", "message": "The response was filtered", "type": None},
            {"error": {"code": "Bad Request", "message": "violates content safety setting."}},
            {"error": "content_filter"},
            {},
            [],
            "<html>",
            "",
            None,
        ],
        ids=json.dumps,
    )
    def test_no_details(self, body: Any) -> None:
        assert filter_results(refusal(body)) == {}

    def test_nothing_was_sent(self) -> None:
        assert filter_results(ConfigurationError("No endpoint.")) == {}

    def test_a_broken_stream_has_those_of_its_partial_answer(self) -> None:
        partial = ChatCompletions({"choices": [{"content_filter_results": {"hate": SAFE}}]})
        assert filter_results(StreamInterruptedError(partial=partial)) == filter_results(partial)
        assert filter_results(partial)


class TestAnswers:
    @BOTH_NAMES
    def test_prompt_and_answer(self, name: str) -> None:
        protected = {"protected_material_code": NOT_DETECTED, "protected_material_text": {}}
        answer = ChatCompletions(
            {
                "choices": [{name: {"hate": SAFE, **protected}, "finish_reason": "stop"}],
                "prompt_filter_results": [
                    {"prompt_index": 0, name: {"sexual": SAFE, "jailbreak": NOT_DETECTED}}
                ],
            }
        )
        assert filter_results(answer) == {
            "prompt": {
                "sexual": FilterResult(False, severity="safe"),
                "jailbreak": FilterResult(False, detected=False),
            },
            "answer": {
                "hate": FilterResult(False, severity="safe"),
                "protected_material_code": FilterResult(False, detected=False),
            },
        }

    def test_a_picture_has_two_entries_and_blocklists(self) -> None:
        lists = {"filtered": False, "details": []}
        entries = [
            {
                "prompt_index": 0,
                "content_filter_result": {"hate": SAFE, "custom_blocklists": lists},
            },
            {"prompt_index": 1, "content_filter_result": {"hate": CAUGHT}},
        ]
        found = filter_results(ChatCompletions({"choices": [], "prompt_filter_results": entries}))
        assert found == {
            "prompt": {
                "hate": FilterResult(True, severity="medium"),
                "custom_blocklists": FilterResult(False),
            }
        }

    @pytest.mark.parametrize("filtered", [True, False])
    def test_blocklists_as_a_list(self, filtered: bool) -> None:
        lists = [{"filtered": False, "id": "a"}, {"filtered": filtered, "id": "b"}]
        found = filter_results(update(content_filter_results={"custom_blocklists": lists}))
        assert found == {"answer": {"custom_blocklists": FilterResult(filtered)}}

    @BOTH_NAMES
    def test_the_filter_did_not_run(self, name: str) -> None:
        found = filter_results(ChatCompletions({"choices": [{name: DOWN}]}))
        assert found == {
            "answer": {"error": FilterResult(False, error="The contents are not filtered")}
        }

    def test_it_did_not_run_for_one_category(self) -> None:
        found = filter_results(update(content_filter_results={"hate": DOWN, "violence": SAFE}))
        assert found["answer"]["hate"].error == "The contents are not filtered"
        coded = filter_results(update(content_filter_results={"error": {"code": 500}}))
        assert coded == {"answer": {"error": FilterResult(False, error="500")}}

    @pytest.mark.parametrize(
        "raw",
        [
            {},
            {"choices": []},
            {"choices": [{"finish_reason": "stop"}]},
            {"choices": [{"content_filter_results": {}}]},
            {"choices": [{"content_filter_results": None}], "prompt_filter_results": None},
            {"choices": [None, 3, "x"], "prompt_filter_results": [None, []]},
            {"choices": [{"content_filter_results": [SAFE]}], "prompt_filter_results": {"a": 1}},
            {"choices": [{"content_filter_results": {"hate": None, "sexual": "safe", "x": {}}}]},
        ],
        ids=json.dumps,
    )
    def test_without_verdicts(self, raw: Any) -> None:
        assert filter_results(ChatCompletions(raw)) == {}
        assert filter_results(StreamingChatCompletionsUpdate(raw)) == {}

    def test_odd_values_decide_nothing(self) -> None:
        odd = {"filtered": "yes", "severity": 4, "detected": "true"}
        found = filter_results(update(content_filter_results={"hate": odd}))
        assert found == {"answer": {"hate": FilterResult(False)}}

    def test_it_changes_nothing(self) -> None:
        raw = {"choices": [{"content_filter_results": {"hate": SAFE}}]}
        before = deepcopy(raw)
        filter_results(ChatCompletions(raw))
        assert raw == before


class TestUpdates:
    def test_the_strictest_of_all_counts(self) -> None:
        low = {"filtered": False, "severity": "low"}
        updates = [
            StreamingChatCompletionsUpdate(
                {"choices": [], "prompt_filter_results": [{"content_filter_results": {"x": SAFE}}]}
            ),
            update(delta={"content": "a"}, content_filter_results={"hate": low, "violence": SAFE}),
            update(delta={}, content_filter_results={"violence": CAUGHT, "hate": SAFE}),
            update(
                content_filter_offsets={"check_offset": 0, "start_offset": 0, "end_offset": 80},
                content_filter_results={"violence": SAFE, "jailbreak": NOT_DETECTED},
            ),
        ]
        expected = {
            "prompt": {"x": FilterResult(False, severity="safe")},
            "answer": {
                "hate": FilterResult(False, severity="low"),
                "violence": FilterResult(True, severity="medium"),
                "jailbreak": FilterResult(False, detected=False),
            },
        }
        assert filter_results(*updates) == filter_results(*reversed(updates)) == expected

    def test_filtered_counts_for_more_than_a_high_severity(self) -> None:
        high = {"filtered": False, "severity": "high"}
        cut = {"filtered": True, "severity": "low"}
        for pair in ((high, cut), (cut, high)):
            found = filter_results(*(update(content_filter_results={"x": one}) for one in pair))
            assert found["answer"]["x"] == FilterResult(True, severity="low")

    def test_of_nothing(self) -> None:
        assert filter_results() == {}


EVERYTHING = {
    "prompt": {
        "hate": FilterResult(False, severity="safe"),
        "jailbreak": FilterResult(True, detected=True),
        "custom_blocklists": FilterResult(True),
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
ROWS = [
    ["prompt", "hate", "safe", "0 of 3", "□□□", "no"],
    ["prompt", "jailbreak", "detected", "1 of 1", "■", "yes"],
    ["prompt", "custom_blocklists", "no level", "?", "?", "yes"],
    ["answer", "self_harm", "low", "1 of 3", "■□□", "no"],
    ["answer", "violence", "medium", "2 of 3", "■■□", "yes"],
    ["answer", "sexual", "high", "3 of 3", "■■■", "yes"],
    ["answer", "protected_material_text", "not detected", "0 of 1", "□", "no"],
    ["answer", "newer", "extreme", "?", "?", "no"],
    ["answer", "error", "not checked: The contents are not filtered", "?", "?", "no"],
]


class TestView:
    VIEW = severity(EVERYTHING)

    def test_every_verdict_is_a_row(self) -> None:
        assert Page(self.VIEW.html).rows(6) == ROWS

    def test_the_same_as_text(self) -> None:
        folded = " ".join(re.sub("[│─├┤┼┬┴┌┐└┘]", " ", self.VIEW.plain).split())
        for row in ROWS[:-1]:
            assert " ".join(row) in folded

    def test_the_picture_is_told_in_words(self) -> None:
        (image,) = Page(self.VIEW.html).images
        for words in (
            "prompt, hate: safe;",
            "prompt, jailbreak: detected, filtered;",
            "answer, violence: medium, filtered;",
            "answer, error: not checked.",
        ):
            assert words in image["alt"]

    def test_as_many_boxes_are_filled_as_the_level_says(self) -> None:
        image = Image.open(io.BytesIO(png(self.VIEW))).convert("RGB")
        full = {ImageColor.getrgb(module._FOUND), ImageColor.getrgb(module._FILTERED)}
        middles = [281, 343, 405]
        filled = [
            sum(image.getpixel((2 * x, 2 * (76 + 30 * row + 9))) in full for x in middles)
            for row in range(len(ROWS))
        ]
        assert filled == [0, 3, 0, 1, 2, 3, 0, 0, 0]  # one that was detected is one wide box

    def test_nothing_is_told_by_colour_alone(self, drawn: list[dict[str, Any]]) -> None:
        severity(EVERYTHING)
        words = [text["text"] for text in drawn]
        assert sum("filtered" in word for word in words) == 4
        assert {"low", "medium", "high", "not checked", "not detected"} <= set(words)
        assert words.count("?") == 3

    @pytest.mark.parametrize("results", [{}, {"answer": {}}, {"prompt": {}, "answer": {}}])
    def test_no_verdict_at_all(self, results: Any) -> None:
        view = severity(results)
        assert view.plain == "No results of a content filter came with this."
        assert Page(view.html).text == view.plain

    def test_of_very_many_the_filtered_ones_are_shown_first(self) -> None:
        many = {
            f"category_{i}": FilterResult(i in (70, 9_999), severity="low") for i in range(10_000)
        }
        view = severity({"answer": many})
        names = Page(view.html).cells[7::6]
        assert names[:3] == ["category_70", "category_9999", "category_0"]
        assert len(names) == MAX_ROWS
        assert f"Not shown: {10_000 - MAX_ROWS:,} more categories." in view.plain
        assert f"Not shown: {10_000 - MAX_ROWS:,} more categories." in Page(view.html).text

    def test_as_many_as_fit_are_all_shown_in_their_order(self) -> None:
        some = {f"category_{i}": FilterResult(i == 5) for i in range(MAX_ROWS)}
        view = severity({"answer": some})
        assert Page(view.html).cells[7::6] == list(some)
        assert "Not shown" not in view.plain + view.html

"""Refusals of the content filter, under every code, and what only looks like one."""

from collections.abc import Iterator
from typing import Any

from helpers import BadParameterError, ContentFilterError, StreamFilteredError
from tests.client.faults.row import BEGUN, Failure, Row, plain
from tests.client.faults.wire import PIECES, chunked, event, whole

NOT_FILTERED = {
    "names it as a parameter": {"message": "No.", "param": "content_filter"},
    "repeats the request": {"message": "No.", "detail": [{"input": {"code": "content_filter"}}]},
    "nothing was filtered": {"message": "No.", "content_filter_result": {"hate": {
        "filtered": False, "severity": "safe"}}},
    "another policy": {"message": "No retry policy can be set."},
    "blocked by another": {"message": "No.", "blocked": True},
    "a filter that passed": {"message": "No.", "content_filters": [{"blocked": False}]},
}  # fmt: skip


INNER = {"innererror": {"code": "ResponsibleAIPolicyViolation"}}


def blocked(results: Any, name: str = "content_filter_result") -> tuple[int, Any, None]:
    """Return a refusal that only the results of the filter tell."""
    return 400, {"message": "Refused.", "innererror": {name: results}}, None


FILTERED: dict[str, tuple[int, Any, str | None]] = {
    "invalid_prompt": (400, {"message": "Refused.", "code": "invalid_prompt"}, "invalid_prompt"),
    "numeric code": (400, {"message": "Refused.", "code": 400, **INNER}, "400"),
    "words alone": (403, {"message": "Refused. It triggers the content management policy."}, None),
    "with 200": (200, {"message": "Refused.", "code": "content_policy_violation"},
                 "content_policy_violation"),
    "nested": (400, {"message": "Refused.", "code": "BadRequest",
                     "details": [{"error": {"code": "content_filter"}}]}, "BadRequest"),
    "JSON in a string": (
        500, {"message": '{"error": {"code": "content_filter", "message": "Refused."}}'}, None),
    "a blocklist": blocked({"custom_blocklists": [{"id": "b", "filtered": True}]}),
    "filtered is a text": blocked({"hate": {"filtered": "true"}}),
    "filters of Responses": blocked([{"blocked": True}], "content_filters"),
    "moderation": (400, {"message": "Refused.", "code": "moderation_blocked"},
                   "moderation_blocked"),
    "Alibaba": (400, {"message": "Refused.", "code": "data_inspection_failed"},
                "data_inspection_failed"),
    "DeepSeek": (400, {"message": "Refused. Content Exists Risk"}, None),
    "MAI": (400, {"type": "SafetyBlockedError", "message": "Refused."}, "SafetyBlockedError"),
}  # fmt: skip


def rows() -> Iterator[Row]:
    """Yield all rows of this module: each refusal as an answer, and within a stream."""
    for name, (status, error, code) in FILTERED.items():
        reply = whole({"error": error}, status)
        expect = Failure(ContentFilterError, status, code, "Refused.")
        yield plain(f"filtered: {name}", reply, expect, retries=1)
        expect = Failure(StreamFilteredError, None, code, "Refused.", kept=BEGUN)
        reply = chunked(*PIECES, event({"error": error}), event(b"[DONE]"))
        yield plain(f"stream: filtered, {name}", reply, expect, stream=True)
    for name, error in NOT_FILTERED.items():
        expect = Failure(BadParameterError, 400, None, "No")
        yield plain(f"not filtered: {name}", whole({"error": error}, 400), expect)

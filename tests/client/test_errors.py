"""Every known shape of an error body: which error it becomes, and what that says."""

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

from helpers import (
    AuthenticationError,
    BadParameterError,
    ChatError,
    ContentFilterError,
    ModelNotFoundError,
    ServiceError,
    StreamInterruptedError,
)
from helpers.client.error_bodies import MAX_WORDS, read_error
from helpers.client.responses import ChatCompletions
from helpers.tools import ToolLoopError
from tests.fakes import ASK, answer, client, unwrapped

ID = "7f9c1e52-0000-4000-8000-2b3c4d5e6f70"
DEEP: Any = []
for _ in range(400):
    DEEP = [DEEP]


def failure_of(status: int, body: Any, **headers: str) -> ChatError:
    with pytest.raises(ChatError) as failure:
        client(answer(status, body, **headers), max_retries=0).complete(ASK)
    return failure.value


SHAPES: dict[str, tuple[int, Any, type[ChatError], str | None, str]] = {
    # status, body, class, code, words. tests/client/faults has the others
    "401 status text": (401, {"status": "Serverless endpoint not found"},
                        AuthenticationError, None, "Serverless endpoint not found"),
    "404 details repeat": (
        404, {"error": {"code": "unknown_model", "message": "Unknown X", "details": "Unknown X"}},
        ModelNotFoundError, "unknown_model", "Unknown X"),
    "422 managed compute": (
        422, {"error": {"code": "Invalid input", "status": 422, "message": "invalid input error",
              "details": [{"loc": ["body", "n"], "msg": "Extra"}, {"loc": ["a"], "msg": "B"}]}},
        BadParameterError, "Invalid input", "invalid input error: body.n: Extra; a: B"),
    "422 detail one": (
        422, {"status": 422, "code": "parameter_not_supported", "message": "Invalid values.",
              "detail": {"loc": ["body", "response_format"], "input": "json_object"}},
        BadParameterError, "parameter_not_supported", "Invalid values: body.response_format"),
    "422 list of texts": (422, {"error": ["Input should be 'user'", "Extra"]},
                          BadParameterError, None, "Input should be 'user'; Extra"),
    "400 no code": (400, {"error": {"message": "Bad", "type": "invalid_request_error",
                                    "code": None}},
                    BadParameterError, "invalid_request_error", "Bad"),
    "html": (502, "\n<!doctype html><html><head><TITLE lang=en> 502\nBad Gateway </TITLE></head>",
             ServiceError, None, "an HTML page: 502 Bad Gateway"),
    "html without title": (502, "<html><body>x", ServiceError, None,
                           "an HTML page: without a title"),
    "empty object": (400, {}, BadParameterError, None, ""),
    "error a number": (400, {"error": 5}, BadParameterError, None, ""),
    "a list": (400, [{"message": "Bad"}, "Worse", None], BadParameterError, None, "Bad; Worse"),
    "nested without end": (400, DEEP, BadParameterError, None, ""),
    "string nested without end": (400, {"message": "[" * 100_000}, BadParameterError, None,
                                  "[" * MAX_WORDS + " …"),
}  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "code", "words"), SHAPES.values(), ids=SHAPES)
def test_a_body_becomes_an_error_that_says_what_happened_in_whose_words_and_what_to_do(
    status: int, body: Any, kind: type[ChatError], code: str | None, words: str
) -> None:
    failure = failure_of(status, body, apim_request_id=ID)
    assert (type(failure), failure.status, failure.code) == (kind, status, code)
    assert failure.words == words
    lines = unwrapped(failure).splitlines()
    assert lines[0] == f"{kind.summary} (HTTP {status})"
    says = [line for line in lines if line.startswith("The service says: ")]
    assert len(says) == bool(words or code)
    assert all(words in line and (code or "") in line for line in says)
    assert f"Request id: {ID}" in lines
    assert lines[-1].startswith("What to do: ")
    assert len(lines[-1]) > 30


TOLD: dict[str, tuple[int, Any, type[ChatError], str]] = {
    # status, the service's error, class, part of what is said
    "key": (401, {"code": "401", "message": "Access denied due to invalid key."},
            AuthenticationError, "check that the key"),
    "role": (403, {"code": "PermissionDenied", "message": "The principal lacks a data action."},
             AuthenticationError, "Cognitive Services User"),
    "firewall": (403, {"code": "403", "message": "Denied due to Virtual Network/Firewall rules."},
                 AuthenticationError, "refuses calls from this network"),
    "private": (403, {"message": "Public access is disabled. Configure a private endpoint."},
                AuthenticationError, "refuses calls from this network"),
    "address": (403, {"message": "The IP address 192.0.2.1 is not in the list."},
                AuthenticationError, "refuses calls from this network"),
    "page": (403, "<html><title>Blocked</title>", AuthenticationError, "from this network"),
    "blocked": (403, {"message": "This resource was temporarily blocked: it violates a policy."},
                AuthenticationError, "has blocked this resource"),
    "context": (400, {"code": "context_length_exceeded", "message": "Too long."},
                BadParameterError, "too long for the model"),
    "context, words": (400, {"message": "Input tokens exceed the configured limit of 9 tokens."},
                       BadParameterError, "too long for the model"),
    "context, 413": (413, {"code": "tokens_limit_reached", "message": "Too large."},
                     BadParameterError, "too long for the model"),
    "context, vLLM": (400, {"code": 400, "type": "BadRequestError",
                            "message": "This model's maximum context length is 9 tokens."},
                      BadParameterError, "too long for the model"),
    "no pictures": (500, {"type": "server_error", "message": "image input is not supported - hint"},
                    BadParameterError, "takes no pictures"),
    "too large": (413, "Payload Too Large", BadParameterError, "smaller pictures"),
    "gone": (410, "", ModelNotFoundError, "was retired"),
    "gone, 404": (404, {"code": "DeploymentNotFound", "message": "The model x has been retired."},
                  ModelNotFoundError, "was retired"),
    "gone, by code": (400, {"code": "model_decommissioned", "message": "Over."},
                      ModelNotFoundError, "was retired"),
    "deprecated parameter": (400, {"message": "'functions' is deprecated in this model."},
                             BadParameterError, "leave it out"),
    "no deployment": (400, {"type": "invalid_request_error", "code": None, "message":
                            "Could not find an existing deployment to match the model."},
                      ModelNotFoundError, "AZURE_INFERENCE_MODEL"),
    "gateway": (504, "", ServiceError, "waited too long for the model"),
}  # fmt: skip


@pytest.mark.parametrize(("status", "error", "kind", "said"), TOLD.values(), ids=TOLD)
def test_an_error_says_what_to_do_about_it(
    status: int, error: Any, kind: type[ChatError], said: str
) -> None:
    body = error if isinstance(error, str) else {"error": error}
    failure = failure_of(status, body)
    assert type(failure) is kind
    assert said in unwrapped(failure)


CODES = {
    "number and type": ({"code": 400, "type": "invalid_request_error"}, "invalid_request_error"),
    "text of a number and type": ({"code": "400", "type": "BadRequestError"}, "BadRequestError"),
    "number alone": ({"code": 400, "type": None}, "400"),
    "number and no telling type": ({"type": "error", "code": "429"}, "429"),
    "both": ({"code": "unsupported_value", "type": "invalid_request_error"}, "unsupported_value"),
    "type alone": ({"type": "overloaded_error"}, "overloaded_error"),
}


@pytest.mark.parametrize(("error", "code"), CODES.values(), ids=CODES)
def test_the_code_that_tells_more_is_the_code(error: Any, code: str) -> None:
    assert read_error({"error": {"message": "m", **error}})[:2] == ("m", code)


NO_REFUSAL = {
    "names it as a parameter": {"message": "Unknown parameter.", "param": "content_filter"},
    "repeats the request": {"message": "No.", "detail": [{"input": {"code": "content_filter"}}]},
    "nothing was filtered": {"message": "No.", "content_filter_result": {"hate": {
        "filtered": False, "severity": "safe"}}},
    "another policy": {"message": "A retry policy can't be set.", "code": "invalid_value"},
    "nested too deeply": {"message": "No.", "details": DEEP},
}  # fmt: skip


@pytest.mark.parametrize("error", NO_REFUSAL.values(), ids=NO_REFUSAL)
def test_what_only_looks_like_a_refusal_by_the_filter_is_none(error: Any) -> None:
    assert type(failure_of(400, {"error": error})) is BadParameterError


@pytest.mark.parametrize("header", ["apim_request_id", "x_request_id"])
def test_the_request_id_is_read(header: str) -> None:
    assert failure_of(500, "", **{header: ID}).request_id == ID


def test_without_a_request_id_there_is_no_line_on_it() -> None:
    failure = failure_of(500, "")
    assert failure.request_id is None
    assert "Request id" not in str(failure)


def test_the_header_gives_the_code_that_the_body_lacks() -> None:
    failure = failure_of(400, "", x_ms_error_code="unknown_model")
    assert (type(failure), failure.code) == (ModelNotFoundError, "unknown_model")


LONG = {
    "text": "x" * 5_000_000,
    "message": {"error": {"code": "c", "message": "x" * 100_000}},
    "code": {"error": {"code": "x" * 100_000, "message": "m"}},
    "list": {"detail": [{"loc": ["body"] * 10_000, "msg": "m"}] * 3},
    "title": f"<html><title>{'x' * 9_000}</title>",
}


@pytest.mark.parametrize("body", LONG.values(), ids=LONG)
def test_a_long_body_is_clipped(body: Any) -> None:
    failure = failure_of(400, body)
    assert max(len(failure.words), len(failure.code or "")) <= MAX_WORDS + 50
    assert len(str(failure)) < 3 * MAX_WORDS


FILTER = {
    "message": "The response was filtered", "type": None, "param": "prompt",
    "code": "content_filter", "status": 400,
}  # fmt: skip
INNER = {
    "code": "ResponsibleAIPolicyViolation",
    "content_filter_result": {"sexual": {"filtered": True, "severity": "high"}},
}


@pytest.mark.parametrize(
    "error", [FILTER, {**FILTER, "innererror": INNER}, {**FILTER, "inner_error": INNER}],
    ids=["without details", "models", "v1"],
)  # fmt: skip
def test_the_content_filter_keeps_its_details_in_the_exchange(error: Any) -> None:
    failure = failure_of(400, {"error": error})
    assert isinstance(failure, ContentFilterError)
    assert failure.words == "The response was filtered"
    assert failure.exchange is not None
    assert failure.exchange.response_body == {"error": error}


def test_a_404_without_a_known_code_names_the_other_reasons() -> None:
    assert "api-version" in failure_of(404, "NOT FOUND").advice
    assert "api-version" not in failure_of(404, {"error": {"code": "DeploymentNotFound"}}).advice


def test_one_except_catches_them_all() -> None:
    with pytest.raises(ChatError):
        client(answer(418, "teapot")).complete(ASK)


def test_what_the_service_says_steers_no_terminal() -> None:
    error = {"code": "a\x1bb", "message": "Say \x1b[31mred\x1b[0m \u202eesrever\x07"}
    shown = str(failure_of(400, {"error": error}))
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", shown)
    assert "\\u001b[31mred" in shown


@pytest.mark.parametrize(
    "again",
    [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy],
    ids=["pickle", "copy", "deep copy"],
)
def test_an_error_goes_to_another_process_whole(again: Callable[[ChatError], ChatError]) -> None:
    stream = StreamInterruptedError("Cut", partial=ChatCompletions({"id": "a"}), words="w")
    stream.add_note("seen twice")
    for error in failure_of(429, "Wait", retry_after="9"), stream, ToolLoopError("Loop", [1, 2]):
        copy = again(error)
        assert (type(copy), str(copy), copy.args) == (
            type(error),
            str(error),
            error.args,
        )
        assert repr(vars(copy)) == repr(vars(error))
        assert len(vars(copy)) >= 8

"""What the table of faults can't say of errors: their whole text, their limits, their copies."""

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

from helpers import (
    BadParameterError,
    ChatError,
    StreamInterruptedError,
)
from helpers.client.error_bodies import MAX_WORDS
from helpers.client.responses import ChatCompletions
from helpers.tools import ToolLoopError
from tests.fakes import ASK, answer, client

ID = "7f9c1e52-0000-4000-8000-2b3c4d5e6f70"
DEEP: Any = []
for _ in range(400):
    DEEP = [DEEP]


def failure_of(status: int, body: Any, **headers: str) -> ChatError:
    with pytest.raises(ChatError) as failure:
        client(answer(status, body, **headers), max_retries=0).complete(ASK)
    return failure.value


TEXTS = {
    "all": (
        {"code": "Bad", "message": "No."},
        ["The service says: No. [Bad]", "It asks you to wait 9 s.", f"Request id: {ID}"],
        {"retry_after": "9", "apim_request_id": ID},
    ),
    "another id": ({"message": "No."}, ["The service says: No.", f"Request id: {ID}"],
                   {"x_request_id": ID}),
    "a code alone": ({"code": "Bad"}, ["The service says: (nothing) [Bad]"], {}),
    "nothing": ({}, [], {}),
}  # fmt: skip


@pytest.mark.parametrize(("error", "lines", "headers"), TEXTS.values(), ids=TEXTS)
def test_an_error_says_what_happened_in_whose_words_and_what_to_do(
    error: Any, lines: list[str], headers: Any
) -> None:
    failure = failure_of(400, {"error": error}, **headers)
    first, *between, last = str(failure).replace("\n  ", " ").splitlines()
    assert first == f"{BadParameterError.summary} (HTTP 400)"
    assert between == lines
    assert last == f"What to do: {BadParameterError.advice}"
    assert failure.request_id == (ID if ID in str(lines) else None)


def test_a_body_nested_too_deeply_is_an_error_without_words() -> None:
    for body in DEEP, {"error": {"message": "No.", "details": DEEP}}:
        assert type(failure_of(400, body)) is BadParameterError


LONG = {
    "text": "x" * 5_000_000,
    "message": {"error": {"code": "c", "message": "x" * 100_000}},
    "code": {"error": {"code": "x" * 100_000, "message": "m"}},
    "list": {"detail": [{"loc": ["body"] * 10_000, "msg": "m"}] * 3},
    "title": f"<html><title>{'x' * 9_000}</title>",
    "half a JSON": {"message": "[" * 100_000},
}


@pytest.mark.parametrize("body", LONG.values(), ids=LONG)
def test_a_long_body_is_clipped(body: Any) -> None:
    failure = failure_of(400, body)
    assert max(len(failure.words), len(failure.code or "")) <= MAX_WORDS + 50
    assert len(str(failure)) < 3 * MAX_WORDS


def test_the_words_of_the_service_control_no_terminal() -> None:
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
        assert (type(copy), str(copy), copy.args) == (type(error), str(error), error.args)
        # In any order: tblib, which distributed brings along, changes how an error is pickled.
        assert repr(sorted(vars(copy).items())) == repr(sorted(vars(error).items()))
        assert len(vars(copy)) >= 8

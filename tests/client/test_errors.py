"""What the table of faults can't say of errors: their whole text, and their copies."""

import pickle
from typing import Any

import pytest

from helpers import ChatError, StreamInterruptedError
from helpers.client.responses import ChatCompletions
from helpers.tools import ToolLoopError
from tests.fakes import ASK, answer, client

ID = "7f9c1e52-0000-4000-8000-2b3c4d5e6f70"


def failure_of(status: int, body: Any, **headers: str) -> ChatError:
    with pytest.raises(ChatError) as failure:
        client(answer(status, body, **headers), max_retries=0).complete(ASK)
    return failure.value


def test_an_error_says_what_happened_in_whose_words_and_what_to_do() -> None:
    error = {"code": "Bad", "message": "Say \x1b[31mred\x1b[0m \u202eesrever"}
    failure = failure_of(400, {"error": error}, retry_after="9", x_request_id=ID)
    assert failure.request_id == ID
    assert str(failure).splitlines() == [
        "The service refused a parameter or a message. (HTTP 400)",
        # Its words control no terminal.
        r"The service says: Say \u001b[31mred\u001b[0m \u202eesrever [Bad]",
        "It asks you to wait 9 s.",
        f"Request id: {ID}",
        f"What to do: {failure.advice}",
    ]


def test_an_error_goes_to_another_process_whole() -> None:
    stream = StreamInterruptedError("Cut", partial=ChatCompletions({"id": "a"}), words="w")
    stream.add_note("seen twice")
    for error in failure_of(429, "Wait", retry_after="9"), stream, ToolLoopError("Loop", [1, 2]):
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy), copy.args) == (type(error), str(error), error.args)
        # In any order: tblib, which distributed brings along, changes how an error is pickled.
        assert repr(sorted(vars(copy).items())) == repr(sorted(vars(error).items()))
        assert len(vars(copy)) >= 8

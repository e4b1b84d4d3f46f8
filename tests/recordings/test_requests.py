"""What a client can be asked without a network."""

from copy import deepcopy

import pytest

from helpers import ChatCompletionsClient, NoRecordingError, UserMessage
from helpers.lessons import LESSONS
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport
from helpers.recordings.requests import recorded_requests
from tests.fakes import KEY, MODELS, client, leaked, service_of

LESSON = next(lesson for lesson in LESSONS if lesson.id == "07-content-safety")
QUESTION = "How do you chop an onion?"


def replaying() -> ChatCompletionsClient:
    return client(transport=ReplayTransport(LESSON.cassette("models")))


def test_a_live_client_can_be_asked_anything() -> None:
    asked = client()
    assert recorded_requests(asked) is None
    recorder = RecordingTransport(LESSON.cassette("models"), service_of(asked), LESSON.id, {})
    assert recorded_requests(client(transport=recorder)) is None
    assert service_of(asked).requests == []


def test_each_recorded_request_is_there_once_and_in_order() -> None:
    replayed = replaying()
    assert isinstance(replayed.transport, ReplayTransport)
    taped = [exchange["request"] for exchange in replayed.transport.tape["exchanges"]]
    found = recorded_requests(replayed) or []
    assert len(found) < len(taped), "the lesson asks nothing twice: this test needs another lesson"
    assert all(found.count(request) == 1 for request in taped)
    assert found == sorted(found, key=taped.index)


def test_what_is_there_can_be_asked_and_other_things_can_not() -> None:
    asked = client(transport=ReplayTransport(LESSON.cassette("models")), endpoint=MODELS)
    bodies = [request["body"] for request in recorded_requests(asked) or []]
    body = next(body for body in bodies if body["messages"][-1]["content"] == QUESTION)
    assert asked.complete(**body).choices
    with pytest.raises(NoRecordingError):
        asked.complete([UserMessage("Something else")])


def test_asking_for_them_plays_nothing_and_a_copy_changes_nothing() -> None:
    replayed = replaying()
    assert isinstance(replayed.transport, ReplayTransport)
    before, tape = replayed.transport.unplayed(), deepcopy(replayed.transport.tape)
    (recorded_requests(replayed) or []).clear()
    assert (replayed.transport.unplayed(), replayed.transport.tape) == (before, tape)
    assert leaked(recorded_requests(replayed), secret=KEY) == []

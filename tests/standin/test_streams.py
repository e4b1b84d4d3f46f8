"""How the stand-in streams, and its log probabilities."""

import json
import math
from collections.abc import Iterator

import httpx
import pytest

from tests.standin import StandIn
from tests.standin.asking import (
    ROUTES,
    chunks,
    deltas,
    first,
    post,
    question,
    streaming,
    text_of,
    with_rules,
)
from tests.standin.tokens import pieces


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with with_rules() as running:
        yield running


# --- Streams --------------------------------------------------------------------------------------
@pytest.mark.parametrize("route", ROUTES)
def test_a_stream_is_the_answer_in_pieces(server: StandIn, route: str) -> None:
    streamed = deltas(chunks(server, route, question()))
    assert streamed == pieces(text_of(post(server, route, question())))


@pytest.mark.parametrize("route", ROUTES)
def test_two_choices_are_streamed_in_turn(server: StandIn, route: str) -> None:
    body = question(n=2)
    stream = chunks(server, route, body, extra_parameters="pass-through")
    assert deltas(stream, index=0) == deltas(stream, index=1) != []


@pytest.mark.parametrize("route", ROUTES)
def test_a_stream_ends_with_done(server: StandIn, route: str) -> None:
    assert chunks(server, route, question())[-1] == "[DONE]"


def test_mesh_brings_the_usage_unasked_in_the_last_chunk(server: StandIn) -> None:
    *others, last, _ = chunks(server, "models", question())
    assert last["usage"] == post(server, "models", question()).json()["usage"]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert not any("usage" in one for one in others)


def test_mesh_is_annotated_where_the_script_wants_it(server: StandIn) -> None:
    head, *pieces, last, _ = chunks(
        server, "models", question("Say something wild, and be judged.")
    )
    assert (head["choices"], "prompt_filter_results" in head) == ([], True)
    judged = [one["choices"][0]["content_filter_results"]["violence"] for one in [*pieces, last]]
    assert [one["filtered"] for one in judged] == [False] * len(pieces) + [True]
    assert last["choices"][0]["finish_reason"] == "content_filter"
    assert last["usage"]["completion_tokens"] == 3


def test_v1_begins_with_the_filter_and_no_choice(server: StandIn) -> None:
    first = chunks(server, "v1", question())[0]
    assert (first["choices"], "prompt_filter_results" in first) == ([], True)


def test_v1_brings_the_usage_only_when_asked(server: StandIn) -> None:
    plain = chunks(server, "v1", question())
    asked = chunks(server, "v1", question(stream_options={"include_usage": True}))
    assert not any("usage" in one for one in plain[:-1])
    assert asked[-2]["choices"] == []
    assert asked[-2]["usage"] == post(server, "v1", question()).json()["usage"]
    assert all(one["usage"] is None for one in asked[1:-2])


def test_each_piece_leaves_by_itself() -> None:
    with with_rules(pace=0.2) as slow, streaming(slow, "models", question()) as response:
        parts = list(response.iter_raw())
    pieces_in = [len(deltas([json.loads(line) for line in data_lines(part)])) for part in parts]
    assert max(pieces_in) == 1


def data_lines(part: bytes) -> list[str]:
    """The JSON texts in a part of a stream."""
    lines = [line.removeprefix("data: ") for line in part.decode().split("\n")]
    return [line for line in lines if line.startswith("{")]


def test_a_scripted_cut_breaks_the_connection(server: StandIn) -> None:
    seen = b""
    with (
        streaming(server, "models", question("Count.")) as response,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        for part in response.iter_raw():
            seen += part
    assert deltas([json.loads(line) for line in data_lines(seen)]) == ["one", " two", " three"]


def test_a_server_that_stops_in_mid_answer_hangs_up_quietly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with with_rules(pace=2) as slow:
        late = streaming(slow, "models", question())
        parts = late.__enter__().iter_raw()
        next(parts)
    with pytest.raises(httpx.RemoteProtocolError):
        list(parts)
    assert caplog.record_tuples == []


# --- Log probabilities ----------------------------------------------------------------------------
@pytest.mark.parametrize("route", ROUTES)
def test_logprobs_are_of_the_pieces(server: StandIn, route: str) -> None:
    body = question(logprobs=True, top_logprobs=3)
    choice = first(post(server, route, body, extra_parameters="pass-through"))
    content = choice["logprobs"]["content"]
    assert "".join(one["token"] for one in content) == choice["message"]["content"]
    for one in content:
        assert bytes(one["bytes"]).decode() == one["token"]
        assert len(one["top_logprobs"]) == 3
        assert sum(math.exp(top["logprob"]) for top in one["top_logprobs"]) <= 1
        assert one["token"] in [top["token"] for top in one["top_logprobs"]]


@pytest.mark.parametrize(("top", "tokens"), [(1, ["No"]), (2, ["No", "Yes"]), (5, ["No", "Yes"])])
def test_a_script_tells_what_is_doubtful(server: StandIn, top: int, tokens: list[str]) -> None:
    body = question("Tea?", logprobs=True, top_logprobs=top)
    one, other = first(post(server, "v1", body))["logprobs"]["content"]
    assert math.exp(one["logprob"]) == pytest.approx(0.3, abs=0.001)
    assert [known["token"] for known in one["top_logprobs"]][:2] == tokens
    assert len(one["top_logprobs"]) == len(other["top_logprobs"]) == top
    assert sum(math.exp(known["logprob"]) for known in one["top_logprobs"]) < 1
    assert math.exp(other["logprob"]) > 0.9


@pytest.mark.parametrize("route", ROUTES)
def test_logprobs_are_the_same_in_a_stream(server: StandIn, route: str) -> None:
    body = question("Tea?", logprobs=True)
    stream = chunks(server, route, body, extra_parameters="pass-through")
    plain = first(post(server, route, body, extra_parameters="pass-through"))
    streamed = [
        one
        for chunk in stream[:-1]
        for choice in chunk["choices"]
        for one in (choice["logprobs"] or {"content": []})["content"]
    ]
    assert streamed == plain["logprobs"]["content"]


def test_no_logprobs_unasked(server: StandIn) -> None:
    assert "logprobs" not in first(post(server, "models", question()))
    assert first(post(server, "v1", question()))["logprobs"] is None

"""What no script answers is asked of a model; here another stand-in plays it."""

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.standin import StandIn
from tests.standin.asking import TOOLS, USAGE, answered, post, streamed
from tests.standin.checks import KEY
from tests.standin.handlers import ChatHandler
from tests.standin.replies import as_bytes
from tests.standin.upstream import TEMPERATURE, Upstream, tokens_of, translate_error

MODEL = "Small-Model"
HELLO = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
OF_THE_STANDIN = """\
[[script]]
ask = "What is a script?"
answer = "A script."
[[script]]
ask = "What is a model?"
by = "model"
answer = "Not the model."
options = { temperature = 0 }
"""
OF_THE_MODEL = """\
[[script]]
ask = "Hello"
answer = "Hello you"
[[script]]
ask = "What is a model?"
answer = "Hello you"
[[script]]
ask = "Be slow."
answer = "One two"
first_ms = 0
pace_ms = 60_000
[[script]]
ask = "Refuse."
fault = "json-not-asked-for"
[[script]]
ask = "Fail."
fault = "500-always"
[[script]]
ask = "Break off."
answer = "One two three four five six seven"
fault = "stream-error-chunk"
"""

each_route = pytest.mark.parametrize("route", ["models", "v1"])
whole_or_streamed = pytest.mark.parametrize("stream", [False, True])


def folder(path: Path, scripts: str) -> Path:
    """Return the folder ``path`` with a file of scripts."""
    path.mkdir()
    (path / "some.toml").write_text(scripts)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in that takes the model's name; scripts answer what it is asked."""
    scripts, name = folder(tmp_path / "model", OF_THE_MODEL), Upstream("", MODEL)
    with StandIn(pace=0, folder=scripts, upstream=name) as model:
        yield model


@pytest.fixture
def server(model: StandIn, tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in in front of the model."""
    scripts = folder(tmp_path / "server", OF_THE_STANDIN)
    with StandIn(pace=0, folder=scripts, upstream=Upstream(model.v1, MODEL, model.key)) as server:
        yield server


def asked(model: StandIn) -> list[Any]:
    """Return the bodies that the model was sent."""
    return [request.body for request in model.requests]


@each_route
def test_the_words_are_the_models_and_the_service_is_the_stand_ins(
    route: str, server: StandIn
) -> None:
    response = post(server, route, model=MODEL, logprobs=True, top_logprobs=1)
    answer = response.json()
    assert response.headers["x-answered-by"] == answer["model"] == MODEL
    assert "apim-request-id" in response.headers
    assert answer["usage"]["total_tokens"] == 6
    (choice,) = answer["choices"]
    assert choice["message"]["content"] == "Hello you"
    assert ("content_filter_results" in choice) == (route == "v1")
    assert [one["token"] for one in choice["logprobs"]["content"]] == ["Hello", " you"]
    *chunks, usage = streamed(server, route, logprobs=True, stream_options=USAGE, max_tokens=1)
    sent = [one for chunk in chunks for one in chunk["choices"]]
    assert "".join(one["delta"].get("content") or "" for one in sent) == "Hello"
    assert [one["logprobs"] for one in sent if one.get("logprobs")]
    assert sent[-1]["finish_reason"] == "length"
    assert usage["usage"]["total_tokens"] == 5


def test_the_shape_of_llama_cpps_log_probabilities_is_openais() -> None:
    one, other, end = (
        {"id": 7, "token": text, "bytes": list(text.encode()), "logprob": -0.25}
        for text in ("Hello", " you", "")
    )
    tokens = [token | {"top_logprobs": [one, other]} for token in (one, end)]
    told = {"token": "Hello", "bytes": list(b"Hello"), "logprob": -0.25}
    assert tokens_of({"content": tokens}, 1) == [told | {"top_logprobs": [told]}]


def test_what_is_passed_on(server: StandIn, model: StandIn) -> None:
    fields = {"temperature": 0.7, "stop": ["x"], "max_tokens": 9, "seed": 3}
    post(server, "v1", model=MODEL, **fields, user="me", top_p=None)
    assert asked(model) == [HELLO | fields | {"stream": True, "stream_options": USAGE}]
    assert model.requests[0].headers["authorization"] == f"Bearer {model.key}"


def test_temperature_is_low_only_where_the_request_leaves_sampling_open(
    server: StandIn, model: StandIn
) -> None:
    for fields in ({}, {"temperature": None}, {"top_p": 0.5}, {"temperature": 0}):
        post(server, "v1", **fields)
    sent = [body.get("temperature") for body in asked(model)]
    assert sent == [TEMPERATURE, TEMPERATURE, None, 0]


def test_the_seed_is_of_the_whole_body_and_of_how_often_it_was_asked(model: StandIn) -> None:
    for _ in range(2):  # two stand-ins, as in two recordings
        with StandIn(pace=0, upstream=Upstream(model.v1, MODEL, model.key)) as server:
            for route, more in (("v1", {}), ("v1", {}), ("models", {}), ("v1", {"temperature": 1})):
                post(server, route, **more)
    seeds = [body["seed"] for body in asked(model)]
    first, again, other_route, other_body = seeds[:4]
    assert seeds[4:] == seeds[:4]
    assert first == other_route
    assert len({first, again, other_body}) == 3


@pytest.mark.parametrize("seed", [None, 3])
def test_several_choices(seed: int | None, server: StandIn, model: StandIn) -> None:
    whole = answered(server, "v1", n=2, seed=seed)
    assert [one["message"]["content"] for one in whole["choices"]] == ["Hello you"] * 2
    assert whole["usage"]["total_tokens"] == 8
    texts = ["", ""]
    for chunk in streamed(server, "v1", n=2, seed=seed):
        for one in chunk["choices"]:
            texts[one["index"]] += one["delta"].get("content") or ""
    assert texts == ["Hello you"] * 2
    seeds = [body["seed"] for body in asked(model)]
    assert seeds[0] != seeds[1]
    assert seed is None or seeds[0] == seeds[2] == seed


@whole_or_streamed
@pytest.mark.parametrize(
    ("ask", "status", "words"),
    [("Refuse.", 400, "the word 'json'"), ("Fail.", 503, "temporarily unable")],
)
def test_its_errors_are_worded_as_the_service_words_them(
    ask: str, status: int, words: str, stream: bool, server: StandIn
) -> None:
    response = post(server, "v1", ask=ask, stream=stream)
    assert response.headers["x-answered-by"] == "script"
    assert response.status_code == status
    assert words in response.json()["error"]["message"]


def test_a_context_that_is_too_long_has_the_code_of_the_service() -> None:
    told = {"type": "exceed_context_size_error", "n_prompt_tokens": 9, "n_ctx": 8, "message": ""}
    body = translate_error(400, as_bytes({"error": told})).reply.body
    assert b'"code":"context_length_exceeded"' in body
    assert b"maximum context length is 8 tokens. However, your messages resulted in 9" in body


@whole_or_streamed
def test_a_model_that_is_gone_is_a_service_that_is_unavailable(stream: bool) -> None:
    with StandIn() as gone:
        upstream = Upstream(gone.v1, MODEL)
    with StandIn(pace=0, upstream=upstream) as server:
        assert post(server, "v1", stream=stream).status_code == 503


def test_a_model_that_breaks_off_breaks_the_stream(server: StandIn) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        post(server, "v1", ask="Break off.", stream=True)
    assert post(server, "v1", ask="Break off.").status_code == 503


PICTURE = [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]


@pytest.mark.parametrize(
    "fields", [{"tools": TOOLS}, {"messages": [{"role": "user", "content": PICTURE}]}]
)
def test_what_it_can_not_do_is_refused_and_not_asked(
    fields: dict[str, Any], server: StandIn, model: StandIn
) -> None:
    response = post(server, "v1", **fields)
    assert response.status_code == 400
    assert response.headers["x-answered-by"] == "script"
    assert not model.requests


@pytest.mark.parametrize(
    ("ask", "fields", "answer"),
    [
        ("What is a script?", {}, "A script."),
        ("What is a model?", {"temperature": 0}, "Hello you"),
        ("What is a model?", {}, "Hello you"),  # the condition doesn't hold: no script
    ],
)
def test_a_script_answers_unless_it_says_that_the_model_does(
    ask: str, fields: dict[str, Any], answer: str, server: StandIn
) -> None:
    response = post(server, "v1", ask=ask, **fields)
    assert response.json()["choices"][0]["message"]["content"] == answer
    by = MODEL if answer == "Hello you" else "script"
    assert response.headers["x-answered-by"] == by


def test_faults_stay_the_stand_ins(server: StandIn, model: StandIn) -> None:
    assert post(server, "v1", ask="fault: rate-limited").status_code == 429
    spoilt = answered(server, "v1", ask="fault: unknown-finish-reason")
    assert spoilt["choices"][0]["finish_reason"] == "model_length"
    assert not model.requests


@whole_or_streamed
def test_the_model_stops_when_the_reader_has_left(
    stream: bool, server: StandIn, model: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A piece of a stream is sent before the next one is there: the reader leaves after it."""
    was_left, hang_up = threading.Event(), ChatHandler.hang_up

    def hanging_up(handler: ChatHandler) -> None:
        hang_up(handler)
        if handler.server is model:
            was_left.set()

    monkeypatch.setattr(ChatHandler, "hang_up", hanging_up)
    model.pace = 1
    body = HELLO | {"messages": [{"role": "user", "content": "Be slow."}], "stream": stream}
    with (
        nullcontext() if stream else pytest.raises(httpx.ReadTimeout),
        httpx.Client(trust_env=False, headers={"api-key": KEY}, timeout=1) as client,
        client.stream("POST", f"{server.v1}/chat/completions", json=body) as response,
    ):
        assert any('"One"' in line for line in response.iter_lines())
    assert was_left.wait(10)

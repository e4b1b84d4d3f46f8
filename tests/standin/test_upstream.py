"""What no script answers is asked of a model; here a fake one that plays given events."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.standin import StandIn
from tests.standin.asking import PATHS, TOOL, USAGE, answered, post
from tests.standin.checks import KEY
from tests.standin.upstream import TEMPERATURE, Upstream

MODEL = "Small-Model"
HELLO = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
SCRIPTED = "What is a script?"
ASKED_OF_MODEL = "What is a model?"
SCRIPTS = f"""\
[[script]]
ask = "{SCRIPTED}"
answer = "A script."
[[script]]
ask = "{ASKED_OF_MODEL}"
by = "model"
answer = "Not the model."
options = {{ temperature = 0 }}
"""

each_route = pytest.mark.parametrize("route", ["models", "v1"])
whole_or_streamed = pytest.mark.parametrize("stream", [False, True])


def token(text: str, logprob: float) -> dict[str, Any]:
    """Return a token as llama.cpp sends it, with two alternatives."""
    one = {"id": 7, "token": text, "bytes": list(text.encode()), "logprob": logprob}
    other = {"id": 8, "token": " x", "bytes": [32, 120], "logprob": -3.0}
    return one | {"top_logprobs": [one, other]}


def piece(text: str | None, finish: str | None = None, *tokens: Any) -> dict[str, Any]:
    """Return a chunk of a stream as llama.cpp sends it."""
    delta = {"content": text} if text is not None else {}
    choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": finish}
    if tokens:
        choice["logprobs"] = {"content": list(tokens)}
    return {"choices": [choice], "object": "chat.completion.chunk"}


ANSWER = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]},
    piece("Hello", None, token("Hello", -0.25)),
    piece(" you", None, token(" you", -0.5), token("", -1.0)),
    piece(None, "length"),
    {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13},
     "timings": {"cache_n": 0}},
]  # fmt: skip
ENDLESS = [*ANSWER[:2], *[piece(" more")] * 1_000_000]


class Player(BaseHTTPRequestHandler):
    """Answers a request with the events of its server, or with the first one as an error."""

    server: "FakeModel"

    def do_POST(self) -> None:
        model = self.server
        model.requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        model.keys.append(self.headers["authorization"])
        self.send_response(model.status)
        self.end_headers()
        if model.status != 200:
            self.wfile.write(json.dumps(model.events[0]).encode())
            return
        try:
            for at, event in enumerate(model.events):
                if at == 2 and not model.goes_on.wait(10):
                    return
                self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            model.was_left.set()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


class FakeModel(ThreadingHTTPServer):
    """A server of the v1 route. While ``goes_on`` is not set, it stops after the second event."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Player)
        self.status, self.events = 200, ANSWER
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.goes_on, self.was_left = threading.Event(), threading.Event()
        self.goes_on.set()
        self.upstream = Upstream(f"http://127.0.0.1:{self.server_port}/v1", MODEL, "upstream-key")


@pytest.fixture
def model() -> Iterator[FakeModel]:
    with FakeModel() as model:
        thread = threading.Thread(target=model.serve_forever, args=(0.01,))
        thread.start()
        yield model
        model.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two scripts."""
    (tmp_path / "some.toml").write_text(SCRIPTS)
    return tmp_path


@pytest.fixture
def server(model: FakeModel, folder: Path) -> Iterator[StandIn]:
    """A stand-in in front of the model."""
    with StandIn(pace=0, folder=folder, upstream=model.upstream) as server:
        yield server


@contextmanager
def streaming(server: StandIn, route: str, **fields: Any) -> Iterator[Iterator[Any]]:
    """Ask the stand-in for a stream; yield its events as they come."""
    with (
        httpx.Client(trust_env=False, verify=False, headers={"api-key": KEY}) as client,
        client.stream(
            "POST", server.url + PATHS[route], json=HELLO | {"stream": True, **fields}
        ) as response,
    ):
        assert response.headers["x-answered-by"] == MODEL
        lines = (line.removeprefix("data: ") for line in response.iter_lines() if line)
        yield (line if line == "[DONE]" else json.loads(line) for line in lines)


@each_route
def test_the_words_are_the_models_and_the_service_is_the_stand_ins(
    route: str, server: StandIn
) -> None:
    response = post(server, route, model=MODEL, logprobs=True, top_logprobs=1)
    answer = response.json()
    assert response.headers["x-answered-by"] == answer["model"] == MODEL
    assert "apim-request-id" in response.headers
    assert answer["usage"]["prompt_tokens"] == 11
    assert answer["usage"]["completion_tokens"] == 2
    (choice,) = answer["choices"]
    assert choice["message"]["content"] == "Hello you"
    assert choice["finish_reason"] == "length"
    assert ("content_filter_results" in choice) == (route == "v1")
    told = [
        {"token": text, "logprob": logprob, "bytes": list(text.encode())}
        for text, logprob in [("Hello", -0.25), (" you", -0.5)]
    ]
    content = [one | {"top_logprobs": [one]} for one in told]
    assert choice["logprobs"] == {"content": content, "refusal": None}


@each_route
def test_each_piece_of_a_stream_is_sent_before_the_next_one_is_there(
    route: str, server: StandIn, model: FakeModel
) -> None:
    model.goes_on.clear()
    with streaming(server, route, logprobs=True, stream_options=USAGE) as events:
        texts = []
        for event in events:
            texts += [one["delta"].get("content") for one in event["choices"] if "delta" in one]
            if "Hello" in texts:
                break
        model.goes_on.set()
        rest = list(events)
    assert rest[-1] == "[DONE]"
    pieces = [one for event in rest[:-1] for one in event["choices"]]
    assert pieces[0]["delta"]["content"] == " you"
    assert [one["token"] for one in pieces[0]["logprobs"]["content"]] == [" you"]
    assert pieces[-1]["finish_reason"] == "length"
    assert rest[-2]["usage"]["total_tokens"] == 13


def test_what_is_passed_on(server: StandIn, model: FakeModel) -> None:
    fields = {"temperature": 0.7, "stop": ["x"], "max_tokens": 9, "seed": 3}
    post(server, "v1", model=MODEL, **fields, user="me", top_p=None)
    assert model.keys == ["Bearer upstream-key"]
    assert model.requests == [HELLO | fields | {"stream": True, "stream_options": USAGE}]


def test_temperature_is_low_only_where_the_request_leaves_sampling_open(
    server: StandIn, model: FakeModel
) -> None:
    for fields in ({}, {"temperature": None}, {"top_p": 0.5}, {"temperature": 0}):
        post(server, "v1", model=MODEL, **fields)
    sent = [request.get("temperature") for request in model.requests]
    assert sent == [TEMPERATURE, TEMPERATURE, None, 0]


def test_the_seed_is_of_the_whole_body_and_of_how_often_it_was_asked(model: FakeModel) -> None:
    for _ in range(2):  # two stand-ins, as in two recordings
        with StandIn(pace=0, upstream=model.upstream) as server:
            for route, more in (("v1", {}), ("v1", {}), ("models", {}), ("v1", {"temperature": 1})):
                post(server, route, model=MODEL, **more)
    seeds = [request["seed"] for request in model.requests]
    first, again, other_route, other_body = seeds[:4]
    assert seeds[4:] == seeds[:4]
    assert first == other_route
    assert len({first, again, other_body}) == 3


@pytest.mark.parametrize("seed", [None, 3])
def test_several_choices(seed: int | None, server: StandIn, model: FakeModel) -> None:
    whole = answered(server, "v1", model=MODEL, n=2, seed=seed)
    with streaming(server, "v1", n=2, seed=seed) as events:
        sent = [one for event in events if event != "[DONE]" for one in event["choices"]]
    assert [one["message"]["content"] for one in whole["choices"]] == ["Hello you"] * 2
    assert whole["usage"]["completion_tokens"] == 4
    assert whole["usage"]["prompt_tokens"] == 11
    texts = ["", ""]
    for one in sent:
        texts[one["index"]] += one["delta"].get("content") or ""
    assert texts == ["Hello you"] * 2
    seeds = [request["seed"] for request in model.requests]
    assert seeds[0] != seeds[1]
    assert seed is None or seeds[0] == seeds[2] == seed
    assert not any("n" in request for request in model.requests)


@whole_or_streamed
@pytest.mark.parametrize(
    ("told", "status", "code", "words"),
    [
        (
            {"code": 400, "message": "request exceeds", "type": "exceed_context_size_error",
             "n_prompt_tokens": 9031, "n_ctx": 8192},
            400, "context_length_exceeded", "maximum context length is 8192 tokens.*9031 tokens",
        ),
        ({"code": 400, "message": "bad schema", "type": "invalid_request_error"},
         400, None, "bad schema"),
        ({"code": 500, "message": "oh", "type": "server_error"},
         503, "ServiceUnavailable", "temporarily unable"),
    ],
)  # fmt: skip
def test_its_errors_are_worded_as_the_service_words_them(
    told: Any, status: int, code: str | None, words: str,
    stream: bool, server: StandIn, model: FakeModel,
) -> None:  # fmt: skip
    model.events, model.status = [{"error": told}], told["code"]
    response = post(server, "v1", model=MODEL, stream=stream)
    error = response.json()["error"]
    assert response.headers["x-answered-by"] == "script"
    assert (response.status_code, error["code"]) == (status, code)
    assert re.search(words, error["message"])


@whole_or_streamed
def test_a_model_that_is_gone_is_a_service_that_is_unavailable(
    stream: bool, server: StandIn, model: FakeModel
) -> None:
    model.server_close()
    assert post(server, "v1", model=MODEL, stream=stream).status_code == 503


def test_a_model_that_breaks_off_breaks_the_stream(server: StandIn, model: FakeModel) -> None:
    model.events = [*ANSWER[:3], {"error": {"code": 500, "message": "broken"}}]
    with pytest.raises(httpx.RemoteProtocolError), streaming(server, "v1") as events:
        list(events)
    assert post(server, "v1", model=MODEL).status_code == 503


PICTURE = [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]


@pytest.mark.parametrize(
    "fields", [{"tools": [TOOL]}, {"messages": [{"role": "user", "content": PICTURE}]}]
)
def test_what_it_can_not_do_is_refused_and_not_asked(
    fields: dict[str, Any], server: StandIn, model: FakeModel
) -> None:
    response = post(server, "v1", model=MODEL, **fields)
    assert response.status_code == 400
    assert response.headers["x-answered-by"] == "script"
    assert not model.requests


@pytest.mark.parametrize(
    ("text", "fields", "answer"),
    [
        (SCRIPTED, {}, "A script."),
        (ASKED_OF_MODEL, {"temperature": 0}, "Hello you"),
        (ASKED_OF_MODEL, {}, "Hello you"),  # the script's condition doesn't hold: no script
    ],
)
def test_a_script_answers_unless_it_says_that_the_model_does(
    text: str, fields: dict[str, Any], answer: str, server: StandIn
) -> None:
    response = post(server, "v1", model=MODEL, ask=text, **fields)
    assert response.json()["choices"][0]["message"]["content"] == answer
    by = MODEL if answer == "Hello you" else "script"
    assert response.headers["x-answered-by"] == by


def test_without_a_model_the_answer_beside_it_is_given(folder: Path) -> None:
    with StandIn(pace=0, folder=folder) as server:
        answer = answered(server, "v1", ask=ASKED_OF_MODEL, temperature=0)
        unknown = post(server, "v1", model=MODEL)
    assert answer["choices"][0]["message"]["content"] == "Not the model."
    assert unknown.status_code == 404


def test_faults_stay_the_stand_ins(server: StandIn, model: FakeModel) -> None:
    refused = post(server, "v1", model=MODEL, ask="fault: rate-limited")
    spoilt = post(server, "v1", model=MODEL, ask="fault: unknown-finish-reason")
    assert refused.status_code == 429
    assert spoilt.json()["choices"][0]["finish_reason"] == "model_length"
    assert not model.requests


@whole_or_streamed
def test_the_model_stops_when_the_reader_has_left(
    stream: bool, server: StandIn, model: FakeModel
) -> None:
    model.events = ENDLESS
    if stream:
        with streaming(server, "v1") as events:
            next(events)
    else:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(server.v1 + "/chat/completions", json=HELLO, timeout=0.3,
                       trust_env=False, headers={"api-key": KEY})  # fmt: skip
    assert model.was_left.wait(10)

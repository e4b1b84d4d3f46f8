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

ROUTES = ["models", "v1"]
MODEL = "Small-Model"
HELLO = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
SCRIPTED = "What is a script?"
ASKED_OF_MODEL = "What is a model?"


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


class FakeModel:
    """A server of the v1 route. ``waits`` is passed before every event after the second."""

    def __init__(self, events: list[Any], status: int = 200, broken: bool = False) -> None:
        self.events, self.status, self.broken = events, status, broken
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.waits = threading.Event()
        self.waits.set()
        self.was_left = threading.Event()

    @contextmanager
    def running(self) -> Iterator[Upstream]:
        """Serve until the block ends."""
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                model.reply(self)

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Upstream(f"http://127.0.0.1:{server.server_port}/v1", MODEL, "upstream-key")
        finally:
            self.waits.set()
            server.shutdown()
            thread.join()
            server.server_close()

    def reply(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        size = int(handler.headers["content-length"])
        self.requests.append(json.loads(handler.rfile.read(size)))
        self.keys.append(handler.headers["authorization"])
        handler.send_response(self.status)
        handler.end_headers()
        if self.status != 200:
            handler.wfile.write(json.dumps(self.events[0]).encode())
            return
        try:
            for at, event in enumerate(self.events):
                if at == 2 and not self.waits.wait(10):
                    return
                handler.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
                handler.wfile.flush()
            if self.broken:
                handler.wfile.write(b'data: {"error":{"code":500,"message":"broken"}}\n\n')
            handler.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            self.was_left.set()


@contextmanager
def asking(model: FakeModel, folder: Path) -> Iterator[StandIn]:
    """Run a stand-in in front of ``model``, with two scripts."""
    (folder / "some.toml").write_text(
        f'[[script]]\nask = "{SCRIPTED}"\nanswer = "A script."\n'
        f'[[script]]\nask = "{ASKED_OF_MODEL}"\nby = "model"\nanswer = "Not the model."\n'
        "options = { temperature = 0 }\n"
    )
    with model.running() as upstream, StandIn(pace=0, folder=folder, upstream=upstream) as server:
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


@pytest.mark.parametrize("route", ROUTES)
def test_the_words_are_the_models_and_the_service_is_the_stand_ins(
    route: str, tmp_path: Path
) -> None:
    with asking(FakeModel(ANSWER), tmp_path) as server:
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


@pytest.mark.parametrize("route", ROUTES)
def test_each_piece_of_a_stream_is_sent_before_the_next_one_is_there(
    route: str, tmp_path: Path
) -> None:
    model = FakeModel(ANSWER)
    model.waits.clear()
    wanted = {"logprobs": True, "stream_options": USAGE}
    with asking(model, tmp_path) as server, streaming(server, route, **wanted) as events:
        texts = []
        for event in events:
            texts += [one["delta"].get("content") for one in event["choices"] if "delta" in one]
            if "Hello" in texts:
                break
        model.waits.set()
        rest = list(events)
    assert rest[-1] == "[DONE]"
    pieces = [one for event in rest[:-1] for one in event["choices"]]
    assert pieces[0]["delta"]["content"] == " you"
    assert [one["token"] for one in pieces[0]["logprobs"]["content"]] == [" you"]
    assert pieces[-1]["finish_reason"] == "length"
    assert rest[-2]["usage"]["total_tokens"] == 13


def test_what_is_passed_on(tmp_path: Path) -> None:
    model = FakeModel(ANSWER)
    fields = {"temperature": 0.7, "stop": ["x"], "max_tokens": 9, "seed": 3, "user": "me"}
    with asking(model, tmp_path) as server:
        post(server, "v1", model=MODEL, **fields, top_p=None)
    assert model.keys == ["Bearer upstream-key"]
    assert model.requests == [
        HELLO
        | {"temperature": 0.7, "stop": ["x"], "max_tokens": 9, "seed": 3}
        | {"stream": True, "stream_options": USAGE}
    ]


def test_temperature_is_low_only_where_the_request_leaves_sampling_open(tmp_path: Path) -> None:
    model = FakeModel(ANSWER)
    with asking(model, tmp_path) as server:
        for fields in ({}, {"temperature": None}, {"top_p": 0.5}, {"temperature": 0}):
            post(server, "v1", model=MODEL, **fields)
    sent = [request.get("temperature") for request in model.requests]
    assert sent == [TEMPERATURE, TEMPERATURE, None, 0]


def test_the_seed_is_of_the_whole_body_and_of_how_often_it_was_asked(tmp_path: Path) -> None:
    model = FakeModel(ANSWER)
    for _ in range(2):  # two stand-ins, as in two recordings
        with asking(model, tmp_path) as server:
            for route, more in (("v1", {}), ("v1", {}), ("models", {}), ("v1", {"temperature": 1})):
                post(server, route, model=MODEL, **more)
    seeds = [request["seed"] for request in model.requests]
    first, again, other_route, other_body = seeds[:4]
    assert seeds[4:] == seeds[:4]
    assert first == other_route
    assert len({first, again, other_body}) == 3


@pytest.mark.parametrize("seed", [None, 3])
def test_several_choices(seed: int | None, tmp_path: Path) -> None:
    model = FakeModel(ANSWER)
    with asking(model, tmp_path) as server:
        whole = answered(server, "v1", model=MODEL, n=2, seed=seed)
        with streaming(server, "v1", n=2, seed=seed) as events:
            sent = [one for event in events if event != "[DONE]" for one in event["choices"]]
    assert [one["message"]["content"] for one in whole["choices"]] == ["Hello you"] * 2
    assert whole["usage"]["completion_tokens"] == 4
    assert whole["usage"]["prompt_tokens"] == 11
    texts = [
        "".join(c["delta"].get("content") or "" for c in sent if c["index"] == at) for at in (0, 1)
    ]
    assert texts == ["Hello you"] * 2
    seeds = [request["seed"] for request in model.requests]
    assert seeds[0] != seeds[1]
    assert seed is None or seeds[0] == seeds[2] == seed
    assert not any("n" in request for request in model.requests)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("stream", [False, True])
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
    told: Any, status: int, code: str | None, words: str, route: str, stream: bool, tmp_path: Path
) -> None:
    with asking(FakeModel([{"error": told}], told["code"]), tmp_path) as server:
        response = post(server, route, model=MODEL, stream=stream)
    error = response.json()["error"]
    assert response.headers["x-answered-by"] == "script"
    assert (response.status_code, error["code"]) == (status, code)
    assert re.search(words, error["message"])


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_is_gone_is_a_service_that_is_unavailable(
    stream: bool, tmp_path: Path
) -> None:
    with FakeModel([]).running() as upstream:
        pass
    with StandIn(pace=0, folder=tmp_path, upstream=upstream) as server:
        assert post(server, "v1", model=MODEL, stream=stream).status_code == 503


def test_a_model_that_breaks_off_breaks_the_stream(tmp_path: Path) -> None:
    with asking(FakeModel(ANSWER[:3], broken=True), tmp_path) as server:
        with pytest.raises(httpx.RemoteProtocolError), streaming(server, "v1") as events:
            list(events)
        assert post(server, "v1", model=MODEL).status_code == 503


PICTURE = [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "fields", [{"tools": [TOOL]}, {"messages": [{"role": "user", "content": PICTURE}]}]
)
def test_what_it_can_not_do_is_refused_and_not_asked(
    fields: dict[str, Any], route: str, tmp_path: Path
) -> None:
    model = FakeModel(ANSWER)
    with asking(model, tmp_path) as server:
        response = post(server, route, model=MODEL, **fields)
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
    text: str, fields: dict[str, Any], answer: str, tmp_path: Path
) -> None:
    with asking(FakeModel(ANSWER), tmp_path) as server:
        response = post(server, "v1", model=MODEL, ask=text, **fields)
    assert response.json()["choices"][0]["message"]["content"] == answer
    by = MODEL if answer == "Hello you" else "script"
    assert response.headers["x-answered-by"] == by


def test_without_a_model_the_answer_beside_it_is_given(tmp_path: Path) -> None:
    with asking(FakeModel(ANSWER), tmp_path):
        pass
    with StandIn(pace=0, folder=tmp_path) as server:
        answer = answered(server, "v1", ask=ASKED_OF_MODEL, temperature=0)
        unknown = post(server, "v1", model=MODEL)
    assert answer["choices"][0]["message"]["content"] == "Not the model."
    assert unknown.status_code == 404


def test_faults_stay_the_stand_ins(tmp_path: Path) -> None:
    model = FakeModel(ANSWER)
    with asking(model, tmp_path) as server:
        refused = post(server, "v1", model=MODEL, ask="fault: rate-limited")
        spoilt = post(server, "v1", model=MODEL, ask="fault: unknown-finish-reason")
    assert refused.status_code == 429
    assert spoilt.json()["choices"][0]["finish_reason"] == "model_length"
    assert not model.requests


@pytest.mark.parametrize("stream", [False, True])
def test_the_model_stops_when_the_reader_has_left(stream: bool, tmp_path: Path) -> None:
    model = FakeModel(ENDLESS)
    with asking(model, tmp_path) as server:
        if stream:
            with streaming(server, "v1") as events:
                next(events)
        else:
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(server.v1 + "/chat/completions", json=HELLO, timeout=0.3,
                           trust_env=False, headers={"api-key": KEY})  # fmt: skip
        assert model.was_left.wait(10)

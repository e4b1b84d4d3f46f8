"""What the stand-in answers: tokens, limits, scripts, calls of tools, headers."""

import json
from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.standin import StandIn
from tests.standin.asking import (
    CLIENT,
    QUESTION,
    ROUTES,
    first,
    post,
    question,
    text_of,
    with_rules,
)
from tests.standin.faults import FAULTS
from tests.standin.scripts import load
from tests.standin.tokens import picture_tokens, pieces


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with with_rules() as running:
        yield running


# --- Tokens ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text", ["", " ", "one two", "  a,b!\n\n", "incomprehensibilities", "é 😀\u2028x_y", "7.5 %"]
)
def test_pieces_joined_give_the_text_back(text: str) -> None:
    assert "".join(pieces(text)) == text


def test_a_long_word_is_several_pieces() -> None:
    assert pieces(" understanding.") == [" understa", "nding", "."]


# --- The answer -----------------------------------------------------------------------------------
@pytest.mark.parametrize("route", ROUTES)
def test_usage_adds_up(server: StandIn, route: str) -> None:
    body = post(server, route, question()).json()
    usage = body["usage"]
    assert usage["completion_tokens"] == len(pieces(body["choices"][0]["message"]["content"]))
    assert usage["prompt_tokens"] == len(pieces(QUESTION)) + 3
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_limit_of_tokens_cuts(server: StandIn, route: str, name: str) -> None:
    whole = pieces(text_of(post(server, route, question())))
    body = post(server, route, question(**{name: 7}), extra_parameters="pass-through").json()
    choice = body["choices"][0]
    assert choice["message"]["content"] == "".join(whole[:7])
    assert (choice["finish_reason"], body["usage"]["completion_tokens"]) == ("length", 7)


def test_a_limit_that_is_just_enough_cuts_nothing(server: StandIn) -> None:
    tokens = post(server, "models", question()).json()["usage"]["completion_tokens"]
    choice = first(post(server, "models", question(max_tokens=tokens)))
    assert choice["finish_reason"] == "stop"


@pytest.mark.parametrize("stop", ["languages", ["nobody", "languages"]])
def test_stop_cuts_before_the_stop_text(server: StandIn, stop: Any) -> None:
    whole = text_of(post(server, "models", question()))
    choice = first(post(server, "models", question(stop=stop)))
    assert choice["message"]["content"] == whole[: whole.index("languages")]
    assert choice["finish_reason"] == "stop"


@pytest.mark.parametrize("route", ROUTES)
def test_the_filter_ends_an_answer(server: StandIn, route: str) -> None:
    choice = first(post(server, route, question("Say something wild.")))
    assert choice["message"]["content"] == "one two three"
    assert choice["finish_reason"] == "content_filter"


def test_v1_says_what_the_filter_found(server: StandIn) -> None:
    choice = first(post(server, "v1", question("Say something wild.")))
    assert choice["content_filter_results"]["violence"]["filtered"] is True


def test_mesh_says_it_only_where_the_script_wants_it(server: StandIn) -> None:
    plain = post(server, "models", question("Say something wild.")).json()
    judged = post(server, "models", question("Say something wild, and be judged.")).json()
    assert "content_filter_results" not in plain["choices"][0]
    assert judged["choices"][0]["content_filter_results"]["violence"]["filtered"] is True
    prompt = judged["prompt_filter_results"][0]["content_filter_results"]
    assert prompt["jailbreak"] == {"filtered": False, "detected": False}


def test_n_gives_as_many_choices(server: StandIn) -> None:
    choices = post(server, "v1", question("Pick one.", n=3)).json()["choices"]
    assert [c["message"]["content"] for c in choices] == ["One.", "Two.", "Three."]


@pytest.mark.parametrize(
    ("options", "answers"),
    [
        ({}, ["One.", "Two.", "Three.", "One."]),
        ({"seed": 7}, ["Two."] * 4),
        ({"temperature": 0}, ["One."] * 4),
    ],
)
def test_an_answer_varies_unless_told_not_to(options: dict[str, Any], answers: list[str]) -> None:
    body = question("Pick one.", **options)
    with with_rules() as fresh:
        assert [text_of(post(fresh, "models", body)) for _ in answers] == answers


def test_without_a_script_it_says_so(server: StandIn) -> None:
    text = text_of(post(server, "models", question("Why? " * 100)))
    assert "stand-in endpoint" in text
    assert text.count("Why?") == 40


@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
def test_json_mode_gives_json_without_a_script_too(server: StandIn, kind: str) -> None:
    schema = {"name": "any", "schema": {"type": "object"}}
    form = {"type": kind} | ({"json_schema": schema} if kind == "json_schema" else {})
    text = text_of(post(server, "models", question('"JSON"?', response_format=form)))
    assert '"JSON"?' in json.loads(text)["stand_in"]


@pytest.mark.parametrize(
    ("system", "earlier", "options", "answer"),
    [
        ("", "", {}, "A script. Nothing more."),
        ("You are a pirate.", "", {}, "Arr, a script!"),
        ("You are a pirate.", "", {"temperature": 0}, "A cold pirate."),
        ("", "", {"temperature": 0.9}, "Fireworks!"),
        ("", "", {"temperature": 0.8}, "A script. Nothing more."),
        ("", "Hello, my name is Ada.", {}, "You are not me, Ada."),
        ("my name is Ada", "", {}, "A script. Nothing more."),
    ],
)
def test_the_most_special_script_wins(
    server: StandIn, system: str, earlier: str, options: dict[str, Any], answer: str
) -> None:
    told = [("system", system), ("user", earlier), ("user", "Who \n are  you?")]
    said = [{"role": role, "content": text} for role, text in told if text]
    body = {"model": "stand-in-chat", "messages": said} | options
    assert text_of(post(server, "models", body)) == answer


def test_a_picture_is_known_by_its_bytes(server: StandIn) -> None:
    def shown(url: str) -> str:
        items = [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": url}},
        ]
        message = {"role": "user", "content": items}
        return text_of(post(server, "v1", question() | {"messages": [message]}))

    hello = b64encode(b"hello").decode()  # the SHA-256 of the bytes begins with 2cf24dba
    assert shown(f"data:image/png;base64,{hello}") == "Five bytes."
    assert shown("https://example.org/cat.png") != "Five bytes."


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("size", "detail", "tokens"),
    [
        ((100, 100), "low", 85),
        ((4000, 3000), "low", 85),
        ((100, 100), None, 85 + 170),
        ((512, 512), "high", 85 + 170),
        ((513, 512), "auto", 85 + 2 * 170),
        ((1024, 1024), "high", 85 + 4 * 170),  # made 768 by 768
        ((2048, 4096), "high", 85 + 6 * 170),  # made 1024 by 2048, then 768 by 1536
    ],
)
def test_a_picture_costs_tokens_by_its_size(
    server: StandIn, route: str, size: tuple[int, int], detail: str | None, tokens: int
) -> None:
    def cost(*pictures: dict[str, Any]) -> int:
        items = [{"type": "text", "text": "What?"}, *pictures]
        body = question() | {"messages": [{"role": "user", "content": items}]}
        return int(post(server, route, body).json()["usage"]["prompt_tokens"])

    stream = BytesIO()
    Image.new("1", size).save(stream, "PNG")
    shown = {"url": f"data:image/png;base64,{b64encode(stream.getvalue()).decode()}"}
    shown |= {"detail": detail} if detail else {}
    assert cost({"type": "image_url", "image_url": shown}) - cost() == tokens


@pytest.mark.parametrize("url", ["https://example.com/a.png", "data:image/png;base64,AAAA", "?"])
def test_a_picture_without_a_size_counts_as_one_tile(url: str) -> None:
    assert picture_tokens({"type": "image_url", "image_url": {"url": url}}) == 85 + 170


DOUBT = '[[script]]\nask = "a"\nanswer = "b"\ndoubts = '


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('[[script]]\nask = "a"\nanswr = "b"', "rules.toml, script 1: no such field: answr"),
        ('[[script]]\nask = "a"', "needs an answer"),
        ('[[script]]\nask = "a"\nfault = "b"', "no such fault: b"),
        ('[[script]]\nanswer = "b"', "ask"),
        (DOUBT + "{ c = { c = 0.5 } }", "'c' is no piece of the answer"),
        (DOUBT + "{ b = { c = 0.5 } }", "or has no chance"),
        (DOUBT + "{ b = { b = 0.5, c = 0.5 } }", "above 0 and below 1"),
        (DOUBT + "{ b = { b = 0.5, c = 0 } }", "above 0 and below 1"),
    ],
)
def test_a_mistake_in_a_script_is_named(tmp_path: Path, toml: str, words: str) -> None:
    (tmp_path / "rules.toml").write_text(toml, encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        load(tmp_path)


# --- Headers, determinism, what was received ------------------------------------------------------
@pytest.mark.parametrize("route", ROUTES)
def test_everything_says_who_answered(server: StandIn, route: str) -> None:
    whole = [name for name in FAULTS if name not in ("no-answer", "answer-cut")]
    for text in [QUESTION, *(f"fault: {name}" for name in whole)]:
        assert post(server, route, question(text)).headers["x-answered-by"] == "stand-in", text


@pytest.mark.parametrize("path", ["/", "/models/chat/completions"])
def test_refusals_say_who_answered_too(server: StandIn, path: str) -> None:
    assert CLIENT.get(server.url + path).headers["x-answered-by"] == "stand-in"


@pytest.mark.parametrize(
    ("route", "names"),
    [
        ("models", {"x-request-id", "x-ms-rai-invoked"}),
        ("v1", {"apim-request-id", "x-ms-region", "x-ratelimit-remaining-requests"}),
    ],
)
def test_the_headers_of_the_route(server: StandIn, route: str, names: set[str]) -> None:
    assert names <= set(post(server, route, question()).headers)


@pytest.mark.parametrize("route", ROUTES)
def test_two_runs_are_the_same_to_the_byte(route: str) -> None:
    def transcript() -> list[tuple[bytes, list[tuple[str, str]]]]:
        asks = [QUESTION, QUESTION, "Pick one.", "fault: wrong-key", "No script for this"]
        bodies = [question(ask, stream=stream) for ask in asks for stream in (False, True)]
        with with_rules() as fresh:
            answers = [post(fresh, route, body) for body in bodies]
        return [(answer.content, answer.headers.multi_items()) for answer in answers]

    assert transcript() == transcript()


@pytest.mark.parametrize("route", ROUTES)
def test_no_header_depends_on_the_day_or_the_version(server: StandIn, route: str) -> None:
    assert not {"date", "server", "etag"} & set(post(server, route, question()).headers)


@pytest.mark.parametrize("route", ROUTES)
def test_the_same_question_again_has_another_id(server: StandIn, route: str) -> None:
    ids = {post(server, route, question("Again?")).json()["id"] for _ in range(3)}
    assert len(ids) == 3


def test_a_refused_request_does_not_count(server: StandIn) -> None:
    body = question("Pick one.", seed=None)
    post(server, "models", body, api_key="wrong")
    assert text_of(post(server, "models", body)) == "One."


def test_requests_are_listed(server: StandIn) -> None:
    post(server, "models", question("Listed?", foo=1), extra_parameters="drop")
    received = server.requests[-1]
    assert (received.method, received.path) == ("POST", "/models/chat/completions")
    assert received.query == {"api-version": "2024-05-01-preview"}
    assert received.headers["extra-parameters"] == "drop"
    assert received.body == question("Listed?", foo=1)
    assert server.key not in repr(received)

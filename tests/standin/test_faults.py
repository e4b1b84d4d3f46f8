"""Every fault does what its name says."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standin import StandIn
from tests.standin.asking import ROUTES, chunks, deltas, first, post, question, text_of, with_rules
from tests.standin.faults import FAULTS


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with with_rules() as running:
        yield running


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS.values() if fault.reply], ids=lambda f: f.name
)
def test_a_fault_answers_with_its_status(route: str, fault: Any, server: StandIn) -> None:
    body = question(f"fault: {fault.name}", seed=1)
    if fault.name in ("no-answer", "answer-cut"):
        with pytest.raises(httpx.RemoteProtocolError):
            post(server, route, body)
        return
    times = fault.times or 3
    seen = [post(server, route, body).status_code for _ in range(times)]
    assert seen == [fault.status] * times
    if fault.times:
        assert post(server, route, body).status_code == 200


def test_an_unknown_fault_is_an_error_that_lists_them(server: StandIn) -> None:
    response = post(server, "models", question("fault: boredom"))
    assert (response.status_code, response.json()["error"]["code"]) == (400, "unknown_fault")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("rate-limited", "rate-limited"),
        ("500-always", "500-always"),
        ("content-filter", "content-filter"),
        ("no-choices", "no-choices"),
        ("unknown-model", None),
        ("extra-refused", None),
    ],
)
def test_what_no_deployment_can_be_made_to_do_is_marked(
    server: StandIn, name: str, told: str | None
) -> None:
    response = post(server, "models", question(f"fault: {name}", seed=3))
    assert response.headers.get("x-provoked") == told


def test_scripted_faults_come_in_order(server: StandIn) -> None:
    seen = [post(server, "models", question("Once more.")).status_code for _ in range(4)]
    assert seen == [429, 503, 200, 200]


@pytest.mark.parametrize(
    ("name", "header", "value"),
    [
        ("rate-limited", "retry-after", "2"),
        ("rate-limited", "retry-after-ms", "2000"),
        ("retry-after-seconds", "retry-after", "1"),
        ("retry-after-ms", "retry-after-ms", "50"),
        ("retry-after-day", "retry-after", "86400"),
        ("retry-after-garbage", "retry-after", "soon"),
        ("wrong-key-serverless", "x-ms-error-reason", "Invalid JWT."),
    ],
)
def test_the_header_of_a_fault(server: StandIn, name: str, header: str, value: str) -> None:
    response = post(server, "models", question(f"fault: {name}", seed=2))
    assert response.headers[header] == value


def test_echo_key_repeats_the_key(server: StandIn) -> None:
    assert server.key in post(server, "v1", question("fault: echo-key")).text


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("name", "reason", "content"),
    [
        ("filtered-output", "content_filter", "This is the stand-"),
        ("filtered-output-emptied", "stop", ""),
        ("unknown-finish-reason", "model_length", None),
    ],
)
def test_a_fault_of_the_answer(
    server: StandIn, route: str, name: str, reason: str, content: str | None
) -> None:
    choice = first(post(server, route, question(f"fault: {name}")))
    assert choice["finish_reason"] == reason
    assert content in (None, choice["message"]["content"])
    stream = chunks(server, route, question(f"fault: {name}"))
    assert "".join(deltas(stream)) == choice["message"]["content"]


@pytest.mark.parametrize("route", ROUTES)
def test_no_choices(server: StandIn, route: str) -> None:
    assert post(server, route, question("fault: no-choices")).json()["choices"] == []
    assert not any(
        one["choices"] for one in chunks(server, route, question("fault: no-choices"))[:-1]
    )


def test_filter_down(server: StandIn) -> None:
    choice = first(post(server, "v1", question("fault: filter-down")))
    assert choice["content_filter_result"]["error"]["code"] == "content_filter_error"


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("stream-error-chunk", b'"message":"The model stopped in mid-sentence."}}\n\n'),
        ("stream-error-event", b"unexpected end of input\n\ndata: [DONE]\n\n"),
        ("no-done", b"}\n\n"),
        ("no-delta", b'"created":0,"id":"","model":"","object":""}\n\ndata: [DONE]\n\n'),
        ("odd-lines", b"data:[DONE]\r\n\r\n"),
    ],
)
def test_a_spoilt_stream(server: StandIn, route: str, name: str, end: bytes) -> None:
    response = post(server, route, question(f"fault: {name}", stream=True))
    assert response.content.endswith(end)
    assert response.status_code == 200


@pytest.mark.parametrize("route", ROUTES)
def test_a_cut_stream(server: StandIn, route: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        post(server, route, question("fault: stream-cut", stream=True))


def test_odd_lines_mean_the_same(server: StandIn) -> None:
    stream = chunks(server, "models", question("fault: odd-lines"))
    assert "".join(deltas(stream)) == text_of(post(server, "models", question("fault: odd-lines")))

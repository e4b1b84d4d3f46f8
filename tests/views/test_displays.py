"""The displays of calls, and the map of lessons: what they say of the data they are given."""

import io
import re
from functools import reduce
from typing import Any

import pytest
from PIL import Image

from helpers import views
from helpers.client.errors import ConfigurationError
from helpers.client.redaction import MAX_STRING
from helpers.views.displays import MAX_BODY, sparkline
from tests.views.test_views import Page, png, tokens, wire


def nested(depth: int) -> Any:
    return reduce(lambda inner, _: [inner], range(depth), [])


PICTURE = "data:image/png;base64," + "iVBO" * 50
BODIES: dict[str, tuple[dict[str, Any], str]] = {  # what was sent or came, and what is shown of it
    "a picture is told by type and length": (
        {"request_body": {"url": PICTURE}}, f'"data:image/png;base64,… ({len(PICTURE)} characters)"'
    ),
    "nested without end": ({"response_body": nested(5000)}, "nested too deeply"),
    "an empty body": ({"response_body": ""}, "(no body)"),
}  # fmt: skip


class TestWire:
    @pytest.mark.parametrize(("facts", "expected"), BODIES.values(), ids=BODIES)
    def test_a_body_is_shown_as_what_it_is(self, facts: dict[str, Any], expected: str) -> None:
        assert expected in wire(**facts).plain
        assert "iVBO" not in wire(**facts).plain

    @pytest.mark.parametrize("body", [{"content": "a" * 5000}, "a" * 5000], ids=["json", "text"])
    def test_a_long_string_is_cut_and_counted(self, body: Any) -> None:
        shown = wire(response_body=body).plain
        left_out = re.search(r"a … \(([\d,]+) characters left out\) … a", shown)
        assert left_out
        answer = shown[shown.index("Answer") :]
        # The a in "Answer", headers and note are no run of them.
        kept = sum(map(len, re.findall("a{50,}", answer)))
        assert int(left_out[1].replace(",", "")) + kept == 5000

    def test_a_string_is_not_cut_where_that_would_make_it_longer(self) -> None:
        assert "a" * (MAX_STRING + 20) in wire(response_body="a" * (MAX_STRING + 20)).plain

    def test_a_body_of_many_small_parts_is_cut_too(self) -> None:
        view = wire(response_body=list(range(200_000)))
        assert len(view.plain) < 2 * MAX_BODY
        assert "characters left out" in view.plain

    def test_an_error_before_anything_was_sent(self) -> None:
        assert views.wire(ConfigurationError("No endpoint.")).plain == "Nothing was sent."


class TestUsage:
    def test_no_tokens_and_very_many(self) -> None:
        zero, many = tokens(0, 0), tokens(10**9, 3)
        for most in (many, tokens(10**30, 3)):
            view = views.usage({"zero": zero, "many": most})
            assert 1 <= max(len(row[-1]) for row in Page(view.html).rows(5)) <= 17
        assert Page(views.usage({"zero": zero}).html).cells[-1] == ""
        assert len(Page(views.usage({}).html).cells) == 5


class TestTimeline:
    @pytest.mark.parametrize("moments", [[], [0.0], [0.0, 0.0], [1e-9], [1e5], [0.9996], [59.96]])
    def test_odd_moments_are_drawn_too(self, moments: list[float]) -> None:
        Image.open(io.BytesIO(png(views.timeline({"run": moments})))).load()


@pytest.mark.parametrize(
    ("arrivals", "signs", "facts"),
    [
        ([], "", "No chunk."),
        (
            [0.05, 0.15, 0.25],
            "0 s ███ 250 ms",
            "One sign is 100 ms: ·\u00a0no chunk, █\u00a01\u00a0of them.",
        ),
        (
            [9.0, 9.1, 9.3],
            "0 s " + "·" * 45 + "█▄ 9.3 s",
            "One sign is 200 ms: ·\u00a0no chunk, █\u00a02\u00a0of them.",
        ),
        ([3600.0], "0 s " + "·" * 36 + "█ 3600.0 s", "1 chunk: first after 3600.0 s, last after"),
    ],
)
def test_a_time_line_tells_when_chunks_came(arrivals: list[float], signs: str, facts: str) -> None:
    drawn, words = sparkline(arrivals)
    assert drawn == signs
    assert facts in words


def test_a_time_line_stays_short() -> None:
    for seconds in (0.01, 5.99, 6.0, 59.9, 60.0, 1234.5, 1e6):
        signs = sparkline([seconds])[0].removeprefix("0 s ").split()[0]
        assert 1 <= len(signs) <= 60

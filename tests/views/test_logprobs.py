"""The heatmap: every word in order, unsure tokens marked, and odd logprobs."""

import math
import re
from itertools import pairwise
from typing import Any

import pytest
from PIL import ImageColor

from helpers.client.responses import ChatCompletions
from helpers.views import logprobs as module
from helpers.views.logprobs import MAX_ROWS, MAX_TOKENS, heatmap
from helpers.views.view import View
from tests.views.test_charts import contrast
from tests.views.test_views import Page

SMILE = "😀".encode()


def token(text: str, chance: float = 0.99, **rivals: float) -> dict[str, Any]:
    return known(text, chance) | {"top_logprobs": [known(name, rivals[name]) for name in rivals]}


def known(text: str, chance: float) -> dict[str, Any]:
    return {"token": text, "logprob": math.log(chance), "bytes": list(text.encode())}


def half(raw: bytes, chance: float = 0.99) -> dict[str, Any]:
    """A token that is a part of a character, as services write it."""
    name = "".join(f"\\x{byte:02x}" for byte in raw)
    return {"token": name, "logprob": math.log(chance), "bytes": list(raw)}


def shown(view: View) -> str:
    """The marked text as it stands in the plain form."""
    return view.plain.split("\n\n")[1]


def rows(view: View) -> list[list[str]]:
    return Page(view.html).rows(3)


PLAIN_ANSWER = [
    token("About", 0.5, About=0.5, Some=0.2),
    token(" seven", 0.93),
    token(" thousand", 0.1, hundred=0.7, million=0.1),
    token(".\nNobody", 0.995),
    token(" knows", 0.85),
]


class TestMarks:
    def test_a_token_without_text_at_the_end_does_not_count(self) -> None:
        end = {"token": "", "logprob": math.log(0.3), "bytes": [], "top_logprobs": []}
        assert heatmap([*PLAIN_ANSWER, end]).plain == heatmap(PLAIN_ANSWER).plain

    def test_line_breaks_and_indentation_stay(self) -> None:
        assert "a\n\n[↵ 50% ▅]b" in heatmap([token("a"), token("\n\n", 0.5), token("b")]).plain
        assert "<br>\u00a0 \u00a0 return" in heatmap([token(":\n    return")]).html

    def test_marked_text_is_legible(self) -> None:
        ink = ImageColor.getrgb(module.INK)
        for _, colour in module._COLOURS:
            assert contrast(ink, ImageColor.getrgb(colour)) >= 4.5


@pytest.mark.parametrize("cuts", [(1,), (2,), (3,), (1, 2, 3)])
def test_parts_of_a_character_are_put_together(cuts: tuple[int, ...]) -> None:
    edges = [0, *cuts, 4]
    parts = [half(SMILE[a:b], 0.8) for a, b in pairwise(edges)]
    view = heatmap([token("Hi "), *parts, token("!")])
    assert shown(view).startswith("Hi [😀 ")
    assert shown(view).endswith("]!")
    assert rows(view)[0][1].endswith(f" {0.8 ** len(parts):.0%}")


def test_parts_of_characters_never_hold_back_the_text() -> None:
    view = heatmap([half(b"\xf0")] * 10_000)
    assert "2500 tokens, 0 marked" in view.plain
    assert "<table" not in view.html  # no token is unsure


ODD: list[tuple[list[Any], str]] = [  # tokens, and how they are shown
    ([half(b"Hi " + SMILE[:2]), half(SMILE[2:] + b" you")], "Hi 😀 you"),
    ([token("Hi "), half(SMILE[:3])], r"Hi \xf0\x9f\x98"),
    ([half(SMILE[:1]), token("Hi")], r"\xf0Hi"),
    ([half(b"\xff"), token("Hi")], r"\xffHi"),
    ([token("a"), token(" ", 0.5), token("b")], "a [␣ 50% ▅]b"),
    ([token("a"), token("", 0.5), token("b")], "a[␣ 50% ▅]b"),
    *(([token("a"), odd, token("b")], "a[␣ ?]b")
      for odd in (None, 5, "x", [], {}, {"token": 5, "bytes": "x"})),
    *(([token("a", 1.0), token("b") | {"logprob": value}], "a[b ?]")
      for value in (None, "x", True, math.nan, [], {})),
    # A logprob above 0 is certain, and one far below means never.
    *(([token("a") | {"logprob": value}], "a") for value in (1e-9, 0, 5, 10**400, math.inf)),
    *(([token("a") | {"logprob": value}], "[a 0% ▁]")
      for value in (-9999.0, -(10**400), -math.inf)),
    # Without bytes the token is the text.
    *(([token("Grüße") | {"bytes": raw}], "Grüße")
      for raw in (None, [300], [-1], ["a"], "x", {}, [1.5])),
    *(([token("a", 0.5) | {"top_logprobs": rivals}], "[a 50% ▅]")
      for rivals in (None, "x", {}, [None, 5, {}, {"token": "b"}])),
]  # fmt: skip


@pytest.mark.parametrize(("tokens", "expected"), ODD)
def test_odd_tokens_are_shown_too(tokens: list[Any], expected: str) -> None:
    view = heatmap(tokens)
    assert shown(view) == expected
    if "?]" in expected:  # it counts in no average
        assert re.search("average probability: (99|100)%", view.plain)


@pytest.mark.parametrize("odd", [None, [], "x", {}, {"content": None}, {"content": "x"}])
def test_an_answer_without_logprobs_says_so(odd: Any) -> None:
    for raw in ({}, {"choices": None}, {"choices": [{"logprobs": odd}]}):
        assert "Ask with logprobs=True" in heatmap(ChatCompletions(raw)).plain


def test_of_a_refusal_the_words_of_the_refusal_are_shown() -> None:
    logprobs = {"content": None, "refusal": [token("No"), token(".", 0.5)]}
    view = heatmap(ChatCompletions({"choices": [{"logprobs": logprobs}]}))
    assert shown(view) == "No[. 50% ▅]"


def test_a_long_answer_is_bounded_and_says_so() -> None:
    tokens = [token(f"{n}<", 0.5 if n % 2 else 0.4 + n / 1e5) for n in range(2_000)]
    view = heatmap(tokens)
    for form in (view.plain, Page(view.html).text):
        assert "2000 tokens, 2000 marked" in form
        assert f"the first {MAX_TOKENS} tokens" in form
        assert f"the {MAX_ROWS} least sure" in form
    least_sure = [f"'{n}<'" for n in range(0, 2 * MAX_ROWS, 2)]
    assert [row[0] for row in rows(view)] == least_sure


def test_rivals_are_bounded() -> None:
    rivals = {f"r{n}": 0.01 for n in range(20)}
    assert rows(heatmap([token("a", 0.5, a=0.5, **rivals)]))[0][2] == "'r0' 1%, 'r1' 1%, 'r2' 1%"

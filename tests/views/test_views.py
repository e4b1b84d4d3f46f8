"""What holds for every static display, whatever text it is given; and the table."""

import base64
import dataclasses
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from bs4.element import PreformattedString
from markupsafe import Markup

from helpers import views
from helpers.client.exchange import Exchange
from helpers.client.responses import CompletionsUsage, StreamingChatCompletionsUpdate
from helpers.images import prepare
from helpers.lessons import ROOT, Lesson
from helpers.views import View
from helpers.views.content_filter import FilterResult
from helpers.views.logprobs import heatmap
from helpers.views.view import escape_lines

ALLOWED = {
    "a": {"href"},
    "img": {"alt", "width", "style", "src"},
    "mark": {"style"},
    "pre": {"style"},
    "span": {"style"},
    "td": {"style"},
    "th": {"style"},
    "div": {"align"},
    **{
        tag: set()
        for tag in ("b", "br", "code", "p", "sub", "table", "tbody", "thead", "tr", "wbr")
    },
}

HOSTILE = {
    "script": "<script>alert('x')</script>",
    "closing": "</code></pre></td></table><img src=x onerror=alert(1)>",
    "quotes": "\"'><b onclick='x'>",
    "entity": "&lt;script&gt; &amp; &",
    "control": "a\x00\x01\x07\x1b[31mred\x7f\x85\r\x0bz",
    "surrogate": "\ud800 and \udfff",
    "direction": "\u202egnp.exe \u2066x\u2069 \u200f \u061c \ufeff",
    "separators": "one\u2028two\u2029three",
    "megabyte": "<b>" * 350_000,
    "template": "{{ 7*7 }}{% for x in y %} {0} %s",
    "markup": "`<i>x</i>`",
}
HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
PHOTO = prepare(ROOT / "images" / "lighthouse.jpg")


class Page:
    """Html as a strict reader sees it: fails on a tag or attribute that is not allowed."""

    def __init__(self, html: str) -> None:
        page = BeautifulSoup(html, "html.parser")
        tags = "</?[a-z]+"
        assert re.findall(tags, str(page)) == re.findall(tags, html), "a tag is out of place"
        for one in page.descendants:
            assert not isinstance(one, PreformattedString), f"no text: {one}"
            if isinstance(one, Tag):
                assert one.name in ALLOWED, f"<{one.name}>"
                assert set(one.attrs) <= ALLOWED[one.name], f"<{one.name}> with {one.attrs}"
        self.images = [{name: str(image[name]) for name in image.attrs} for image in page("img")]
        self.links = [str(link["href"]) for link in page("a")]
        for line_break in page("br"):
            line_break.replace_with("\n")
        cells = page(["td", "th"])
        self.cells = [cell.get_text() for cell in cells]
        for cell in cells:
            cell.insert_before("\n")
        self.text = page.get_text()

    def rows(self, width: int) -> list[list[str]]:
        """The cells below the head, ``width`` a row."""
        return [self.cells[i : i + width] for i in range(width, len(self.cells), width)]


def exchange(**facts: Any) -> Exchange:
    plain: dict[str, Any] = {
        "method": "POST",
        "target": "/models/chat/completions?api-version=2024-05-01-preview",
        "request_headers": {"content-type": "application/json", "api-key": "•••"},
        "request_body": {"model": "m", "messages": [{"role": "user", "content": "Hello?"}]},
        "status": 200,
        "reason": "OK",
        "response_headers": {"content-type": "application/json"},
        "response_body": {"choices": [{"message": {"content": "Hello."}}]},
        "elapsed": 0.25,
    }
    return Exchange(**{**plain, **facts})


def wire(**facts: Any) -> View:
    return views.wire(SimpleNamespace(exchange=exchange(**facts)))


def tokens(prompt: int, completion: int) -> CompletionsUsage:
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    numbers = (prompt, completion, prompt + completion)
    return CompletionsUsage(dict(zip(names, numbers, strict=True)))


def lesson(number: int = 1, **facts: Any) -> Lesson:
    plain: dict[str, Any] = {
        "id": f"{number:02}-lesson",
        "title": f"Lesson {number}",
        "minutes": 10 + number,
        "mirrors": f"Section {number}",
        "summary": "calls and `finish_reason`",
    }
    return Lesson(**{**plain, **facts})


def png(view: View) -> bytes:
    (image,) = Page(view.html).images
    return base64.b64decode(image["src"].removeprefix("data:image/png;base64,"), validate=True)


def every_view(text: str) -> dict[str, View]:
    """Each display with ``text`` wherever a text may stand."""
    message = {"role": text, "content": text, text: [text, {"deep": text}]}
    raw = {"token": text, "logprob": -0.7, "bytes": None}
    signs = [raw | {"token": sign} for sign in text[:2_000]]
    arguments = json.dumps({text: text, "y": [text]})
    calls = [
        {"id": text, "type": "function", "function": {"name": text, "arguments": given}}
        for given in (text, arguments)
    ]
    conversation = [
        {"role": text, "content": text},
        {"role": "user", "content": [{"type": "text", "text": text}, {"type": text}]},
        {"role": "assistant", "content": text, "tool_calls": calls},
        {"role": "tool", "tool_call_id": text, "content": text},
        {"role": "tool", "tool_call_id": text, "content": json.dumps({"error": text})},
    ]
    sent = {text: {"filtered": True, "severity": text}, "error": {"code": text, "message": text}}
    update = StreamingChatCompletionsUpdate({"choices": [{"content_filter_results": sent}]})
    many = {text: {f"{text}{i}": FilterResult(False, severity=text) for i in range(30)}}
    many["safe"] = {text: FilterResult(False, severity="safe")}
    picture = dataclasses.replace(PHOTO, name=text, removed=(text,), changes=(text,))
    return {
        "wire": wire(
            target=f"/{text}",
            request_headers={"extra-parameters": text},
            request_body={"messages": [message]},
            reason=text,
            response_headers={"content-type": text},
            response_body={"error": message},
        ),
        "wire, no JSON": wire(response_body=text),
        "usage": views.usage({text: tokens(20, 300), "b": tokens(1000, 1)}),
        "table": views.table([text, "n"], [[text, 1], [Markup(text), 2]]),
        "timeline": views.timeline({text: [0.12, 0.3, 0.5]}, whole={"whole": 1.4}),
        "lesson_map": views.lesson_map(
            [lesson(id=f"01{text}", title=text, summary=text, mirrors=text), lesson(2)], "02-lesson"
        ),
        "heatmap": heatmap([raw | {"top_logprobs": [raw, raw | {"token": "b"}]}, *signs]),
        "heatmaps": views.heatmaps({text: [raw, *signs], "b": None}),
        "distribution": views.distribution(
            [raw | {"top_logprobs": [raw, raw | {"token": "b"}]}], {1: [text, "c"]}
        ),
        "trace": views.trace(conversation),
        "severity": views.severity(views.filter_results(update)),
        "severity, many": views.severity(many),
        "preview": views.preview({text: picture}),
    }


EVERYDAY = every_view("plain words")
each_view = pytest.mark.parametrize("name", EVERYDAY)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_does_no_harm(text: str) -> None:
    for name, view in every_view(text).items():
        page = Page(view.html)  # fails on a tag or attribute that is not the project's
        for shown in (view.html, view.plain, page.text, *(image["alt"] for image in page.images)):
            shown.encode("utf-8")
            assert not HARMFUL.search(shown), name
            assert len(shown) < 150_000, name


@pytest.mark.parametrize("text", ["<b>bold</b>", "\"'>", "&amp; &", "{{ 7*7 }}"])
def test_hostile_text_is_still_shown(text: str) -> None:
    for name, view in every_view(text).items():
        shown = Page(view.html).text.replace('\\"', '"').replace("\\'", "'")  # as repr escapes
        assert text in shown, name
    seen = views.table(["answer"], [[HOSTILE["direction"]], [HOSTILE["control"]]]).plain
    assert r"\u202egnp.exe" in seen and r"\u001b[31mred" in seen


@each_view
def test_a_view_is_html_and_the_same_as_text(name: str) -> None:
    view = EVERYDAY[name]
    assert view._repr_mimebundle_() == {"text/html": view.html, "text/plain": view.plain}
    assert {type(view.html), type(view.plain)} == {str}
    assert str(view) == repr(view) == view.plain
    with pytest.raises(dataclasses.FrozenInstanceError):
        view.plain = ""  # type: ignore[misc]


@each_view
def test_the_text_says_all_that_the_html_says(name: str) -> None:
    view = EVERYDAY[name]
    said = set(re.findall(r"[\w.]+", Page(view.html).text.replace("finish_reason", "")))
    assert said <= set(re.findall(r"[\w.]+", view.plain))


class TestTable:
    def test_a_column_of_numbers_is_right_aligned_and_one_with_text_left(self) -> None:
        rows = [[1, "not told", "a whole sentence", "one"], [2, 2, 2, "two"]]
        html = views.table(["n", "some", "mixed", "text"], rows).html
        sides = [one["align"] for one in BeautifulSoup(html, "html.parser")("div")]
        assert sides == ["right", "right", "left", "left"] * 3

    def test_an_empty_text_is_seen(self) -> None:
        html = views.table(["", "n"], [["", "''"]]).html
        assert Page(html).cells == ["", "n", "(no text)", "''"]
        assert "<code>&#39;&#39;</code>" in html  # in the font of the text it looks like one sign

    @pytest.mark.parametrize("text", ["1,500", "False", "None", "1e5"])
    def test_text_that_looks_like_a_value_stays_as_it_is(self, text: str) -> None:
        view = views.table(["text"], [[text], ["long " * 20]])
        assert view.plain.count(text) == 1
        assert Page(view.html).cells[1] == text

    def test_a_row_of_another_length_is_refused(self) -> None:
        with pytest.raises(ValueError, match="Row 2 has 1 cells, but the head has 2"):
            views.table(["a", "b"], [[1, 2], [3]])

    def test_a_long_word_is_not_broken_inside_an_escape(self) -> None:
        html = views.table(["text"], [["&" * 28]]).html
        assert f"{'&amp;' * 16}<wbr>{'&amp;' * 12}<" in html


def test_lines_and_blanks_are_kept() -> None:
    assert escape_lines("a\n  b & c") == "a<br>\u00a0 b &amp; c"

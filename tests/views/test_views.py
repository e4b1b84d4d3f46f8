"""Static displays: harmless whatever they are given, whole without styles, the same every time."""

import base64
import dataclasses
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from bs4 import BeautifulSoup
from markupsafe import Markup
from PIL import Image, ImageColor, ImageDraw

from helpers import views
from helpers.client.errors import ConfigurationError
from helpers.client.exchange import Exchange
from helpers.client.responses import CompletionsUsage
from helpers.lessons import Lesson
from helpers.views import charts as pictures
from helpers.views.displays import MAX_BODY
from helpers.views.view import View

ALLOWED = {
    "a": {"href"},
    "img": {"alt", "width", "src"},
    "mark": {"style"},
    "pre": {"style"},
    "td": {"style"},
    "th": {"style"},
    "div": {"align"},
    **{tag: set() for tag in ("b", "br", "code", "p", "sub", "table", "tbody", "thead", "tr")},
}
VOID = {"br", "img"}

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


class Page(HTMLParser):
    """Html as a strict reader sees it: fails on a tag or attribute that is not allowed."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.cells: list[str] = []
        self.text = ""
        self.images: list[dict[str, str]] = []
        self.links: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, f"<{tag}>"
        assert {name for name, _ in attrs} <= ALLOWED[tag], (tag, attrs)
        values = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.images.append(values)
        if tag == "a":
            self.links.append(values["href"])
        if tag in ("td", "th"):
            self.handle_data("\n")
            self.cells.append("")
        if tag == "br":
            self.handle_data("\n")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> out of place"

    def handle_data(self, data: str) -> None:
        self.text += data
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")


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
    return CompletionsUsage(
        {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
    )


def lesson(number: int = 1, **facts: Any) -> Lesson:
    plain: dict[str, Any] = {
        "id": f"{number:02}-lesson",
        "title": f"Lesson {number}",
        "minutes": 10 + number,
        "mirrors": f"Section {number}",
        "summary": "calls and `finish_reason`",
    }
    return Lesson(**{**plain, **facts})


def every_view(text: str) -> dict[str, View]:
    """Each display with ``text`` wherever a text may stand."""
    message = {"role": text, "content": text, text: [text, {"deep": text}]}
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
    }


EVERYDAY = every_view("plain words")


def png(view: View) -> bytes:
    (image,) = Page(view.html).images
    return base64.b64decode(image["src"].removeprefix("data:image/png;base64,"), validate=True)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_does_no_harm(text: str) -> None:
    for name, view in every_view(text).items():
        page = Page(view.html)
        for shown in (view.html, view.plain, page.text, *(image["alt"] for image in page.images)):
            shown.encode("utf-8")
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", shown)
            assert not set("\u200e\u200f\u061c\ufeff") & set(shown)
        assert len(view.html) < 100_000, name
        assert len(view.plain) < 100_000, name


def test_hostile_text_is_still_shown() -> None:
    for name in ("script", "quotes", "entity", "template"):
        view = views.table(["answer"], [[HOSTILE[name]]])
        assert Page(view.html).cells == ["answer", HOSTILE[name]]
        assert HOSTILE[name] in view.plain
    claimed = views.table(["answer"], [[Markup("<i>safe</i>")]])
    assert Page(claimed.html).cells == ["answer", "<i>safe</i>"]
    assert r"\u202egnp.exe" in views.table(["answer"], [[HOSTILE["direction"]]]).plain
    assert r"\u001b[31mred" in wire(response_body=HOSTILE["control"]).plain


def test_the_reader_of_these_tests_finds_faults() -> None:
    for bad in ("<p>", "</p>", "<b><p></b></p>", "<script></script>", "<p id=x></p>", "<!-- x -->"):
        with pytest.raises(AssertionError):
            Page(bad)


@pytest.mark.parametrize("name", EVERYDAY)
def test_a_view_is_html_and_the_same_as_text(name: str) -> None:
    view = EVERYDAY[name]
    assert view._repr_mimebundle_() == {"text/html": view.html, "text/plain": view.plain}
    assert str(view) == repr(view) == view.plain
    with pytest.raises(dataclasses.FrozenInstanceError):
        view.plain = ""  # type: ignore[misc]


@pytest.mark.parametrize("name", EVERYDAY)
def test_the_same_input_gives_the_same_bytes(name: str) -> None:
    again = every_view("plain words")[name]
    assert (again.html, again.plain) == (EVERYDAY[name].html, EVERYDAY[name].plain)


@pytest.mark.parametrize("name", EVERYDAY)
def test_nothing_is_lost_without_styles(name: str) -> None:
    view = EVERYDAY[name]
    bare = Page(re.sub(r' style="[^"]*"', "", view.html))
    styled = Page(view.html)
    assert (bare.text, bare.cells) == (styled.text, styled.cells)
    said = set(re.findall(r"[\w.]+", bare.text.replace("finish_reason", "")))
    assert said <= set(re.findall(r"[\w.]+", view.plain)), "html says what the text does not"


class TestWire:
    def test_shows_both_sides_of_the_call(self) -> None:
        view = wire(status=429, reason="Too Many Requests", response_headers={"retry-after": "7"})
        for shown in (view.plain, Page(view.html).text):
            assert "POST /models/chat/completions?api-version=2024-05-01-preview\n" in shown
            assert "api-key: •••\n\n{\n" in shown
            assert '"content": "Hello?"' in shown
            assert shown.index("Request") < shown.index("Answer") < shown.index("429 Too Many")
            assert "retry-after: 7" in shown
            assert '"content": "Hello."' in shown

    def test_an_ordinary_answer_is_whole(self) -> None:
        words = "word " * 140
        assert words in wire(response_body={"content": words}).plain

    @pytest.mark.parametrize("body", [{"content": "a" * 5000}, "a" * 5000], ids=["json", "text"])
    def test_a_long_string_is_cut_and_counted(self, body: Any) -> None:
        shown = wire(response_body=body).plain
        left_out = re.search(r"a … \(([\d,]+) characters left out\) … a", shown)
        assert left_out
        answer = shown[shown.index("Answer") :]
        # The a in "Answer", headers and note are no run of them.
        kept = sum(map(len, re.findall("a{50,}", answer)))
        assert int(left_out[1].replace(",", "")) + kept == 5000

    def test_a_picture_is_told_by_type_and_length(self) -> None:
        url = "data:image/png;base64," + "iVBO" * 50
        shown = wire(request_body={"url": url}).plain
        assert f'"data:image/png;base64,… ({len(url)} characters)"' in shown
        assert "iVBO" not in shown

    def test_a_body_of_many_small_parts_is_cut_too(self) -> None:
        view = wire(response_body=list(range(200_000)))
        assert len(view.plain) < 2 * MAX_BODY
        assert "characters left out" in view.plain

    def test_a_body_nested_without_end(self) -> None:
        body: Any = []
        for _ in range(5000):
            body = [body]
        assert "nested too deeply" in wire(response_body=body).plain

    def test_a_stream_and_an_empty_body(self) -> None:
        assert "(a stream of events: see the events themselves)" in wire(response_body=None).plain
        assert "(no body)" in wire(response_body="").plain

    def test_an_error_before_anything_was_sent(self) -> None:
        assert views.wire(ConfigurationError("No endpoint.")).plain == "Nothing was sent."


class TestUsage:
    def test_the_numbers_are_there_in_both_forms(self) -> None:
        view = views.usage({"short": tokens(23, 41), "long": tokens(412, 4)})
        expected = [["short", "23", "41", "64"], ["long", "412", "4", "416"]]
        cells = Page(view.html).cells[5:]
        assert [cells[0:4], cells[5:9]] == expected
        lines = view.plain.splitlines()
        assert [line.rsplit(maxsplit=1)[0].split() for line in lines[2:4]] == expected
        assert "█ prompt, ▒ completion" in view.plain

    def test_bars_are_in_proportion_on_one_scale(self) -> None:
        view = views.usage({"a": tokens(100, 200), "b": tokens(50, 1)})
        bars = [cell for cell in Page(view.html).cells if "█" in cell]
        assert [(bar.count("█"), bar.count("▒")) for bar in bars] == [(10, 20), (5, 1)]
        assert view.plain.endswith("tokens per block: 10")

    def test_no_tokens_and_very_many(self) -> None:
        zero, many = tokens(0, 0), tokens(10**9, 3)
        for most in (many, tokens(10**30, 3)):
            view = views.usage({"zero": zero, "many": most})
            assert max(len(cell) for cell in Page(view.html).cells) <= 32
        assert "█" in views.usage({"many": many}).plain
        assert Page(views.usage({"zero": zero}).html).cells[-1] == ""
        assert Page(views.usage({}).html).cells == [
            "call",
            "prompt",
            "completion",
            "total",
            "tokens",
        ]


class TestTable:
    def test_lines_stay_lines(self) -> None:
        view = views.table(["answer", "n"], [["one\ntwo", 5], ["three", 10]])
        assert Page(view.html).cells == ["answer", "n", "one\ntwo", "5", "three", "10"]
        assert [line.split()[1] for line in view.plain.splitlines() if line.startswith("│")] == [
            "answer",
            "one",
            "two",
            "three",
        ]

    def test_a_column_of_numbers_is_right_aligned_and_one_with_text_left(self) -> None:
        html = views.table(["n", "mixed"], [[1, "one"], [2, 2]]).html
        sides = [one["align"] for one in BeautifulSoup(html, "html.parser")("div")]
        assert sides == ["right", "left"] * 3

    def test_text_is_never_taken_for_a_number(self) -> None:
        view = views.table(["text"], [["1e5"], ["007"], ["1.50"]])
        assert Page(view.html).cells == ["text", "1e5", "007", "1.50"]
        assert view.plain.split() == ["text", "------", "1e5", "007", "1.50"]

    @pytest.mark.parametrize("text", ["1,500", "False", "True", "1_000", "inf", "0x10", "None"])
    def test_text_that_looks_like_a_value_stays_as_it_is(self, text: str) -> None:
        assert views.table(["text"], [[text], ["long " * 20]]).plain.count(text) == 1

    def test_a_row_of_another_length_is_refused(self) -> None:
        with pytest.raises(ValueError, match="Row 2 has 1 cells, but the head has 2"):
            views.table(["a", "b"], [[1, 2], [3]])


class TestTimeline:
    VIEW = views.timeline(
        {"small": [0.12, 0.2, 0.61], "large": [0.62, 1.0, 2.04], "dead": []}, whole={"all": 1.4}
    )

    def test_the_numbers_stand_beside_the_picture(self) -> None:
        rows = [
            ["small", "120 ms", "3", "610 ms"],
            ["large", "620 ms", "3", "2.0 s"],
            ["dead", "none", "0", "none"],
            ["all", "1.4 s", "1 (not streamed)", "1.4 s"],
        ]
        cells = Page(self.VIEW.html).cells[4:]
        assert [cells[i : i + 4] for i in range(0, len(cells), 4)] == rows
        table = self.VIEW.plain.splitlines()[-4:]
        assert [re.split(r"  +", line.strip()) for line in table] == rows

    def test_the_words_of_the_picture_are_its_alt_text(self) -> None:
        (image,) = Page(self.VIEW.html).images
        for words in (
            "small: first token after 120 ms, whole answer after 610 ms",
            "dead: nothing arrived",
            "all: nothing to read until 1.4 s",
        ):
            assert words in image["alt"]
            assert words in self.VIEW.plain

    def test_the_picture_is_an_opaque_white_card(self) -> None:
        image = Image.open(io.BytesIO(png(self.VIEW)))
        assert image.width == pictures.SCALE * pictures.WIDTH
        assert not image.has_transparency_data
        colours = image.convert("RGB")
        for x in (0, image.width - 1):
            for y in (0, image.height - 1):
                assert colours.getpixel((x, y)) == (255, 255, 255)

    def test_the_picture_is_of_the_data(self) -> None:
        """Ticks stand where the chunks are, and the bar before them is as long as the wait."""
        image = Image.open(io.BytesIO(png(views.timeline({"run": [0.5, 1.0]})))).convert("RGB")
        tick, bar = ImageColor.getrgb(pictures.ARRIVED), ImageColor.getrgb(pictures.WAITING)
        row = [image.getpixel((x, 65 * pictures.SCALE)) for x in range(image.width)]
        waiting = [x for x, colour in enumerate(row) if colour == bar]
        ticks = [x for x, colour in enumerate(row) if colour == tick]
        left = min(waiting)
        first, last = min(ticks), max(ticks)
        assert max(waiting) < first
        assert (first - left) / (last - left) == pytest.approx(0.5, abs=0.01)

    @pytest.mark.parametrize("moments", [[], [0.0], [0.0, 0.0], [1e-9], [1e5], [0.9996], [59.96]])
    def test_odd_moments_are_drawn_too(self, moments: list[float]) -> None:
        Image.open(io.BytesIO(png(views.timeline({"run": moments})))).load()

    def test_no_run_at_all(self) -> None:
        assert len(Page(views.timeline({}).html).cells) == 4


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """Every text that is drawn: its colour, its box, and all colours that were under it."""
    texts: list[dict[str, Any]] = []
    draw = ImageDraw.ImageDraw.text

    def spy(self: ImageDraw.ImageDraw, xy: Any, text: str, **options: Any) -> None:
        box = self.textbbox(xy, text, font=options["font"], anchor=options["anchor"])
        image = self._image
        under = image.crop(tuple(map(int, box))).getcolors(100_000) or []
        texts.append(
            {
                "text": text,
                "fill": ImageColor.getrgb(options["fill"]),
                "box": box,
                "under": [colour for _, colour in under],
                "size": image.size,
            }
        )
        draw(self, xy, text, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", spy)
    yield texts


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """As WCAG defines it, 1 to 21."""

    def light(colour: tuple[int, ...]) -> float:
        parts = [part / 255 for part in colour[:3]]
        r, g, b = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    bright, dark = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("end", [0.0, 0.374, 1.0, 44.6, 300.0])
def test_drawn_text_is_legible(drawn: list[dict[str, Any]], end: float) -> None:
    assert contrast((255, 255, 255), (0, 0, 0)) == pytest.approx(21)
    views.timeline(
        {"a label far too long for its column": [end / 2, end], "W" * 500: [end]},
        whole={"whole": end},
    )
    assert len(drawn) >= 10
    for text in drawn:
        width, height = text["size"]
        x0, y0, x1, y1 = text["box"]
        assert x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height, f"{text['text']} runs out"
        # Text on text or on a bar would show here: each stands on white.
        assert text["under"] == [(255, 255, 255)], text["text"]
        assert contrast(text["fill"], (255, 255, 255)) >= 4.5, text["text"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 ms"), (0.12, "120 ms"), (0.9994, "999 ms"), (0.9996, "1.0 s"), (1.4, "1.4 s")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert pictures.duration(seconds) == shown


class TestLessonMap:
    def test_links_all_lessons_but_the_one_you_are_in(self) -> None:
        view = views.lesson_map([lesson(1), lesson(2), lesson(3)], here="02-lesson")
        page = Page(view.html)
        assert page.links == ["01-lesson.ipynb", "03-lesson.ipynb"]
        assert page.cells[8:12] == [
            "02 Lesson 2 (you are here)",
            "12",
            "calls and finish_reason",
            "Section 2",
        ]
        assert "<code>finish_reason</code>" in view.html
        assert "02 Lesson 2 (you are here)" in view.plain

    def test_from_nowhere_in_particular(self) -> None:
        view = views.lesson_map([lesson(1), lesson(2)])
        assert len(Page(view.html).links) == 2
        assert "you are here" not in view.plain

    def test_a_link_stays_relative(self) -> None:
        page = Page(views.lesson_map([lesson(id='javascript:x"')]).html)
        assert page.links == ["javascript%3Ax%22.ipynb"]


def test_the_font_has_the_characters_that_it_must_have() -> None:
    font = pictures._font(13)
    missing = bytes(font.getmask("\U0001f600"))
    for sign in "AZaz09éüßłŐ–—…“”•→←█▒░≈≤≥×±€µ":
        assert bytes(font.getmask(sign)) != missing, sign
    assert pictures._FONT.stat().st_size < 120_000
    licence = pictures._FONT.with_name("LICENSE-DejaVu.txt").read_text(encoding="utf-8")
    assert "Bitstream Vera" in licence

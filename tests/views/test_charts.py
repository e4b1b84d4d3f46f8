"""Pictures: of the data, on an opaque card, legible, and without text of others."""

import io
import re
from typing import Any

import pytest
from PIL import Image, ImageColor

from helpers import views
from helpers.views import charts
from helpers.views.content_filter import FilterResult
from tests.views.test_views import HOSTILE, png


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """As WCAG defines it, 1 to 21."""

    def light(colour: tuple[int, ...]) -> float:
        parts = [part / 255 for part in colour[:3]]
        r, g, b = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    bright, dark = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


VIEW = views.timeline({"small": [0.12, 0.2, 0.61]}, whole={"all": 1.4})
WIDE = FilterResult(True, severity="W" * 60)
PLACE = [{"token": "a", "logprob": -0.1, "top_logprobs": [{"token": "b", "logprob": -3}]}]
LEVELS = [*(FilterResult(False, severity=name) for name in ("safe", "low", "medium", "high")), WIDE]


def test_the_picture_is_an_opaque_white_card() -> None:
    image = Image.open(io.BytesIO(png(VIEW)))
    assert image.width == charts.SCALE * charts.WIDTH
    assert not image.has_transparency_data
    colours = image.convert("RGB")
    for x in (0, image.width - 1):
        for y in (0, image.height - 1):
            assert colours.getpixel((x, y)) == (255, 255, 255)


def test_the_picture_is_of_the_data() -> None:
    """Ticks stand where the chunks are, and the bar before them is as long as the wait."""
    image = Image.open(io.BytesIO(png(views.timeline({"run": [0.5, 1.0]})))).convert("RGB")
    tick, bar = ImageColor.getrgb(charts.ARRIVED), ImageColor.getrgb(charts.WAITING)
    row = [image.getpixel((x, 80 * charts.SCALE)) for x in range(image.width)]
    waiting = [x for x, colour in enumerate(row) if colour == bar]
    ticks = [x for x, colour in enumerate(row) if colour == tick]
    left = min(waiting)
    first, last = min(ticks), max(ticks)
    assert max(waiting) < first
    assert (first - left) / (last - left) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("end", [0.0, 0.374, 1.0, 44.6, 300.0])
def test_drawn_text_is_legible(drawn: list[dict[str, Any]], end: float) -> None:
    assert contrast((255, 255, 255), (0, 0, 0)) == pytest.approx(21)
    views.timeline(
        {"a label far too long for its column": [end / 2, end], "W" * 500: [end]},
        whole={"whole": end},
    )
    views.severity({"W" * 50: {f"{'W' * 50}{i}": level for i, level in enumerate(LEVELS)}})
    views.distribution(PLACE, {0.2: ["a"] * 3, 1: ["a", "z"], 2: ["z"] * 3})
    assert len(drawn) >= 36
    for text in drawn:
        width, height = text["size"]
        x0, y0, x1, y1 = text["box"]
        assert x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height, f"{text['text']} runs out"
        # Text on text or on a bar would show here: each stands on white.
        assert text["under"] == [(255, 255, 255)], text["text"]
        assert contrast(text["fill"], (255, 255, 255)) >= 4.5, text["text"]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_text_of_a_service_is_drawn(drawn: list[dict[str, Any]], text: str) -> None:
    known = FilterResult(False, severity="low")
    views.severity({text: {text: FilterResult(False, severity=text), "hate": known}})
    assert drawn
    assert all(re.fullmatch(r"[\w ().,:?…-]*", one["text"], re.ASCII) for one in drawn)


def test_a_thousand_milliseconds_are_a_second() -> None:
    assert [charts.duration(seconds) for seconds in (0.9994, 0.9996)] == ["999 ms", "1.0 s"]


def test_the_font_has_the_characters_that_it_must_have() -> None:
    font = charts._font(13)
    missing = bytes(font.getmask("\U0001f600"))
    for sign in "AZaz09éüßłŐ–—…“”•→←█▒░≈≤≥×±€µ":
        assert bytes(font.getmask(sign)) != missing, sign
    assert charts._FONT.stat().st_size < 120_000
    licence = charts._FONT.with_name("LICENSE-DejaVu.txt").read_text(encoding="utf-8")
    assert "Bitstream Vera" in licence

"""Drawings for static displays: pillow, twice the size shown, on an opaque white card.

White in light and dark themes alike, because transparent pictures are unreadable in one of the two.
Nothing is told by colour alone, and no text of a model is drawn: the font lacks most scripts.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH = 640
"""Width of every picture in CSS pixels; the PNG has ``SCALE`` times as many."""

SCALE = 2
WHITE = "#ffffff"
INK = "#1f2328"
MUTED = "#59636e"
GRID = "#d0d7de"
WAITING = "#ddf4ff"
ARRIVED = "#0550ae"

_FONT = Path(__file__).with_name("fonts") / "DejaVuSans-subset.ttf"
_MIN_AXIS = 0.005
"""Seconds: below this, an axis would count parts of a millisecond."""


@dataclass(frozen=True)
class Run:
    """When the pieces of one answer arrived: ``chunks`` in seconds after sending, in order.

    An answer that was not ``streamed`` has one: the moment when all of it was there.
    """

    label: str
    chunks: tuple[float, ...]
    streamed: bool = True

    @property
    def words(self) -> str:
        """What the row shows, as a phrase."""
        if not self.chunks:
            return "nothing arrived"
        if not self.streamed:
            return f"nothing to read until {duration(self.chunks[-1])}"
        first, last = duration(self.chunks[0]), duration(self.chunks[-1])
        return f"first token after {first}, whole answer after {last}"


def duration(seconds: float) -> str:
    """``seconds`` for people: ``120 ms``, or ``1.4 s`` from one second on."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{seconds:.1f} s"


def draw_timeline(title: str, runs: Sequence[Run]) -> bytes:
    """A PNG with one row a run: a bar as long as nothing arrived, then a tick for each chunk."""
    left, right, top, row = 160, WIDTH - 40, 54, 56
    bottom = top + row * len(runs)
    card = Card(bottom + 68)
    end = max((time for run in runs for time in run.chunks), default=0.0)
    end = max(end, _MIN_AXIS)

    def x(seconds: float) -> float:
        return left + (right - left) * seconds / end

    card.text(20, 18, title, size=15)
    card.box(left, bottom, right, bottom, fill=MUTED)
    marks = _axis(end)
    for seconds, name in marks:
        card.box(x(seconds), bottom, x(seconds), bottom + 4, fill=MUTED)
        card.text(x(seconds), bottom + 8, name, size=11, fill=MUTED, anchor="ma")
    for number, run in enumerate(runs):
        y = top + row * number
        for seconds, _ in marks:  # beside the bars only: no line runs through the words
            card.box(x(seconds), y - 4, x(seconds), y + 24, fill=GRID)
        card.text(20, y + 4, card.fit(run.label, left - 32), size=13)
        if run.chunks:
            card.box(left, y, x(run.chunks[0]), y + 22, fill=WAITING, outline=MUTED)
        for time in run.chunks:
            card.box(x(time) - 0.5, y - 1, x(time) + 0.5, y + 23, fill=ARRIVED)
        card.text(left, y + 27, run.words, size=12, fill=MUTED)
    y = bottom + 36
    card.box(left, y, left + 26, y + 14, fill=WAITING, outline=MUTED)
    card.text(left + 34, y, "waiting", size=11, fill=MUTED)
    card.box(left + 110, y - 1, left + 111, y + 15, fill=ARRIVED)
    card.text(left + 119, y, "text arrives", size=11, fill=MUTED)
    return card.png()


def _axis(end: float) -> list[tuple[float, str]]:
    """At most seven round moments from 0 to ``end`` seconds, each with its name."""
    unit, name = (0.001, "ms") if round(end * 1000) < 1000 else (1.0, "s")
    powers = (unit * factor * 10**power for power in range(-1, 9) for factor in (1, 2, 5))
    step = next(step for step in powers if end / step <= 6)
    count = int(end / step + 1e-9)
    return [(i * step, f"{round(i * step / unit, 1):g} {name}") for i in range(count + 1)]


class Card:
    """A white card of ``height`` CSS pixels; every place and size below is in CSS pixels too."""

    def __init__(self, height: int) -> None:
        self._image = Image.new("RGB", (WIDTH * SCALE, height * SCALE), WHITE)
        self._draw = ImageDraw.Draw(self._image)
        edge = (SCALE, SCALE, WIDTH * SCALE - SCALE - 1, height * SCALE - SCALE - 1)
        self._draw.rounded_rectangle(edge, radius=8 * SCALE, outline=GRID, width=SCALE)

    def box(
        self, x0: float, y0: float, x1: float, y1: float, *, fill: str, outline: str | None = None
    ) -> None:
        """A rectangle from one corner to the other."""
        corners = [round(place * SCALE) for place in (x0, y0, x1, y1)]
        self._draw.rectangle(corners, fill=fill, outline=outline, width=SCALE)

    def text(
        self, x: float, y: float, words: str, *, size: int, fill: str = INK, anchor: str = "la"
    ) -> None:
        """``words`` at a place: their left upper corner, or what ``anchor`` names."""
        place = (round(x * SCALE), round(y * SCALE))
        self._draw.text(place, words, font=_font(size), fill=fill, anchor=anchor)

    def fit(self, words: str, width: float, *, size: int = 13) -> str:
        """``words`` cut to ``width``, with an ellipsis if something had to go."""
        font = _font(size)
        for length in range(min(len(words), WIDTH), -1, -1):
            shown = words if length == len(words) else words[:length].rstrip() + "…"
            if font.getlength(shown) <= width * SCALE:
                return shown
        return ""

    def png(self) -> bytes:
        """The card as PNG; few colours are in it, and a palette of them halves the size."""
        stream = io.BytesIO()
        palette = self._image.quantize(64, dither=Image.Dither.NONE)
        palette.save(stream, "PNG", optimize=True)
        return stream.getvalue()


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    # BASIC: the same layout whether or not libraqm is installed, so the same picture everywhere.
    return ImageFont.truetype(_FONT, size * SCALE, layout_engine=ImageFont.Layout.BASIC)

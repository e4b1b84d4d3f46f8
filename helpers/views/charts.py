"""Drawings for static displays: pillow, twice the size shown, on an opaque white card.

The card is white in every theme: a transparent picture is unreadable in light or in dark ones.
Never draw text from a model, as the font lacks most scripts, and tell nothing by colour alone.
"""

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH = 340
"""Width of every chart in CSS pixels: one that is made smaller for a phone is still legible."""
LEFT = 16
"""Where text and bars begin."""
SCALE = 2
"""Pixels of the PNG for each CSS pixel."""
WHITE = "#ffffff"
INK = "#1f2328"
MUTED = "#59636e"
GRID = "#d0d7de"
WAITING = "#ddf4ff"
ARRIVED = "#0550ae"

_FONT = Path(__file__).with_name("fonts") / "DejaVuSans-subset.ttf"
_MIN_AXIS = 0.005
"""Seconds on the shortest axis: below, its labels would be parts of a millisecond."""


def duration(seconds: float) -> str:
    """Return ``seconds`` as text: ``120 ms``, or ``1.4 s`` from one second on."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{seconds:.1f} s"


def arrival(chunks: Sequence[float]) -> str:
    """Return in words when the chunks of an answer arrived, given in seconds after sending."""
    if not chunks:
        return "nothing arrived"
    if len(chunks) == 1:
        return f"nothing to read until {duration(chunks[0])}"
    return f"first chunk after {duration(chunks[0])}, all after {duration(chunks[-1])}"


def round_steps(unit: float) -> Iterator[float]:
    """Yield ``unit`` times 1, 2, 5, 10, 20, 50 and so on, without end: the sizes of a scale."""
    return (unit * factor * 10**power for power in itertools.count() for factor in (1, 2, 5))


def draw_timeline(title: str, runs: Mapping[str, Sequence[float]]) -> bytes:
    """Draw a PNG: in each row a bar until the first chunk arrived, and a tick for each chunk."""
    top, height, right = 46, 82, WIDTH - 36
    bottom = top + height * len(runs)
    card = Card(title, bottom + 66)
    end = max([_MIN_AXIS, *(time for chunks in runs.values() for time in chunks)])

    def x(seconds: float) -> float:
        return LEFT + (right - LEFT) * seconds / end

    card.box(LEFT, bottom, right, bottom, fill=MUTED)
    marks = _axis(end)
    for seconds, name in marks:
        card.box(x(seconds), bottom, x(seconds), bottom + 4, fill=MUTED)
        anchor = "ma" if seconds else "la"
        card.text(x(seconds), bottom + 7, name, fill=MUTED, anchor=anchor)
    for number, (label, chunks) in enumerate(runs.items()):
        y = top + height * number
        card.text(LEFT, y, label)
        y += 24
        for seconds, _ in marks:  # beside the bars only: a line must not cross the words
            card.box(x(seconds), y - 4, x(seconds), y + 24, fill=GRID)
        if chunks:
            card.box(LEFT, y, x(chunks[0]), y + 22, fill=WAITING, outline=MUTED)
        for time in chunks:
            card.box(x(time) - 0.5, y - 1, x(time) + 0.5, y + 23, fill=ARRIVED)
        card.text(LEFT, y + 27, arrival(chunks), fill=MUTED)
    y = bottom + 36
    card.box(LEFT, y, LEFT + 26, y + 16, fill=WAITING, outline=MUTED)
    card.text(LEFT + 34, y, "waiting", fill=MUTED)
    card.box(LEFT + 120, y - 1, LEFT + 121, y + 17, fill=ARRIVED)
    card.text(LEFT + 129, y, "text arrives", fill=MUTED)
    return card.png()


def _axis(end: float) -> list[tuple[float, str]]:
    """Return at most five round times from 0 to ``end`` seconds, each with its label."""
    unit, name = (0.001, "ms") if round(end * 1000) < 1000 else (1.0, "s")
    step = next(step for step in round_steps(unit / 10) if end / step <= 4)
    count = int(end / step + 1e-9)
    return [(i * step, f"{round(i * step / unit, 1):g} {name}") for i in range(count + 1)]


class Card:
    """A white card with a title. All positions and sizes are in CSS pixels."""

    def __init__(self, title: str, height: int) -> None:
        self._image = Image.new("RGB", (WIDTH * SCALE, height * SCALE), WHITE)
        self._draw = ImageDraw.Draw(self._image)
        edge = (SCALE, SCALE, WIDTH * SCALE - SCALE - 1, height * SCALE - SCALE - 1)
        self._draw.rounded_rectangle(edge, radius=8 * SCALE, outline=GRID, width=SCALE)
        self.text(LEFT, 14, title, size=16)

    def box(
        self, x0: float, y0: float, x1: float, y1: float, *, fill: str, outline: str | None = None
    ) -> None:
        """Draw a rectangle from one corner to the other."""
        corners = [round(place * SCALE) for place in (x0, y0, x1, y1)]
        self._draw.rectangle(corners, fill=fill, outline=outline, width=SCALE)

    def text(
        self, x: float, y: float, words: str, *, size: int = 14, fill: str = INK, anchor: str = "la"
    ) -> None:
        """Draw ``words`` at a position: their upper left corner, or what ``anchor`` names.

        Words that would run out of the card are cut, with an ellipsis.
        """
        font, room = _font(size), (WIDTH - LEFT - x) * SCALE
        shown = words[:WIDTH]
        while anchor == "la" and font.getlength(shown) > room:
            shown = shown.removesuffix("…")[:-1].rstrip() + "…"
        place = (round(x * SCALE), round(y * SCALE))
        self._draw.text(place, shown, font=font, fill=fill, anchor=anchor)

    def png(self) -> bytes:
        """Return the card as PNG."""
        return png_bytes(self._image)


def png_bytes(image: Image.Image) -> bytes:
    """Return ``image`` as PNG with a palette of 64 colours, which halves its size."""
    stream = io.BytesIO()
    few = image.quantize(64, dither=Image.Dither.NONE)
    few.save(stream, "PNG", optimize=True)
    return stream.getvalue()


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    # BASIC: the same layout, and so the same picture, whether or not libraqm is installed.
    return ImageFont.truetype(_FONT, size * SCALE, layout_engine=ImageFont.Layout.BASIC)

"""``drawn``: what is written into pictures."""

from collections.abc import Iterator
from typing import Any

import pytest
from PIL import ImageColor, ImageDraw


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

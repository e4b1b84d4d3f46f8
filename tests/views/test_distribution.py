"""The chances of a token at several temperatures, and how often it was drawn."""

import io
import math
from typing import Any

import pytest
from PIL import Image, ImageColor

from helpers import views
from helpers.views import charts
from tests.views.test_views import png


def known(text: str, chance: float) -> dict[str, Any]:
    return {"token": text, "logprob": math.log(chance), "bytes": list(text.encode())}


PLACE = [known("In", 0.4) | {"top_logprobs": [known("The", 0.5), known("In", 0.4)]}]
DRAWS = {0.2: ["The"] * 3, 1: ["The", "In", "In", "Else"]}
VIEW = views.distribution(PLACE, DRAWS)


def test_the_bars_are_as_long_as_the_shares() -> None:
    image = Image.open(io.BytesIO(png(VIEW))).convert("RGB")
    filled = ImageColor.getrgb(charts.ARRIVED)
    lengths = [
        sum(image.getpixel((x, y * charts.SCALE)) == filled for x in range(image.width))
        for y in (121, 141, 161)
    ]
    assert lengths[0] / lengths[1] == pytest.approx((75 + 50 + 53) / (25 + 40 + 47), abs=0.03)
    assert lengths[1] / lengths[2] == pytest.approx((25 + 40 + 47) / 10, abs=1)


@pytest.mark.parametrize("chance", [1.0, 1e-300])
def test_odd_chances_are_drawn_too(chance: float) -> None:
    Image.open(io.BytesIO(png(views.distribution([known("a", chance)], {1: []})))).load()


@pytest.mark.parametrize("nothing", [None, []])
def test_without_log_probabilities_a_sentence_says_so(nothing: Any) -> None:
    assert "Ask with logprobs=True" in views.distribution(nothing, DRAWS).plain

"""``preview``: before and after, in pictures, words and numbers."""

import base64
import io

import pytest
from PIL import Image

from helpers.color_profiles import power_profile
from helpers.images import prepare
from helpers.lessons import ROOT
from helpers.views.image_preview import preview
from tests.views.test_views import Page

PHOTO = prepare(ROOT / "images" / "lighthouse.jpg")


def pictures_in(html: str) -> list[Image.Image]:
    urls = [image["src"] for image in Page(html).images]
    start = "data:image/png;base64,"
    assert all(url.startswith(start) for url in urls)
    raws = [base64.b64decode(url.removeprefix(start), validate=True) for url in urls]
    return [Image.open(io.BytesIO(raw)) for raw in raws]


def test_before_and_after_stand_side_by_side() -> None:
    view = preview({"A lighthouse": PHOTO})
    before, after = pictures_in(view.html)
    assert (before.size, after.size) == ((320, 240), (240, 320))
    assert after.convert("RGB").getpixel((120, 2)) == pytest.approx((27, 44, 92), abs=12)
    assert before.convert("RGB").getpixel((2, 120)) == pytest.approx((27, 44, 92), abs=12)
    assert [int(image["width"]) for image in Page(view.html).images] == [320, 240]


def test_a_small_transparent_picture_is_shown_on_white_and_not_made_larger() -> None:
    stream = io.BytesIO()
    Image.new("RGBA", (8, 3), (0, 0, 0, 0)).save(stream, "PNG")
    (shown,) = pictures_in(preview({"Nothing at all": prepare(stream.getvalue())}).html)
    assert shown.size == (8, 3)
    assert shown.convert("RGB").getpixel((4, 2)) == (255, 255, 255)


@pytest.mark.filterwarnings("error")
def test_a_large_photo_and_one_without_a_file_are_shown_too() -> None:
    stream = io.BytesIO()
    Image.new("L", (12_000, 9_000), 90).save(stream, "JPEG")
    view = preview({"Grey": prepare(stream.getvalue())})
    assert [image.size for image in pictures_in(view.html)] == [(320, 240), (320, 240)]
    assert "12,000 × 9,000" in view.plain
    view = preview({"Grey": prepare(Image.new("L", (40, 20), 90))})
    assert [image.size for image in pictures_in(view.html)] == [(40, 20)]
    assert "as it is sent" in view.plain and "in the file" not in view.plain


def test_both_are_shown_in_their_colours() -> None:
    stream = io.BytesIO()
    icc = power_profile(1.8)
    Image.new("RGB", (40, 20), (200, 60, 60)).save(stream, "PNG", icc_profile=icc)
    view = preview({"Red": prepare(stream.getvalue())})
    for shown in pictures_in(view.html):
        assert shown.convert("RGB").getpixel((9, 9)) == pytest.approx((210, 77, 77), abs=4)
    assert "colours turned into sRGB" in view.plain

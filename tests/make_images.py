"""Draw the pictures that lesson 08 sends: ``python -m tests.make_images``.

A chart, made from ``images/languages.csv``, and a photo as a phone would store it: lying on its
side, with a made-up place and camera in its metadata. Only shapes that pillow draws with whole
numbers are used, so the pixels are the same on every system.
"""

import csv
import math
from pathlib import Path

from PIL import ExifTags, Image, ImageDraw, ImageFont

from helpers.lessons import ROOT

FOLDER = ROOT / "images"
FONT = ROOT / "helpers" / "views" / "fonts" / "DejaVuSans-subset.ttf"
INK, MUTED, GRID, BAR = "#1f2328", "#59636e", "#d0d7de", "#0550ae"

SCALE = 2
"""The photo is drawn this much larger and then reduced, for smooth edges."""
TURNED = 6
"""The orientation of a phone held upright: turn what is stored a quarter to the right."""
CAMERA, SERIAL = "Example Camera EX-1", "EX1-000042"
PLACE = ((48.0, 52.0, 36.0), (123.0, 23.0, 36.0))
"""South and west, in degrees, minutes, seconds: the spot in the Pacific farthest from all land."""


def main() -> None:
    """Write both pictures."""
    FOLDER.mkdir(exist_ok=True)
    chart().save(FOLDER / "languages.png", optimize=True)
    photo().save(FOLDER / "lighthouse.jpg", quality=85, exif=exif())


def rows(path: Path = FOLDER / "languages.csv") -> list[tuple[str, int]]:
    """Return the data of the chart: language and millions of speakers."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["language"], int(row["millions"])) for row in csv.DictReader(file)]


def chart() -> Image.Image:
    """Draw horizontal bars, a line for every 250 millions, and no figures at the bars."""
    image = Image.new("RGB", (1000, 620), "white")
    draw = ImageDraw.Draw(image)
    left, right, top, step = 190, 950, 120, 70
    bottom = top + step * len(rows())

    def text(x: int, y: int, words: str, size: int, fill: str, anchor: str) -> None:
        font = ImageFont.truetype(FONT, size, layout_engine=ImageFont.Layout.BASIC)
        draw.text((x, y), words, font=font, fill=fill, anchor=anchor)

    text(40, 32, "Speakers of six large languages", 30, INK, "la")
    text(40, 74, "first and second language, in millions", 20, MUTED, "la")
    for millions in range(0, 1501, 250):
        x = left + (right - left) * millions // 1500
        draw.rectangle((x, top, x + 1, bottom), fill=GRID)
        text(x, bottom + 12, f"{millions:,}", 20, MUTED, "ma")
    for number, (language, millions) in enumerate(rows()):
        y = top + step * number + 14
        draw.rectangle((left, y, left + (right - left) * millions // 1500, y + 41), fill=BAR)
        text(left - 16, y + 21, language, 22, INK, "rm")
    return image.quantize(32, dither=Image.Dither.NONE)


def photo() -> Image.Image:
    """Draw a lighthouse on a hill by the sea at dusk, stored a quarter turned to the left."""
    width, height = 1200 * SCALE, 1600 * SCALE
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    horizon = height * 5 // 8
    for y in range(horizon):  # the sky grows lighter downward
        draw.rectangle((0, y, width, y), fill=mix((24, 42, 92), (250, 170, 110), y / horizon))
    x, y, half = width * 2 // 9, horizon - height // 60, height // 18
    draw.ellipse((x - half, y - half, x + half, y + half), fill=(255, 226, 170))
    for y in range(horizon, height):  # the sea hides half of the sun, and grows darker downward
        share = (y - horizon) / (height - horizon)
        draw.rectangle((0, y, width, y), fill=mix((196, 140, 120), (18, 42, 66), share))
    for x in range(width):  # a hill that rises to the right
        rise = (1 - math.cos(math.pi * min(1.0, x / width * 1.3))) / 2
        top = round(height * 0.86 - height * 0.26 * rise + 12 * SCALE * math.sin(x / width * 23))
        draw.rectangle((x, top, x, height), fill=(22, 40, 34))
    tower(draw, width * 5 // 7, height * 62 // 100)
    return image.reduce(SCALE).transpose(Image.Transpose.ROTATE_90)


def tower(draw: ImageDraw.ImageDraw, x: int, foot: int) -> None:
    """Draw the lighthouse: it narrows upward and has five bands, a gallery, a lamp and a roof."""
    high = 760 * SCALE
    for y in range(high):
        half = 90 * SCALE - 36 * SCALE * y // high
        colour = (196, 58, 48) if y * 5 // high % 2 == 0 else (244, 238, 228)
        draw.rectangle((x - half, foot - y, x + half, foot - y), fill=colour)
    top = foot - high
    for half, low, up, colour in (
        (74, 0, 22, (40, 44, 52)),
        (42, 22, 112, (255, 240, 170)),
        (4, 22, 112, (40, 44, 52)),
        (54, 112, 128, (40, 44, 52)),
    ):
        box = (x - half * SCALE, top - up * SCALE, x + half * SCALE, top - low * SCALE)
        draw.rectangle(box, fill=colour)
    for y in range(60 * SCALE):
        half = 50 * SCALE - 50 * y // 60
        roof = top - 128 * SCALE - y
        draw.rectangle((x - half, roof, x + half, roof), fill=(40, 44, 52))


def mix(one: tuple[int, ...], other: tuple[int, ...], share: float) -> tuple[int, ...]:
    """Return a colour between two."""
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))


def exif() -> Image.Exif:
    """Return what a phone writes into a photo; all of it is made up."""
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = TURNED
    tags[ExifTags.Base.Make], tags[ExifTags.Base.Model] = CAMERA.rsplit(" ", 1)
    tags.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.DateTimeOriginal: "2001:02:03 18:30:00",
            ExifTags.Base.BodySerialNumber: SERIAL,
        }
    )
    tags.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSLatitudeRef: "S",
            ExifTags.GPS.GPSLatitude: PLACE[0],
            ExifTags.GPS.GPSLongitudeRef: "W",
            ExifTags.GPS.GPSLongitude: PLACE[1],
        }
    )
    return tags


if __name__ == "__main__":
    main()

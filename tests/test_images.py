"""Pictures: upright, in sRGB, small, without metadata; anything else is a BadParameterError."""

import base64
import contextlib
import io
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import ExifTags, Image, ImageChops, ImageCms, ImageFile, PngImagePlugin

from helpers import images
from helpers.client.errors import BadParameterError
from helpers.color_profiles import CONVERTED, IGNORED, SRGB_CHROMATICITIES, matrix_profile
from helpers.images import Picture, metadata, prepare
from helpers.recordings.cassette import cleaner, to_recorded
from tests import make_images
from tests.fakes import unwrapped

CHART, PHOTO = make_images.FOLDER / "languages.png", make_images.FOLDER / "lighthouse.jpg"
PLANTED = b"planted-4711"
RED, BLUE, GREEN, GREY = (220, 30, 30), (30, 30, 220), (30, 200, 30), (128, 128, 128)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def corners(width: int = 40, height: int = 20) -> Image.Image:
    """Red at the top left, blue at the top right, green at the bottom left, grey at the right."""
    image = Image.new("RGB", (width, height), GREY)
    half = width // 2, height // 2
    image.paste(RED, (0, 0, *half))
    image.paste(BLUE, (half[0], 0, width, half[1]))
    image.paste(GREEN, (0, half[1], half[0], height))
    return image


def grey16() -> Image.Image:
    row = (0).to_bytes(2, "little") * 20 + (32768).to_bytes(2, "little") * 20
    return Image.frombytes("I;16", (40, 20), row * 20)


def near(one: Any, other: Any, by: int = 12) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


def same(one: Image.Image, other: Image.Image) -> bool:
    pair = one.convert("RGBA"), other.convert("RGBA")
    return one.size == other.size and ImageChops.difference(*pair).getbbox(alpha_only=False) is None


def tagged(kind: str, orientation: int = 1, image: Image.Image | None = None) -> bytes:
    """A picture with every kind of metadata that its format can carry, each with a planted text."""
    text = PLANTED.decode()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = exif[ExifTags.Base.Artist] = text
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.BodySerialNumber] = text
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "N", 2: (1, 2, 3), 3: "E", 4: (4, 5, 6), 29: text}
    )
    options: dict[str, Any] = {"exif": exif, "icc_profile": PLANTED * 20}
    if kind == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_text("Author", text)
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", text)
        options["pnginfo"].add(b"prVt", PLANTED)  # a chunk that pillow does not know
    if kind in ("JPEG", "WEBP"):
        options["xmp"] = PLANTED
    if kind == "JPEG":
        options["comment"] = PLANTED
    return saved(image or corners(), kind, **options)


# --- Upright --------------------------------------------------------------------------------------
# What to do with an upright picture so that turning it by the orientation gives it back.
UNDO = {
    **dict.fromkeys((0, 1, 9, 65535), None),  # 0, 9 and above do not exist: they turn nothing
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", UNDO)
def test_each_orientation_comes_out_upright(orientation: int, kind: str) -> None:
    turn = UNDO[orientation]
    stored = corners() if turn is None else corners().transpose(turn)
    picture = prepare(tagged(kind, orientation, stored))
    upright = opened(picture.data)
    assert (picture.width, picture.height) == upright.size == (40, 20)
    for place, colour in {(5, 5): RED, (35, 5): BLUE, (5, 15): GREEN, (35, 15): GREY}.items():
        assert near(upright.convert("RGB").getpixel(place), colour)
    assert ("turned upright" in picture.changes) == (turn is not None)
    assert ExifTags.Base.Orientation not in upright.getexif()


# --- Nothing but pixels ---------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("max_side", [1024, 16])
def test_nothing_planted_is_left_in_the_bytes(kind: str, max_side: int) -> None:
    raw = tagged(kind) + PLANTED  # also behind the end of the file
    assert raw.count(PLANTED) >= 4
    picture = prepare(raw, max_side)
    assert PLANTED not in picture.data
    assert metadata(picture.data) == {}
    assert not opened(picture.data).info.keys() & {"exif", "xmp", "icc_profile", "comment"}
    assert {"Make", "BodySerialNumber", "GPSInfo", "colour profile"} <= set(picture.removed)
    assert "metadata removed" in picture.changes


def test_a_chunk_that_nobody_knows_is_removed_too() -> None:
    raw = saved(corners(), "PNG")
    chunk = b"prVt" + PLANTED
    planted = len(PLANTED).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4)
    picture = prepare(raw[:33] + planted + raw[33:])
    assert picture.data == raw
    assert picture.changes == ("metadata removed",)


def test_the_words_of_a_comment_are_no_markup_and_no_flood() -> None:
    info = PngImagePlugin.PngInfo()
    for number in range(200):
        info.add_text(f"key {number}", "\x1b[31m" + "x" * 100_000, zip=True)
    facts = metadata(saved(corners(), "PNG", pnginfo=info))
    assert len(facts) <= 40
    assert all(len(value) < 2_000 and "\x1b" not in value for value in facts.values())


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"E"])
def test_damaged_metadata_does_not_spoil_a_whole_picture(exif: bytes) -> None:
    picture = prepare(saved(corners(), "JPEG", exif=exif))
    assert (picture.width, picture.height) == (40, 20)
    assert metadata(picture.data) == {}


def test_a_place_that_makes_no_sense_is_removed_all_the_same() -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (1.0, 2.0), 29: PLANTED.decode()})
    raw = saved(corners(), "JPEG", exif=exif)
    assert metadata(raw) == {"EXIF": "(damaged)"}
    assert PLANTED not in prepare(raw).data


# --- In sRGB --------------------------------------------------------------------------------------
ADOBE = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)  # Adobe RGB (1998), gamma 2.2
ADOBE_ICC = matrix_profile(2.2, ADOBE)
SRGB_ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
STORED, SEEN = (200, 60, 60), (231, 57, 57)
"""A colour's numbers in Adobe RGB and in sRGB, as other programs convert it."""


def chunk(name: bytes, *values: float) -> bytes:
    """A chunk of a PNG with these numbers, as gAMA and cHRM have them."""
    body = name + b"".join(round(value * 100_000).to_bytes(4) for value in values)
    return (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)


def with_chunks(image: Image.Image, *chunks: bytes) -> bytes:
    png = saved(image, "PNG")
    return b"".join([png[:33], *chunks, png[33:]])


def filled(mode: str, colour: Any = STORED) -> Image.Image:
    alpha = (90,) if mode == "RGBA" else ()
    image = Image.new("RGBA" if alpha else "RGB", (40, 20), (*colour, *alpha))
    return image.quantize(4) if mode == "P" else image.convert(mode)


def sent_colour(raw: bytes, side: int = 1024) -> tuple[Any, Picture]:
    picture = prepare(raw, side)
    image = opened(picture.data)
    assert "icc_profile" not in image.info and "gamma" not in image.info
    return image.convert("RGBA").getpixel((9, 9)), picture


@pytest.mark.parametrize("side", [1024, 30])
@pytest.mark.parametrize(
    "raw",
    [
        saved(filled("RGB"), "JPEG", icc_profile=ADOBE_ICC),
        saved(filled("RGB"), "PNG", icc_profile=ADOBE_ICC),
        saved(filled("RGBA"), "PNG", icc_profile=ADOBE_ICC),
        saved(filled("P"), "PNG", icc_profile=ADOBE_ICC),
        saved(filled("RGB"), "WEBP", icc_profile=ADOBE_ICC, lossless=True),
        with_chunks(filled("RGB"), chunk(b"gAMA", 1 / 2.2), chunk(b"cHRM", *ADOBE)),
    ],
    ids=["JPEG", "PNG", "PNG, see-through", "PNG with a palette", "WebP", "gAMA and cHRM"],
)
def test_the_colours_are_those_that_a_viewer_shows(raw: bytes, side: int) -> None:
    colour, picture = sent_colour(raw, side)
    assert near(colour[:3], SEEN, by=3)
    assert colour[3] == (90 if opened(raw).mode == "RGBA" else 255)
    assert CONVERTED in picture.changes


def test_grey_stays_grey_and_is_as_light_as_a_viewer_shows_it() -> None:
    linear = with_chunks(Image.new("L", (40, 20), 128), chunk(b"gAMA", 1.0))
    assert near(sent_colour(linear)[0][:3], (188, 188, 188), by=1)
    assert opened(sent_colour(linear)[1].data).mode == "L"
    see_through = with_chunks(Image.new("LA", (40, 20), (128, 90)), chunk(b"gAMA", 1.0))
    assert near(sent_colour(see_through)[0], (188, 188, 188, 90), by=1)
    deep = with_chunks(grey16(), chunk(b"gAMA", 1.0))
    assert near(opened(prepare(deep).data).convert("RGB").getpixel((30, 9)), (188,) * 3, by=1)


@pytest.mark.parametrize(
    "raw",
    [
        saved(filled("RGB"), "PNG", icc_profile=SRGB_ICC),
        saved(filled("RGB"), "PNG", icc_profile=b"nonsense"),
        saved(filled("RGB"), "PNG", icc_profile=ADOBE_ICC[:-60]),
        with_chunks(filled("RGB"), chunk(b"gAMA", 0.45455)),
        with_chunks(filled("RGB"), chunk(b"gAMA", 0.45455), chunk(b"cHRM", *SRGB_CHROMATICITIES)),
        with_chunks(filled("RGB"), b"\0\0\0\1sRGB\0\xae\xce\x1c\xe9", chunk(b"gAMA", 0.3)),
        with_chunks(filled("RGB"), chunk(b"gAMA", 0.0)),
        with_chunks(filled("RGB"), chunk(b"gAMA", 0.3), chunk(b"cHRM", *[0.0] * 8)),
    ],
    ids=["sRGB", "broken", "cut", "usual", "usual too", "sRGB chunk", "no gamma", "no primaries"],
)
def test_pixels_that_are_in_srgb_or_in_nothing_known_are_not_touched(raw: bytes) -> None:
    picture = prepare(raw)
    assert CONVERTED not in picture.changes
    assert picture.data == saved(filled("RGB"), "PNG")


def test_a_profile_that_fits_not_is_ignored_with_a_word() -> None:
    for image in (filled("RGB"), filled("CMYK")):
        raw = saved(image, "JPEG", icc_profile=b"nonsense" if image.mode == "RGB" else ADOBE_ICC)
        colour, picture = sent_colour(raw)
        assert IGNORED in picture.changes
        assert near(colour[:3], STORED, by=3)


def test_primaries_of_another_white_are_adapted() -> None:
    at_d50 = (0.3457, 0.3585, *SRGB_CHROMATICITIES[2:])
    raw = saved(filled("RGB", (255, 255, 255)), "PNG", icc_profile=matrix_profile(1.8, at_d50))
    assert near(sent_colour(raw)[0][:3], (255, 255, 255), by=1)


# --- Small, whole, in the right format ------------------------------------------------------------
@pytest.mark.parametrize(
    ("size", "max_side", "expected"),
    [
        *(((400, 200), 100, (100, 50)), ((200, 400), 100, (50, 100))),
        *(((100, 100), 100, (100, 100)), ((30, 20), 100, (30, 20))),
        *(((3000, 2), 100, (100, 1)), ((400, 200), 1, (1, 1))),
    ],
)
def test_the_longest_side_is_kept_to(
    size: tuple[int, int], max_side: int, expected: tuple[int, int]
) -> None:
    picture = prepare(saved(corners(*size), "PNG"), max_side)
    assert (picture.width, picture.height) == opened(picture.data).size == expected


def test_a_side_of_nothing_is_refused() -> None:
    with pytest.raises(BadParameterError, match="max_side is 0"):
        prepare(CHART, 0)


def see_through(mode: str) -> Image.Image:
    """Clear at the left, red at the right."""
    image = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    image.paste((*RED, 255), (20, 0, 40, 20))
    return image if mode == "RGBA" else image.quantize(8) if mode == "P" else image.convert(mode)


@pytest.mark.parametrize("max_side", [1024, 20])
@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        *(("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG")),
        *(("RGBA", "WEBP"), ("LA", "WEBP"), ("P", "WEBP"), ("RGBA", "GIF")),
    ],
)
def test_transparency_is_kept(mode: str, kind: str, max_side: int) -> None:
    picture = prepare(saved(see_through(mode), kind), max_side)
    assert picture.kind == "PNG"
    clear = opened(picture.data).convert("RGBA")
    assert clear.getpixel((2, 5))[3] == 0  # type: ignore[index]
    assert clear.getpixel((clear.width - 3, 5))[3] == 255  # type: ignore[index]


def test_of_an_animation_the_first_picture_is_taken() -> None:
    first, *rest = (Image.new("RGB", (40, 20), colour) for colour in (RED, BLUE, GREEN))
    picture = prepare(saved(first, "GIF", save_all=True, append_images=rest, duration=100))
    image = opened(picture.data)
    assert near(image.convert("RGB").getpixel((20, 10)), RED)
    assert getattr(image, "n_frames", 1) == 1
    assert picture.changes == ("first picture of the animation taken", "turned from GIF into PNG")


MODES: dict[str, tuple[Image.Image, str, str, Any]] = {
    "palette": (corners().quantize(8), "PNG", "PNG", BLUE),
    "black and white": (corners().convert("1"), "PNG", "PNG", None),
    "grey": (corners().convert("L"), "JPEG", "JPEG", None),
    "16 bits": (grey16(), "PNG", "PNG", GREY),
    "CMYK": (corners().convert("CMYK"), "JPEG", "JPEG", BLUE),
    "BMP": (corners(), "BMP", "PNG", BLUE),
    "WebP": (corners(), "WEBP", "JPEG", BLUE),
}


@pytest.mark.parametrize("max_side", [1024, 20])
@pytest.mark.parametrize("name", MODES)
def test_each_kind_of_pixel_becomes_one_that_models_read(name: str, max_side: int) -> None:
    image, kind, expected, colour = MODES[name]
    picture = prepare(saved(image, kind), max_side)
    sent = opened(picture.data)
    assert (picture.kind, sent.format) == (expected, expected)
    assert picture.data_url.startswith(f"data:image/{expected.lower()};base64,")
    assert sent.mode in ("1", "L", "P", "RGB")
    if colour:
        place = sent.width - 4, 2
        assert near(sent.convert("RGB").getpixel(place), colour, by=20)


def test_a_png_that_needs_nothing_goes_as_it_is() -> None:
    picture = prepare(CHART)
    assert picture.data == picture.original == CHART.read_bytes()
    assert (picture.changes, picture.removed) == ((), ())


def test_a_photo_is_prepared_to_the_same_bytes_each_time() -> None:
    assert prepare(PHOTO).data == prepare(PHOTO.read_bytes()).data


def test_items_are_as_the_service_has_them() -> None:
    picture = prepare(CHART)
    item = picture.item("low")
    assert item == {"type": "image_url", "image_url": {"url": picture.data_url, "detail": "low"}}
    assert picture.item() == {"type": "image_url", "image_url": {"url": picture.data_url}}
    kind, _, text = picture.data_url.partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(text, validate=True) == picture.data
    assert images.text_item("Hi") == {"type": "text", "text": "Hi"}


def test_no_picture_is_in_a_repr() -> None:
    assert len(repr(prepare(PHOTO))) < 500


# --- Where a picture comes from -------------------------------------------------------------------
class Reader:
    """What can be read, and takes no size."""

    def read(self) -> bytes:
        return CHART.read_bytes()


@pytest.mark.parametrize(
    "source",
    [str, lambda path: bytearray(path.read_bytes()), lambda path: memoryview(path.read_bytes()),
     lambda path: io.BytesIO(path.read_bytes()), lambda path: path.open("rb"),
     lambda path: path.open("rb", buffering=0), lambda path: Reader()],
)  # fmt: skip
def test_a_picture_comes_from_all_that_holds_its_bytes(source: Callable[[Path], Any]) -> None:
    with contextlib.ExitStack() as stack:
        given = source(CHART)
        if isinstance(given, io.IOBase):
            stack.callback(given.close)
        assert prepare(given).data == CHART.read_bytes()
        if not isinstance(given, io.IOBase):
            assert metadata(given) == {}


def test_a_picture_of_pillow_is_taken_as_it_is_in_memory() -> None:
    with Image.open(PHOTO) as image:
        assert prepare(image, 200).width == 150
        picture = prepare(image)
        assert image.size == (1600, 1200), "the caller's picture is changed"
        assert metadata(image) == metadata(PHOTO)
    same_as = prepare(PHOTO)
    assert (picture.data, picture.changes, picture.name) == (
        same_as.data, same_as.changes, same_as.name,
    )  # fmt: skip
    assert picture.original == b""
    drawn = prepare(corners())
    assert same(opened(drawn.data), corners())
    assert (drawn.kind, drawn.changes, drawn.removed) == ("PNG", (), ())


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (None, "it is None"),
        (7, "it is of type int"),
        ([CHART], "it is of type list"),
        (io.StringIO("text"), "it is open as text"),
        (io.BytesIO(), "there is nothing to read in it"),
        ("https://example.com/lighthouse.jpg", "it is a URL and no path"),
        ("data:image/png;base64,AAAA", "it is a URL and no path"),
        (str(CHART.parent), "it is a folder"),
        (io.BytesIO(b"hello"), "it is no picture"),
        (Image.new("RGB", (0, 0)), "damaged"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_what_holds_no_picture_is_one_clear_error(source: Any, why: str) -> None:
    with pytest.raises(BadParameterError) as caught:
        prepare(source)
    message = unwrapped(caught.value)
    assert why in message and "Nothing was sent." in message and "What to do: " in message


def test_a_text_file_and_a_closed_one_are_clear_errors_too() -> None:
    with CHART.open(encoding="utf-8") as text, pytest.raises(BadParameterError, match='"rb"'):
        prepare(text)  # type: ignore[arg-type]
    with pytest.raises(BadParameterError, match=r"^languages\.png .* can't be read"):
        prepare(text)  # type: ignore[arg-type]


def test_what_is_open_is_read_up_to_the_limit_only() -> None:
    class Endless:
        def read(self, size: int) -> bytes:
            return b"x" * size

    with pytest.raises(BadParameterError, match="more than 50,000,000 bytes are too many"):
        prepare(Endless())  # type: ignore[arg-type]


# --- What is no picture ---------------------------------------------------------------------------
def refused(source: Path | bytes, max_side: int = 1024) -> str:
    """The message of the refusal, the same from both functions."""
    told = []
    calls: list[Callable[[], Any]] = [lambda: prepare(source, max_side), lambda: metadata(source)]
    for call in calls:
        with pytest.raises(BadParameterError) as caught:
            call()
        told.append(unwrapped(caught.value))
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert told[0] == told[1]
    assert "Nothing was sent." in told[0] and "What to do: " in told[0]
    return told[0]


SAMPLES: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: saved(corners(), "PNG"),
    "PNG with metadata": lambda: tagged("PNG"),
    "JPEG": lambda: tagged("JPEG", 6),
    "progressive JPEG": lambda: saved(corners(), "JPEG", progressive=True),
    "WEBP": lambda: tagged("WEBP"),
    "GIF": lambda: saved(corners(), "GIF"),
    "BMP": lambda: saved(corners(), "BMP"),
}


def attempt(raw: bytes) -> Picture | None:
    try:
        return prepare(raw)
    except BadParameterError:
        return None


@pytest.mark.parametrize("name", SAMPLES)
def test_each_prefix_of_a_file_is_refused_or_all_of_the_picture(name: str) -> None:
    raw = SAMPLES[name]()
    whole = opened(prepare(raw).data)
    step = max(1, len(raw) // 150)
    lengths = {*range(0, len(raw), step), *range(len(raw) - 20, len(raw))}
    for length in sorted(lengths):
        picture = attempt(raw[:length])
        assert picture is None or same(opened(picture.data), whole), length
    assert attempt(raw[: len(raw) // 3]) is None


@pytest.mark.parametrize("name", SAMPLES)
def test_a_damaged_file_is_a_picture_or_one_clear_error(
    name: str, recwarn: pytest.WarningsRecorder
) -> None:
    raw = SAMPLES[name]()
    for at in range(0, len(raw), max(1, len(raw) // 150)):
        for change in (0x00, 0xFF, raw[at] ^ 0x10):
            attempt(raw[:at] + bytes([change]) + raw[at + 1 :])  # raises nothing else
    assert not recwarn.list


def test_a_wrong_checksum_is_damage() -> None:
    raw = saved(corners(), "PNG")
    end = raw.index(b"IEND") - 4
    with pytest.raises(BadParameterError, match="truncated or damaged"):
        prepare(raw[: end - 1] + bytes([raw[end - 1] ^ 1]) + raw[end:])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",  # pillow would start Ghostscript
        saved(corners(), "TIFF"),
    ],
    ids=["nothing", "text", "svg", "eps", "tiff"],
)
def test_another_format_is_refused_by_its_name(raw: bytes) -> None:
    assert "no picture in one of the formats PNG, JPEG, WEBP, GIF, BMP" in refused(raw)


def bombs() -> Iterator[tuple[str, bytes]]:
    gif = saved(Image.new("L", (1, 1)), "GIF")
    yield "gif", gif[:6] + b"\xff\xff\xff\xff" + gif[10:]
    for name, side in {"png": 60_000, "a little too large": 10_100}.items():
        png = saved(Image.new("L", (1, 1)), "PNG")
        head = png[12:16] + side.to_bytes(4) * 2 + png[24:29]
        yield name, png[:12] + head + zlib.crc32(head).to_bytes(4) + png[33:]
    bmp = saved(Image.new("L", (1, 1)), "BMP")
    yield "bmp", bmp[:18] + (40_000).to_bytes(4, "little") * 2 + bmp[26:]
    jpeg = saved(Image.new("L", (1, 1)), "JPEG")
    at = jpeg.index(b"\xff\xc0") + 5
    yield "jpeg", jpeg[:at] + b"\xff\xdc\xff\xdc" + jpeg[at + 4 :]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("raw", [pytest.param(raw, id=name) for name, raw in bombs()])
def test_a_bomb_is_refused_before_it_takes_memory(
    raw: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def boom(*given: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", boom)  # refused for this: other words
    monkeypatch.setattr(Image.core, "new", boom)
    monkeypatch.setattr(Image.core, "fill", boom)
    assert "too many" in refused(raw)


def test_a_photo_of_a_large_camera_is_decoded_small() -> None:
    raw = saved(Image.new("L", (12_000, 9_000), 90), "JPEG")
    picture = prepare(raw)
    assert (picture.width, picture.height) == (1024, 768)
    assert picture.changes == ("made smaller, from 12000 × 9000 to 1024 × 768 pixels",)
    with pytest.raises(BadParameterError, match="12,000 by 9,000 pixels are too many, at most 100"):
        prepare(raw, 9_000)


def test_a_text_that_unfolds_is_refused() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("bomb", "x" * 80_000_000, zip=True)
    assert "damaged" in refused(saved(corners(), "PNG", pnginfo=info))


def test_a_file_with_too_many_bytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "long.png"
    with path.open("wb") as file:
        file.truncate(images.MAX_BYTES + 1)
    assert "long.png can't be used: 50,000,001 bytes are too many" in refused(path)


def test_a_message_names_the_file_and_no_place_on_this_machine(tmp_path: Path) -> None:
    told = {
        "gone.png": "there is no such file",
        "folder.png": "it is a folder",
        "words.png": "no picture",
        "half.png": "truncated or damaged",
    }
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "words.png").write_bytes(b"hello")
    (tmp_path / "half.png").write_bytes(CHART.read_bytes()[:4000])
    for name, why in told.items():
        message = refused(tmp_path / name)
        assert message.startswith(f"{name} can't be used: ") and why in message
        assert tmp_path.name not in message


def test_a_file_that_can_not_be_read_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", denied)
    (tmp_path / "mine.png").touch()
    message = refused(tmp_path / "mine.png")
    assert "mine.png can't be used: Permission denied." in message
    assert tmp_path.name not in message


def test_a_name_can_do_no_harm(tmp_path: Path) -> None:
    message = refused(tmp_path / "a\x1b[31m\u202e.png")
    assert "\x1b" not in message and "\u202e" not in message


# --- Recordings hold no picture -------------------------------------------------------------------
def test_a_recording_tells_a_picture_by_type_length_and_checksum() -> None:
    url = prepare(CHART).data_url
    text = url.partition(",")[2]
    body = {"messages": [{"content": [{"image_url": {"url": url}}, {"text": f"see {url}"}]}]}
    request = httpx.Request("POST", "https://example.com/models/chat/completions", json=body)
    kept = json.dumps(to_recorded(request))
    assert text[:40] not in kept and text[-40:] not in kept
    assert kept.count(f"data:image/png;base64,({len(text)} characters, SHA-256 ") == 2
    echoed = cleaner(request)(f"Invalid value: '{url}'")
    assert text[:40] not in echoed and "characters, SHA-256" in echoed


def test_two_pictures_are_never_taken_for_one_another() -> None:
    def key(raw: bytes) -> Any:
        body = {"url": prepare(raw).data_url}
        return to_recorded(httpx.Request("POST", "https://example.com/a/b", json=body))["body"]

    one, other = saved(corners(), "PNG"), saved(corners().transpose(UNDO[3] or 0), "PNG")
    assert key(one) == key(one) != key(other)


# --- The pictures of the lesson -------------------------------------------------------------------
def test_the_pictures_are_what_the_script_draws() -> None:
    assert same(opened(CHART.read_bytes()), make_images.chart())
    drawn = opened(saved(make_images.photo(), "JPEG", quality=85))
    assert same(opened(PHOTO.read_bytes()), drawn)


def test_the_pictures_hold_what_the_lesson_says() -> None:
    assert metadata(CHART) == {}
    assert metadata(PHOTO) == {
        "GPSInfo": "48° 52′ 36″ S, 123° 23′ 36″ W",
        "Make": "Example Camera",
        "Model": "EX-1",
        "BodySerialNumber": make_images.SERIAL,
        "DateTimeOriginal": "2001:02:03 18:30:00",
    }
    assert opened(PHOTO.read_bytes()).getexif()[ExifTags.Base.Orientation] == make_images.TURNED
    assert PHOTO.stat().st_size + CHART.stat().st_size < 100_000


def test_a_text_that_is_no_path_is_refused() -> None:
    for text in ("A" * 5000, "a\0b"):
        with pytest.raises(BadParameterError, match="can't be used"):
            prepare(text)

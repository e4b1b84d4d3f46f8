"""Pictures: upright, in sRGB, small, without metadata; anything else is a BadParameterError."""

import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image, ImageChops, ImageCms, ImageFile, PngImagePlugin

from helpers.client.errors import BadParameterError
from helpers.color_profiles import CONVERTED, IGNORED, power_profile
from helpers.images import Picture, metadata, prepare
from helpers.lessons import ROOT
from tests.fakes import unwrapped

CHART, PHOTO = ROOT / "images" / "languages.png", ROOT / "images" / "lighthouse.jpg"
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


def chunk(name: bytes, *values: float) -> bytes:
    """A chunk of a PNG with these numbers, as gAMA has one."""
    body = name + b"".join(round(value * 100_000).to_bytes(4) for value in values)
    return (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)


def with_chunks(image: Image.Image, *chunks: bytes) -> bytes:
    png = saved(image, "PNG")
    return b"".join([png[:33], *chunks, png[33:]])


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
    **dict.fromkeys((1, 9), None),  # 0, 9 and above do not exist: they turn nothing
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
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
    picture = prepare(with_chunks(corners(), chunk(b"prVt", 47.11)))
    assert (picture.data, picture.changes) == (saved(corners(), "PNG"), ("metadata removed",))


def test_the_words_of_a_comment_are_no_markup_and_no_flood() -> None:
    info = PngImagePlugin.PngInfo()
    for number in range(200):
        info.add_text(f"key {number}", "\x1b[31m" + "x" * 100_000, zip=True)
    facts = metadata(saved(corners(), "PNG", pnginfo=info))
    assert len(facts) <= 40
    assert all(len(value) < 2_000 and "\x1b" not in value for value in facts.values())


MISPLACED = Image.Exif()
MISPLACED.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (1.0, 2.0), 29: PLANTED.decode()})


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0nonsense", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"E", MISPLACED.tobytes()]
)
def test_damaged_metadata_is_removed_and_does_not_spoil_a_whole_picture(exif: bytes) -> None:
    raw = saved(corners(), "JPEG", exif=exif)
    assert metadata(raw) == ({"EXIF": "(damaged)"} if PLANTED in exif else {})
    picture = prepare(raw)
    assert (picture.width, picture.height) == (40, 20)
    assert PLANTED not in picture.data and metadata(picture.data) == {}


# --- In sRGB --------------------------------------------------------------------------------------
ICC = power_profile(1.8)
SRGB_ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
STORED, SEEN = (200, 60, 60), (210, 77, 77)
"""A colour's numbers with the power 1.8 and in sRGB, by the formula of sRGB."""


def filled(mode: str, colour: Any = STORED) -> Image.Image:
    alpha = (90,) if mode == "RGBA" else ()
    image = Image.new("RGBA" if alpha else "RGB", (40, 20), (*colour, *alpha))
    return image.quantize(4) if mode == "P" else image.convert(mode)


def sent_colour(picture: Picture) -> Any:
    image = opened(picture.data)
    assert "icc_profile" not in image.info and "gamma" not in image.info
    return image.convert("RGBA").getpixel((30, 9 * image.height // 20))


LINEAR = chunk(b"gAMA", 1.0)
CONVERTED_TO = {  # a picture, and its colour in sRGB
    "JPEG": (saved(filled("RGB"), "JPEG", icc_profile=ICC), SEEN),
    "PNG, see-through": (saved(filled("RGBA"), "PNG", icc_profile=ICC), (*SEEN, 90)),
    "PNG with a palette": (saved(filled("P"), "PNG", icc_profile=ICC), SEEN),
    "gamma": (with_chunks(filled("RGB"), chunk(b"gAMA", 1 / 1.8)), SEEN),
    "grey": (with_chunks(Image.new("L", (40, 20), 128), LINEAR), (188,) * 3),
    "grey, see-through": (
        with_chunks(Image.new("LA", (40, 20), (128, 90)), LINEAR), (188, 188, 188, 90)
    ),
    "16 bits": (with_chunks(grey16(), LINEAR), (188,) * 3),
}  # fmt: skip


@pytest.mark.parametrize("side", [1024, 35])
@pytest.mark.parametrize(("raw", "seen"), CONVERTED_TO.values(), ids=CONVERTED_TO)
def test_the_colours_are_those_that_a_viewer_shows(raw: bytes, seen: Any, side: int) -> None:
    picture = prepare(raw, side)
    by = 3 if seen[:3] == SEEN else 1
    assert near(sent_colour(picture), seen if len(seen) == 4 else (*seen, 255), by)
    assert CONVERTED in picture.changes
    is_grey = opened(raw).mode in ("L", "I;16")
    assert opened(picture.data).mode == ("L" if is_grey else "RGBA" if len(seen) == 4 else "RGB")


@pytest.mark.parametrize(
    "raw",
    [
        saved(filled("RGB"), "PNG", icc_profile=SRGB_ICC),
        saved(filled("RGB"), "PNG", icc_profile=b"nonsense"),
        with_chunks(filled("RGB"), chunk(b"gAMA", 0.45455)),
        with_chunks(filled("RGB"), b"\0\0\0\1sRGB\0\xae\xce\x1c\xe9", chunk(b"gAMA", 0.3)),
        with_chunks(filled("RGB"), chunk(b"gAMA", 0.0)),
    ],
    ids=["sRGB", "broken", "usual", "sRGB chunk", "no gamma"],
)
def test_pixels_that_are_in_srgb_or_in_nothing_known_are_not_touched(raw: bytes) -> None:
    picture = prepare(raw)
    assert CONVERTED not in picture.changes
    assert picture.data == saved(filled("RGB"), "PNG")


def test_a_profile_that_fits_not_is_ignored_with_a_word() -> None:
    for image in (filled("RGB"), filled("CMYK")):
        raw = saved(image, "JPEG", icc_profile=b"nonsense" if image.mode == "RGB" else ICC)
        picture = prepare(raw)
        assert IGNORED in picture.changes
        assert near(sent_colour(picture), (*STORED, 255), by=3)


# --- Small, whole, in the right format ------------------------------------------------------------
@pytest.mark.parametrize(
    ("size", "max_side", "expected"),
    [
        *(((400, 200), 100, (100, 50)), ((200, 400), 100, (50, 100))),
        *(((100, 100), 100, (100, 100)), ((30, 20), 100, (30, 20))),
        *(((3000, 2), 100, (100, 1)), ((400, 200), 1, (1, 1))),
    ],
)
def test_the_longest_side_is_kept_to(size: Any, max_side: int, expected: Any) -> None:
    picture = prepare(saved(corners(*size), "PNG"), max_side)
    assert (picture.width, picture.height) == opened(picture.data).size == expected
    for wrong in 0, -1, "x", None, 1.5, float("nan"):
        with pytest.raises(BadParameterError, match=f"max_side is {wrong!r}"):
            prepare(CHART, wrong)  # type: ignore[arg-type]


def test_of_an_animation_the_first_picture_is_taken() -> None:
    first, *rest = (Image.new("RGB", (40, 20), colour) for colour in (RED, BLUE, GREEN))
    picture = prepare(saved(first, "GIF", save_all=True, append_images=rest, duration=100))
    image = opened(picture.data)
    assert near(image.convert("RGB").getpixel((20, 10)), RED)
    assert getattr(image, "n_frames", 1) == 1
    assert picture.changes == ("first picture of the animation taken", "turned from GIF into PNG")


def see_through(mode: str) -> Image.Image:
    """Clear at the left, red at the right."""
    image = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    image.paste((*RED, 255), (20, 0, 40, 20))
    return image.quantize(8) if mode == "P" else image.convert(mode)


MODES: dict[str, tuple[Image.Image, str, str, Any]] = {  # with the colour at the top right
    "palette": (corners().quantize(8), "PNG", "PNG", BLUE),
    "black and white": (corners().convert("1"), "PNG", "PNG", None),
    "grey": (corners().convert("L"), "JPEG", "JPEG", None),
    "16 bits": (grey16(), "PNG", "PNG", GREY),
    "CMYK": (corners().convert("CMYK"), "JPEG", "JPEG", BLUE),
    "BMP": (corners(), "BMP", "PNG", BLUE),
    "WebP": (corners(), "WEBP", "JPEG", BLUE),
    "see-through WebP": (see_through("RGBA"), "WEBP", "PNG", RED),
    "see-through GIF": (see_through("RGBA"), "GIF", "PNG", RED),
    "see-through grey": (see_through("LA"), "PNG", "PNG", None),
    "see-through palette": (see_through("P"), "PNG", "PNG", RED),
}


@pytest.mark.parametrize("max_side", [1024, 20])
@pytest.mark.parametrize("name", MODES)
def test_each_kind_of_pixel_becomes_one_that_models_read(name: str, max_side: int) -> None:
    image, kind, expected, colour = MODES[name]
    picture = prepare(saved(image, kind), max_side)
    sent = opened(picture.data)
    assert (picture.kind, sent.format) == (expected, expected)
    assert picture.data_url.startswith(f"data:image/{expected.lower()};base64,")
    assert sent.mode in ("1", "L", "P", "RGB", "LA", "RGBA")
    pixels = sent.convert("RGBA")
    left, right = pixels.getpixel((2, 2)), pixels.getpixel((sent.width - 4, 2))
    assert left == (*left[:3], 0 if "see-through" in name else 255)
    assert near(right, (*(colour or right[:3]), 255), by=20)


def test_no_picture_is_in_a_repr() -> None:
    assert len(repr(prepare(PHOTO))) < 500


# --- Where a picture comes from -------------------------------------------------------------------
def test_a_picture_comes_from_all_that_holds_its_bytes() -> None:
    raw = PHOTO.read_bytes()
    with PHOTO.open("rb") as file, PHOTO.open("rb", buffering=0) as unbuffered:
        sources = (str(PHOTO), bytearray(raw), memoryview(raw), io.BytesIO(raw), file, unbuffered)
        for source in sources:
            assert prepare(source).data == prepare(PHOTO).data


def test_a_picture_of_pillow_is_taken_as_it_is_in_memory() -> None:
    with Image.open(PHOTO) as image:
        small = prepare(image, 200)
        assert "made smaller, from 1,200 × 1,600 to 150 × 200 pixels" in small.changes
        picture = prepare(image)
        assert image.size == (1600, 1200), "the caller's picture is changed"
        assert metadata(image) == metadata(PHOTO)
    file = prepare(PHOTO)
    assert (picture.data, picture.changes, picture.name) == (file.data, file.changes, file.name)
    assert picture.original == b""
    drawn = prepare(corners())
    assert same(opened(drawn.data), corners())
    assert (drawn.kind, drawn.changes, drawn.removed) == ("PNG", (), ())
    with pytest.raises(BadParameterError, match="damaged"):
        prepare(Image.new("RGB", (0, 0)))


# --- What is no picture ---------------------------------------------------------------------------
def refused(source: Any, max_side: int = 1024) -> str:
    """The message of the refusal, the same from both functions; ``source`` may be made anew."""
    told = []
    calls: list[Callable[[Any], Any]] = [lambda given: prepare(given, max_side), metadata]
    for call in calls:
        with pytest.raises(BadParameterError) as caught:
            call(source() if callable(source) else source)
        told.append(unwrapped(caught.value))
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert told[0] == told[1]
    assert "Nothing was sent." in told[0] and "What to do: " in told[0]
    return told[0]


class Endless:
    """It can be read without end."""

    name = b"no text"

    def read(self, size: int) -> bytes:
        return b"x" * size


IMPOSSIBLE: list[tuple[Any, str]] = [
    (None, "The picture can't be used: it is of type NoneType, and no bytes can be read from it."),
    (lambda: io.StringIO("text"), 'a file newly opened in binary mode ("rb")'),
    (io.BytesIO, "there is nothing to read in it"),
    (Endless(), "more than 50,000,000 bytes are too many"),
    ("https://example.com/lighthouse.jpg", "The picture can't be used: it is a URL and no path"),
    ("data:image/png;base64,AAAA", "The picture can't be used: it is a URL and no path"),
    ("a\x1b[31m\u202e.png", "a\\u001b[31m\\u202e.png can't be used: there is no such file"),
    *((raw, "no picture in one of the formats PNG, JPEG, WEBP, GIF, BMP") for raw in (
        b"",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",  # pillow would start Ghostscript
        saved(corners(), "TIFF"),
    )),
]  # fmt: skip


@pytest.mark.parametrize(("source", "why"), IMPOSSIBLE, ids=[why[-30:] for _, why in IMPOSSIBLE])
def test_what_holds_no_picture_is_one_clear_error(source: Any, why: str) -> None:
    assert why in refused(source)


SAMPLES: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: tagged("PNG"),
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


def bombs() -> Iterator[Any]:
    png = saved(Image.new("L", (1, 1)), "PNG")
    for name, side in {"PNG": 60_000, "a little too large": 10_100}.items():
        head = png[12:16] + side.to_bytes(4) * 2 + png[24:29]
        yield pytest.param(png[:12] + head + zlib.crc32(head).to_bytes(4) + png[33:], id=name)
    jpeg = saved(Image.new("L", (1, 1)), "JPEG")
    at = jpeg.index(b"\xff\xc0") + 5
    yield pytest.param(jpeg[:at] + b"\xff\xdc\xff\xdc" + jpeg[at + 4 :], id="JPEG")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("raw", [*bombs()])
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
    assert picture.changes == ("made smaller, from 12,000 × 9,000 to 1,024 × 768 pixels",)
    with pytest.raises(BadParameterError, match="12,000 by 9,000 pixels are too many, at most 100"):
        prepare(raw, 9_000)


def test_a_text_that_unfolds_is_refused() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("bomb", "x" * 80_000_000, zip=True)
    assert "damaged" in refused(saved(corners(), "PNG", pnginfo=info))


def test_a_message_names_the_file_and_no_place_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "half.png").write_bytes(CHART.read_bytes()[:4000])
    with (tmp_path / "closed.png").open("wb") as closed:
        pass
    told = {
        "gone.png": "there is no such file",
        "folder.png": "it is a folder",
        "half.png": "truncated or damaged",
        "closed.png": "it is of type BufferedWriter, and no bytes can be read from it",
    }
    for name, why in told.items():
        message = refused(closed if name == "closed.png" else tmp_path / name)
        assert message.startswith(f"{name} can't be used: ") and why in message
        assert tmp_path.name not in message

    def denied(path: Path, mode: str) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", denied)
    message = refused(tmp_path / "half.png")
    assert message.startswith("half.png can't be used: Permission denied.")
    assert tmp_path.name not in message

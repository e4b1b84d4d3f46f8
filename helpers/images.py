"""Pictures for a model: upright, in sRGB, without metadata, made small, as a data URL.

A photo's metadata says where and when it was taken and with which camera: it is not sent. A picture
that pillow can't read, or that would fill the memory, raises ``BadParameterError``.
"""

import base64
import contextlib
import io
import os
import warnings
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from helpers.client.errors import BadParameterError
from helpers.client.messages import JSON
from helpers.client.text import one_line
from helpers.color_profiles import IGNORED, to_srgb

MAX_PIXELS = 100_000_000
"""A picture with more is refused before it is decoded: a small file can hold gigabytes.

Pillow takes 4 bytes for a pixel and makes up to two copies: at most 1.2 GB of memory. A JPEG counts
with the size at which it is decoded, which is a half to an eighth of its own if it is to be small.
"""
MAX_BYTES = 50_000_000
"""A larger file is refused unread."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
"""The formats that are read. For some others pillow starts other programs."""

_LIMIT = f"at most {MAX_PIXELS:,} are decoded"
_SOURCES = "a path, bytes, a file open in binary mode, or a picture of pillow"
_MAX_FACTS = 40
_FROM_CAMERAS = ("JPEG", "MPO", "WEBP")  # MPO: a JPEG with more pictures behind the first
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_SKIPPED = ("ExifOffset", "GPSInfo", "Orientation")  # offsets of other blocks; and what is applied
_BLOCKS = {
    "comment": "comment",
    "icc_profile": "colour profile",
    "photoshop": "Photoshop block",
    "xmp": "XMP",
}


Source = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Image.Image
"""A path, the bytes of a file, an open file, or a picture of pillow."""


@dataclass(frozen=True)
class Picture:
    """A picture as it will be sent: ``data`` in format ``kind``, ``width`` by ``height`` pixels.

    ``name`` is the name of its file and ``original`` the bytes in it, none if it had no file;
    ``changes`` says in words what was done to it, ``removed`` names the metadata that it lost.
    """

    name: str
    kind: str
    width: int
    height: int
    changes: tuple[str, ...]
    removed: tuple[str, ...]
    data: bytes = field(repr=False)
    original: bytes = field(repr=False)

    @property
    def data_url(self) -> str:
        """The picture as the URL that a message carries."""
        return f"data:image/{self.kind.lower()};base64,{base64.b64encode(self.data).decode()}"

    def item(self, detail: str | None = None) -> JSON:
        """Return the content item for a message; ``detail`` is ``low``, ``high`` or ``auto``."""
        return image_item(self.data_url, detail)


def text_item(text: str) -> JSON:
    """Return a text as a content item, to go with pictures in one message."""
    return {"type": "text", "text": text}


def image_item(url: str, detail: str | None = None) -> JSON:
    """Return a picture, given by its web address or data URL, as a content item."""
    image = {"url": url} if detail is None else {"url": url, "detail": detail}
    return {"type": "image_url", "image_url": image}


def prepare(source: Source, max_side: int = 1024) -> Picture:
    """Make a picture ready to send; ``source`` is a path, the bytes of a file, an open binary file,
    or a picture of pillow.

    A picture with a side longer than ``max_side`` pixels is made smaller. Of an animation the first
    picture is taken. Raises ``BadParameterError`` if ``source`` is not a picture, is damaged, or
    has too many bytes or pixels.
    """
    if max_side < 1:
        raise BadParameterError(
            f"max_side is {max_side}; it has to be at least 1.",
            advice="leave it out: 1024 is kept.",
        )
    name, raw, opened = _opened(source)
    with _refusals(name):
        return _ready(name, raw, opened, max_side)


def metadata(source: Source) -> dict[str, str]:
    """Return the metadata of a picture, name and value. Raises as ``prepare`` does."""
    name, raw, opened = _opened(source)
    with _refusals(name):
        _decode(name, raw, opened, 1)
        return _facts(opened)


def _opened(source: Source) -> tuple[str, bytes, Image.Image]:
    """Return the name of a picture, the bytes of its file (none if it has none), and the picture,
    of a file not yet decoded.
    """
    if isinstance(source, Image.Image):
        return _name(getattr(source, "filename", None)), b"", source
    name, raw = _read(source)
    with _refusals(name):
        return name, raw, Image.open(io.BytesIO(raw), formats=FORMATS)


def _read(source: Any) -> tuple[str, bytes]:
    """Return the name of a file and its bytes."""
    if isinstance(source, bytes | bytearray | memoryview):
        return _name(None), bytes(source)
    if isinstance(source, str | os.PathLike):
        return _read_path(source)
    name = _name(getattr(source, "name", None))
    if not callable(getattr(source, "read", None)):
        why = "it is None" if source is None else f"it is of type {type(source).__name__}"
        raise _refused(name, one_line(why), f"pass {_SOURCES}.")
    try:
        raw = _read_bytes(source)
    except Exception as reason:
        why = one_line(f"it can't be read ({type(reason).__name__})")
        raise _refused(name, why, 'pass a file that is open, in binary mode ("rb").') from None
    if isinstance(raw, str):
        raise _refused(name, "it is open as text", 'open it in binary mode ("rb").')
    if not isinstance(raw, bytes | bytearray | memoryview) or not raw:
        raise _refused(
            name, "there is nothing to read in it", "open it anew: it may be at its end."
        )
    if len(raw) > MAX_BYTES:
        raise _refused(name, f"more than {MAX_BYTES:,} bytes are too many")
    return name, bytes(raw)


def _read_bytes(file: Any) -> Any:
    try:
        return file.read(MAX_BYTES + 1)
    except TypeError:  # not all that can be read take a size
        return file.read()


def _read_path(source: str | os.PathLike[str]) -> tuple[str, bytes]:
    text = os.fspath(source)
    if "://" in text or text.startswith("data:"):
        advice = "download it first, or pass the URL itself to image_item."
        raise _refused(_name(None), "it is a URL and no path", advice)
    name = _name(text)
    with _refusals(name):
        path = Path(text)
        if not path.is_file():
            raise _refused(name, "it is a folder" if path.is_dir() else "there is no such file")
        if (size := path.stat().st_size) > MAX_BYTES:
            raise _refused(name, f"{size:,} bytes are too many")
        return name, path.read_bytes()


def _name(path: object) -> str:
    """Return the name of a file for messages, without its folders."""
    return (one_line(Path(path).name) if isinstance(path, str) else "") or "The picture"


def _decode(name: str, raw: bytes, opened: Image.Image, side: int) -> None:
    """Decode a picture that is to be shown with at most ``side`` pixels a side.

    Raises ``BadParameterError`` if it would take too much memory.
    """
    if raw:  # a picture of pillow's belongs to the caller
        draft(opened, side)
    if opened.width * opened.height > MAX_PIXELS:
        size = f"{opened.width:,} by {opened.height:,} pixels are too many"
        raise _refused(name, f"{size}, {_LIMIT}")
    opened.load()


def draft(opened: Image.Image, side: int) -> None:
    """Let a JPEG be decoded smaller, with at least twice ``side``: in less memory and time.

    The size of ``opened`` changes. Other formats stay as they are.
    """
    scale = 2 * side / max(opened.size)
    opened.draft(None, (max(1, int(opened.width * scale)), max(1, int(opened.height * scale))))


@contextlib.contextmanager
def _refusals(name: str) -> Iterator[None]:
    """Raise ``BadParameterError`` for every error of pillow, which raises many kinds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pillow warns of damage, and of what is refused here
            yield
        return
    except BadParameterError:
        raise
    except UnidentifiedImageError:
        why = f"it is no picture in one of the formats {', '.join(FORMATS)}"
    except Image.DecompressionBombError:
        why = f"it has far too many pixels, {_LIMIT}"
    except OSError as reason:  # its full text may name a path of this machine
        why = one_line(reason.strerror or "it is truncated or damaged")
    except Exception as reason:
        why = f"it is damaged ({type(reason).__name__})"
    raise _refused(name, why) from None


def _refused(
    name: str,
    why: str,
    advice: str = "use a whole PNG, JPEG, WebP or GIF file of a reasonable size.",
) -> BadParameterError:
    return BadParameterError(f"{name} can't be used: {why}. Nothing was sent.", advice=advice)


def _ready(name: str, raw: bytes, opened: Image.Image, max_side: int) -> Picture:
    size = opened.size
    _decode(name, raw, opened, max_side)
    removed = tuple(_facts(opened))
    orientation = _orientation(opened)
    changes = []
    if getattr(opened, "is_animated", False) and opened.format != "MPO":
        changes.append("first picture of the animation taken")
    photo = opened.format in _FROM_CAMERAS and not opened.has_transparency_data
    kind = "JPEG" if photo else "PNG"
    clean, colours = pixels_of(opened)
    if colours:
        changes.append(colours)
    if orientation in range(2, 9):
        changes.append("turned upright")
        clean.getexif()[ExifTags.Base.Orientation] = orientation
        clean = ImageOps.exif_transpose(clean)
        size = size if orientation < 5 else size[::-1]
    if max(size) > max_side:
        clean.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
        before = f"{size[0]} × {size[1]}"
        changes.append(f"made smaller, from {before} to {clean.width} × {clean.height} pixels")
    if raw and opened.format != kind and opened.format != "MPO":
        changes.append(f"turned from {opened.format} into {kind}")
    is_png = bool(raw) and kind == opened.format == "PNG"
    as_it_was = is_png and changes in ([], [IGNORED]) and raw[24] <= 8  # bits a sample
    if as_it_was:
        data = _pixel_chunks(raw)
    else:
        stream = io.BytesIO()
        clean.save(stream, kind, **({"quality": 85} if photo else {"optimize": True}))
        data = stream.getvalue()
    if removed or (as_it_was and data != raw):
        changes.append("metadata removed")
    return Picture(name, kind, clean.width, clean.height, tuple(changes), removed, data, raw)


def pixels_of(opened: Image.Image) -> tuple[Image.Image, str]:
    """Return the pixels alone, and in words what was done to their colours, if anything was.

    They are in sRGB, eight bits a sample, in mode L, RGB or RGBA.
    """
    if opened.mode.startswith("I"):
        opened = opened.point(lambda value: value / 256).convert("L")
    clean, colours = to_srgb(opened)
    if clean is opened:
        mode = "L" if opened.mode in ("1", "L") else "RGB"
        clean = opened.convert("RGBA" if opened.has_transparency_data else mode)
    clean.info.clear()
    return clean, colours


def _pixel_chunks(png: bytes) -> bytes:
    """Return a PNG without the chunks that its pixels don't need.

    The pixels stay compressed as they are, and so the same bytes on every system.
    """
    kept, at = [png[:8]], 8
    while kept[-1][4:8] != b"IEND":
        end = at + 12 + int.from_bytes(png[at : at + 4])
        chunk = png[at:end]
        if end > len(png) or zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
            raise OSError  # as pillow does
        if chunk[4:8] in _NEEDED:
            kept.append(chunk)
        at = end
    return b"".join(kept)


def _orientation(image: Image.Image) -> int:
    with contextlib.suppress(Exception):  # damaged metadata: the picture itself may be whole
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    return 1


def _facts(image: Image.Image) -> dict[str, str]:
    facts = {name: image.info[key] for key, name in _BLOCKS.items() if key in image.info}
    facts |= getattr(image, "text", {})  # of a PNG
    try:
        exif = image.getexif()
        tags = {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
        named = {ExifTags.TAGS.get(tag, f"tag {tag}"): value for tag, value in tags.items()}
        facts |= {name: value for name, value in named.items() if name not in _SKIPPED}
        if place := exif.get_ifd(ExifTags.IFD.GPSInfo):
            facts["GPSInfo"] = _place(place)
    except Exception:
        facts["EXIF"] = "(damaged)"
    shown = list(facts.items())[:_MAX_FACTS]
    return {one_line(name): _value_text(value) for name, value in shown}


def _place(gps: Mapping[int, Any]) -> str:
    """Return latitude and longitude, as on a map."""
    sides = []
    for name in (ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLongitude):
        degrees, minutes, seconds = map(float, gps[name])
        sides.append(f"{degrees:.0f}° {minutes:.0f}′ {seconds:.0f}″ {gps[name - 1]}")
    return ", ".join(sides)


def _value_text(value: object) -> str:
    return f"({len(value):,} bytes)" if isinstance(value, bytes) else one_line(str(value))

"""Pictures for a model: upright, in sRGB, without metadata, made small, as a data URL.

A photo's metadata says where and when it was taken and with which camera: it is not sent. A picture
that pillow can't read, or that would fill the memory, raises ``BadParameterError``.
"""

import base64
import contextlib
import io
import os
import re
import warnings
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from helpers.client.errors import BadParameterError
from helpers.client.messages import JSON
from helpers.client.redaction import one_line
from helpers.color_profiles import IGNORED, to_srgb

MAX_PIXELS = 100_000_000
"""A picture with more is refused before it is decoded: a small file can unfold to gigabytes.

Decoding takes 4 bytes a pixel, and the changes up to two copies: 1.2 GB of memory at most. A JPEG
that will be made smaller is decoded at 1/2, 1/4 or 1/8 of its size, and counts with that.
"""
MAX_BYTES = 50_000_000
"""A file with more is refused: nothing of it is decoded."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
"""The formats that are read. For some others pillow starts other programs."""

_LIMIT = f"at most {MAX_PIXELS:,} are decoded"
_SOURCES = 'pass a path, bytes, a picture of pillow, or a file newly opened in binary mode ("rb").'
_MAX_FACTS = 40
_URL = re.compile(r"data:|[\w+.-]+://")
_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
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
    if not isinstance(max_side, int) or max_side < 1:
        raise BadParameterError(
            f"max_side is {max_side!r}; it has to be a whole number from 1 on.",
            advice="leave it out: 1024 is kept.",
        )
    name = _name(source)
    with _refusals(name):
        return _to_picture(name, *_decoded(source, max_side), max_side)


def metadata(source: Source) -> dict[str, str]:
    """Return the metadata of a picture, name and value. Raises as ``prepare`` does."""
    with _refusals(_name(source)):
        return _facts(_decoded(source, 1)[1])


def _name(source: object) -> str:
    """Return the name of a file for messages, without its folders."""
    path = getattr(source, "filename", None) or getattr(source, "name", None)
    path = source if isinstance(source, str | os.PathLike) else path
    text = os.fsdecode(path) if isinstance(path, str | os.PathLike) else ""
    return ("" if _URL.match(text) else one_line(Path(text).name)) or "The picture"


class _Refusal(BadParameterError):
    """Why a source can't be used, without its name."""

    advice = "use a whole PNG, JPEG, WEBP, GIF or BMP file of a reasonable size."


@contextlib.contextmanager
def _refusals(name: str) -> Iterator[None]:
    """Raise ``BadParameterError`` for every error, also of pillow, which raises many kinds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pillow warns of damage, and of what is refused here
            yield
        return
    except _Refusal as reason:
        refusal = reason
    except UnidentifiedImageError:
        refusal = _Refusal(f"it is no picture in one of the formats {', '.join(FORMATS)}")
    except Image.DecompressionBombError:
        refusal = _Refusal(f"it has far too many pixels, {_LIMIT}")
    except OSError as reason:  # its full text may name a path of this machine
        refusal = _Refusal(reason.strerror or "it is truncated or damaged")
    except Exception as reason:
        refusal = _Refusal(f"it is damaged ({type(reason).__name__})")
    raise BadParameterError(
        f"{name} can't be used: {refusal.message}. Nothing was sent.", advice=refusal.advice
    ) from None


def _read(source: Any) -> bytes:
    """Return the bytes of a file."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if isinstance(source, str | os.PathLike):
        text = os.fsdecode(source)
        if _URL.match(text):
            advice = "download it first, or pass the URL itself to image_item."
            raise _Refusal("it is a URL and no path", advice=advice)
        path = Path(text)
        if not path.is_file():
            raise _Refusal("it is a folder" if path.is_dir() else "there is no such file")
        with path.open("rb") as file:
            return _read(file)
    try:
        raw = bytes(memoryview(source.read(MAX_BYTES + 1)))
    except Exception:
        why = f"it is of type {type(source).__name__}, and no bytes can be read from it"
        raise _Refusal(why, advice=_SOURCES) from None
    if not raw:
        raise _Refusal("there is nothing to read in it", advice=_SOURCES)
    if len(raw) > MAX_BYTES:
        raise _Refusal(f"more than {MAX_BYTES:,} bytes are too many")
    return raw


def _decoded(source: Source, side: int) -> tuple[bytes, Image.Image, tuple[int, int]]:
    """Return the bytes of a picture's file (none if it has no file), the picture, and its size.

    It is decoded to be shown with at most ``side`` pixels a side, unless that took too much memory.
    """
    raw = b""
    if isinstance(source, Image.Image):
        opened, size = source, source.size
    else:
        raw = _read(source)
        opened = Image.open(io.BytesIO(raw), formats=FORMATS)
        size = opened.size
        opened.draft(None, (2 * side, 2 * side))  # a JPEG: not smaller than twice what is needed
    if opened.width * opened.height > MAX_PIXELS:
        raise _Refusal(f"{opened.width:,} by {opened.height:,} pixels are too many, {_LIMIT}")
    opened.load()
    return raw, opened, size


def _to_picture(
    name: str, raw: bytes, opened: Image.Image, size: tuple[int, int], max_side: int
) -> Picture:
    """Return the decoded picture ``opened`` ready to send, with what was done to it.

    ``raw`` is its file, empty if it has none; ``size`` is its size there, before ``draft``.
    """
    removed = tuple(_facts(opened))
    # An MPO is a JPEG with more pictures behind the first one.
    form = "JPEG" if opened.format == "MPO" else opened.format
    photo = form in ("JPEG", "WEBP") and not opened.has_transparency_data
    kind = "JPEG" if photo else "PNG"
    changes = []
    if getattr(opened, "is_animated", False) and form != "JPEG":
        changes.append("first picture of the animation taken")
    clean, colours = clean_copy(opened)
    if colours:
        changes.append(colours)
    orientation = _orientation(opened)
    if orientation in range(2, 9):
        changes.append("turned upright")
        clean.getexif()[ExifTags.Base.Orientation] = orientation
        clean = ImageOps.exif_transpose(clean)
        size = size if orientation < 5 else size[::-1]
    if max(size) > max_side:
        clean.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
        before = f"{size[0]:,} × {size[1]:,}"
        changes.append(f"made smaller, from {before} to {clean.width:,} × {clean.height:,} pixels")
    if raw and form != kind:
        changes.append(f"turned from {form} into {kind}")
    is_png = bool(raw) and kind == form == "PNG"
    as_it_was = is_png and changes in ([], [IGNORED]) and raw[24] <= 8  # bits a sample
    if as_it_was:
        data = _strip_metadata(raw)
    else:
        stream = io.BytesIO()
        clean.save(stream, kind, **({"quality": 85} if photo else {"optimize": True}))
        data = stream.getvalue()
    if removed or (as_it_was and data != raw):
        changes.append("metadata removed")
    return Picture(name, kind, clean.width, clean.height, tuple(changes), removed, data, raw)


def clean_copy(opened: Image.Image) -> tuple[Image.Image, str]:
    """Return a copy without metadata, and in words what was done to its colours, if anything was.

    The copy is in sRGB, with eight bits a sample, in mode L, RGB or RGBA.
    """
    if opened.mode.startswith("I"):
        opened = opened.point(lambda value: value / 256).convert("L")
    clean, colours = to_srgb(opened)
    if clean is opened:
        mode = "L" if opened.mode in ("1", "L") else "RGB"
        clean = opened.convert("RGBA" if opened.has_transparency_data else mode)
    clean.info.clear()
    return clean, colours


def _strip_metadata(png: bytes) -> bytes:
    """Return the file of a PNG without its metadata: only with the chunks that make the pixels.

    The pixels stay compressed as they are, and so the same bytes on every system.
    """
    kept, at = [png[:8]], 8
    while kept[-1][4:8] != b"IEND":
        end = at + 12 + int.from_bytes(png[at : at + 4])
        chunk = png[at:end]
        if end > len(png) or zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
            raise OSError  # as pillow does
        if chunk[4:8] in _PIXEL_CHUNKS:
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
        if gps := exif.get_ifd(ExifTags.IFD.GPSInfo):
            facts["GPSInfo"] = f"{_degrees(gps, 2)}, {_degrees(gps, 4)}"
    except Exception:
        facts["EXIF"] = "(damaged)"
    shown = {
        name: f"({len(value):,} bytes)" if isinstance(value, bytes) else str(value)
        for name, value in [*facts.items()][:_MAX_FACTS]
    }
    return {one_line(name): one_line(value) for name, value in shown.items()}


def _degrees(gps: Mapping[int, Any], tag: int) -> str:
    """Return a latitude (2) or longitude (4) as on a map. Its direction is in the tag before."""
    degrees, minutes, seconds = map(float, gps[tag])
    return f"{degrees:.0f}° {minutes:.0f}′ {seconds:.0f}″ {gps[tag - 1]}"

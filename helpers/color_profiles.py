"""Turn the colours of a picture into sRGB, which models and browsers assume where nothing is said.

The numbers of a pixel mean a colour only together with a colour space: that of the picture's ICC
profile, or of a PNG's gAMA and cHRM chunks. A picture that loses these has to be converted before.
"""

import io
import struct
from collections.abc import Sequence
from itertools import product
from typing import Any, cast

from PIL import Image, ImageChops, ImageCms

SRGB_CHROMATICITIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
"""x and y of white, red, green and blue, in the order of a PNG's cHRM chunk."""
SRGB_GAMMA = 1 / 2.2
"""What a PNG's gAMA chunk holds for sRGB, though its curve is not exactly that power."""
MAX_DIFFERENCE = 2
"""Of 255: a profile that changes no colour by more is taken for sRGB, and nothing is converted."""
CONVERTED = "colours turned into sRGB"
IGNORED = "colour profile ignored (damaged, or for another kind of picture)"

_MODES = {"RGB": ("RGB", "RGBA", "P", "PA"), "GRAY": ("1", "L", "LA"), "CMYK": ("CMYK",)}
"""The modes of the pictures that a profile of each colour space can be for."""
_TOLERANCE = 0.005
_D50 = (0.9642, 1.0, 0.8249)  # the white of every ICC profile, as X, Y and Z
# The Bradford cone responses, with which ICC adapts colours to another white.
_BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_FROM_BRADFORD = (
    (0.9869929, -0.1470543, 0.1599627),
    (0.4323053, 0.5183603, 0.0492912),
    (-0.0085287, 0.0400428, 0.9684867),
)

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

Vector = Sequence[float]


def to_srgb(image: Image.Image) -> tuple[Image.Image, str]:
    """Return ``image`` in sRGB and what was done: ``CONVERTED``, ``IGNORED`` or nothing.

    If nothing was done, it is ``image`` itself; otherwise a new one in mode L, RGB or RGBA. The
    rendering intent is perceptual, as in most viewers.
    """
    try:
        profile = _profile_of(image.info)
        converted = None if profile is None else _converted(image, profile)
    except Exception:  # pillow raises many kinds for a damaged profile; the pixels may be whole
        return image, IGNORED
    return (image, "") if converted is None else (converted, CONVERTED)


def _profile_of(info: dict[Any, Any]) -> bytes | None:
    """Return the ICC profile of a picture; None if it is in sRGB, or says nothing."""
    if "icc_profile" in info:
        return cast(bytes, info["icc_profile"])
    if "gamma" not in info or "srgb" in info:
        return None
    gamma, chromaticities = info["gamma"], info.get("chromaticity", SRGB_CHROMATICITIES)
    given, usual = (gamma, *chromaticities), (SRGB_GAMMA, *SRGB_CHROMATICITIES)
    if all(abs(a - b) <= _TOLERANCE for a, b in zip(given, usual, strict=True)):
        return None
    return matrix_profile(1 / gamma, chromaticities)


def _converted(image: Image.Image, icc: bytes) -> Image.Image | None:
    """Return ``image`` in sRGB; None if its profile is that of sRGB."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    space = profile.profile.xcolor_space.strip()
    is_grey, alpha = image.mode in _MODES["GRAY"], None
    if image.mode not in _MODES[space] and not (space == "RGB" and is_grey):
        raise ValueError(f"a profile for {space} in a picture of mode {image.mode}")
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
    mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}[space]
    transform = ImageCms.ImageCmsTransform(profile, _SRGB, mode, "RGB")
    if mode != "CMYK" and _is_neutral(transform, mode):
        return None
    colours = image.convert(mode)
    colours = transform.apply(colours, colours if mode == "RGB" else None)  # saves a third copy
    if alpha is not None:
        colours.putalpha(alpha)
        return colours
    return colours.convert("L") if is_grey else colours


def _is_neutral(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Tell whether ``transform`` leaves the colours of all parts of its space as they are."""
    steps = range(0, 256, 15)
    values = bytes(value for colour in product(steps, repeat=len(mode)) for value in colour)
    colours = Image.frombytes(mode, (len(values) // len(mode), 1), values)
    changes = ImageChops.difference(transform.apply(colours), colours.convert("RGB"))
    return not changes.point(lambda value: max(0, value - MAX_DIFFERENCE)).getbbox()


def matrix_profile(gamma: float, chromaticities: Vector) -> bytes:
    """Return an ICC profile (version 2.4) of an RGB space: a power ``gamma`` and its primaries.

    ``chromaticities`` are as in ``SRGB_CHROMATICITIES``. Layout: ICC.1:2001-04, section 6.
    """
    xs, ys = chromaticities[::2], chromaticities[1::2]
    white, *primaries = ([x / y, 1.0, (1 - x - y) / y] for x, y in zip(xs, ys, strict=True))
    whole = _determinant(primaries)
    tags = {b"wtpt": b"XYZ \0\0\0\0" + _fixed(_D50), b"cprt": b"text\0\0\0\0\0"}
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", 1) + bytes(79)
    for place, letter in enumerate("rgb"):
        # Cramer's rule: how much of each primary there is in white.
        share = _determinant([*primaries[:place], white, *primaries[place + 1 :]]) / whole
        colour = _adapted([share * value for value in primaries[place]], white)
        tags[f"{letter}XYZ".encode()] = b"XYZ \0\0\0\0" + _fixed(colour)
        tags[f"{letter}TRC".encode()] = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    table, data, start = b"", b"", 132 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    size = start + len(data)
    head = struct.pack(">I4xI", size, 0x02400000) + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    head += bytes(28) + _fixed(_D50) + bytes(48)
    return head + struct.pack(">I", len(tags)) + table + data


def _adapted(colour: Vector, white: Vector) -> Vector:
    """Return a colour seen under ``white`` as it is seen under D50."""
    cones, whites, targets = (_product(_BRADFORD, one) for one in (colour, white, _D50))
    scaled = [one * to / by for one, by, to in zip(cones, whites, targets, strict=True)]
    return _product(_FROM_BRADFORD, scaled)


def _product(matrix: Sequence[Vector], vector: Vector) -> Vector:
    return [sum(a * b for a, b in zip(line, vector, strict=True)) for line in matrix]


def _determinant(columns: Sequence[Vector]) -> float:
    a, b, c = columns
    return sum(a[i] * (b[i - 2] * c[i - 1] - b[i - 1] * c[i - 2]) for i in range(3))


def _fixed(values: Vector) -> bytes:
    """Return numbers as ICC writes them: signed, with 16 bits behind the point."""
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

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

_TOLERANCE = 0.005
_D50 = (0.9642, 1.0, 0.8249)  # the white of every ICC profile, as X, Y and Z
# From X, Y, Z to the cone responses in which ICC adapts colours to another white (Bradford).
_BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
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
    is_grey = image.mode in ("1", "L", "LA")
    is_rgb = not is_grey or profile.profile.xcolor_space == "RGB "
    mode = "CMYK" if image.mode == "CMYK" else "RGB" if is_rgb else "L"
    # Raises if the profile is for another kind of picture than this mode.
    transform = ImageCms.ImageCmsTransform(profile, _SRGB, mode, "RGB")
    if mode != "CMYK" and _is_neutral(transform, mode):
        return None
    alpha = None
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
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
    return max(high for _, high in changes.getextrema()) <= MAX_DIFFERENCE  # type: ignore[misc]


def matrix_profile(gamma: float, chromaticities: Vector) -> bytes:
    """Return an ICC profile of an RGB space: a power ``gamma`` and its primaries.

    ``chromaticities`` are as in ``SRGB_CHROMATICITIES``. It is pillow's profile of sRGB with other
    numbers. Its curve is (a * x + b) ** g from d on, stored as g, a, b, c, d.
    """
    xs, ys = chromaticities[::2], chromaticities[1::2]
    colours = [(x / y, 1.0, (1 - x - y) / y) for x, y in zip(xs, ys, strict=True)]
    white, *primaries = map(_cones, colours)
    profile = bytearray(_SRGB.tobytes())
    # How much of each primary there is in white; then the same colours under the white D50.
    for tag, primary, share in zip("rgb", primaries, _parts(primaries, white), strict=True):
        parts = zip(primary, _cones(_D50), white, strict=True)
        adapted = [share * one * d50 / own for one, d50, own in parts]
        _put(profile, f"{tag}XYZ", 8, _parts([*zip(*_BRADFORD, strict=True)], adapted))
        _put(profile, f"{tag}TRC", 12, (gamma, 1, 0, 0, 0))
    return bytes(profile)


def _cones(colour: Vector) -> Vector:
    """Return the cone responses to a colour given as X, Y and Z."""
    return [sum(a * b for a, b in zip(line, colour, strict=True)) for line in _BRADFORD]


def _parts(columns: Sequence[Vector], whole: Vector) -> Vector:
    """Return how much of each of three vectors adds up to ``whole``, by Cramer's rule."""

    def determinant(a: Vector, b: Vector, c: Vector) -> float:
        return sum(a[i] * (b[i - 2] * c[i - 1] - b[i - 1] * c[i - 2]) for i in range(3))

    replaced = ([whole if at == i else columns[at] for at in range(3)] for i in range(3))
    return [determinant(*some) / determinant(*columns) for some in replaced]


def _put(profile: bytearray, tag: str, skip: int, values: Vector) -> None:
    """Write numbers into a tag of a profile, behind ``skip`` bytes: 16 bits before the point."""
    entry = profile.index(tag.encode(), 128)  # name, offset, size
    start = int.from_bytes(profile[entry + 4 : entry + 8]) + skip
    numbers = (round(value * 65536) for value in values)
    struct.pack_into(f">{len(values)}i", profile, start, *numbers)

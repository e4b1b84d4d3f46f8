"""Turn the colours of a picture into sRGB, which models and browsers assume where nothing is said.

The numbers of a pixel mean a colour only together with a colour space: that of the picture's ICC
profile, or of the gamma in a PNG. A picture that loses these has to be converted before.
"""

import io
import struct
from itertools import product
from typing import Any, cast

from PIL import Image, ImageChops, ImageCms

SRGB_GAMMA = 1 / 2.2
"""What a PNG's gAMA chunk holds for sRGB, though its curve is not exactly that power."""
MAX_DIFFERENCE = 2
"""Of 255: a profile that changes no colour by more is taken for sRGB, and nothing is converted."""
CONVERTED = "colours turned into sRGB"
IGNORED = "colour profile ignored (damaged, or for another kind of picture)"

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


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
    if "gamma" not in info or "srgb" in info or abs(info["gamma"] - SRGB_GAMMA) <= 0.005:
        return None
    return power_profile(1 / info["gamma"])


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


def power_profile(power: float) -> bytes:
    """Return pillow's profile of sRGB with another curve: light is a ``power`` of the number.

    Its curves are (a * x + b) ** g from d on, stored as g, a, b, c, d with 16 bits after the point.
    """
    profile = bytearray(_SRGB.tobytes())
    curve = struct.pack(">5i", *(round(value * 65536) for value in (power, 1, 0, 0, 0)))
    for tag in (b"rTRC", b"gTRC", b"bTRC"):
        entry = profile.index(tag, 128)  # name, offset, size
        start = int.from_bytes(profile[entry + 4 : entry + 8]) + 12
        profile[start : start + len(curve)] = curve
    return bytes(profile)

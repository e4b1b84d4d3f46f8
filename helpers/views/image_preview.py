"""``preview``: pictures before and after ``prepare``, small, side by side, and in numbers."""

import base64
import io
from collections.abc import Mapping

from jinja2 import Environment
from markupsafe import Markup
from PIL import Image

from helpers.client.text import one_line
from helpers.images import Picture, pixels_of
from helpers.views.view import View, table

MAX_SIDE = 320
"""CSS pixels of a small picture."""

_COLOURS = 64
_PAIR = Environment(autoescape=True).from_string("""\
<p><b>{{ about }}</b> ({{ name }})</p>
<table>
<thead><tr>
{% for side in sides %}<th><div align="left">{{ side.title }}</div></th>
{% endfor %}</tr></thead>
<tbody><tr>
{% for side in sides %}<td style="vertical-align: top">\
<img alt="{{ side.alt }}" width="{{ side.width }}" src="data:image/png;base64,{{ side.png }}"></td>
{% endfor %}</tr></tbody>
</table>
{{ numbers }}
<p>{{ done }}</p>""")


def preview(pictures: Mapping[str, Picture]) -> View:
    """Each picture as its file stores it and as it is sent; the keys say in words what it shows.

    Where both are the same to the byte, it is shown once. The numbers stand below as a table.
    """
    views = [_pair(one_line(about), picture) for about, picture in pictures.items()]
    html, plain = (view.html for view in views), (view.plain for view in views)
    return View("\n".join(html), "\n\n".join(plain))


def _pair(about: str, picture: Picture) -> View:
    if picture.data == picture.original:
        titles = {"in the file, and as it is sent": picture.data}
    else:
        titles = {"in the file": picture.original, "as it is sent": picture.data}
    sides, columns = [], []
    for title, data in titles.items():
        with Image.open(io.BytesIO(data)) as opened:
            kind, width, height = str(opened.format), opened.width, opened.height
            small = _small(opened)
        alt = f"{about}, {title}: {kind}, {width} by {height} pixels."
        sides.append({"title": title, "alt": alt, "width": small.width, "png": _png(small)})
        lost = ", ".join(picture.removed) if data is picture.original else ""
        columns.append([kind, f"{width:,} × {height:,}", f"{len(data):,}", lost or "none"])
    names = ["format", "pixels", "bytes", "metadata"]
    numbers = table(["", *titles], zip(names, *columns, strict=True))
    name = one_line(picture.name)
    changes = "; ".join(picture.changes) or "nothing, it can go as it is"
    done = one_line(f"What was done: {changes}.")
    html = _PAIR.render(
        about=about, name=name, sides=sides, numbers=Markup(numbers.html), done=done
    )
    return View(html, f"{about} ({name})\n\n{numbers.plain}\n\n{done}")


def _small(opened: Image.Image) -> Image.Image:
    """A small copy of the pixels as they are stored, on a white ground."""
    full = pixels_of(opened)
    full.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    card = Image.new("RGB", full.size, "white")
    card.paste(full, mask=full if full.mode == "RGBA" else None)
    return card


def _png(picture: Image.Image) -> str:
    """The picture as PNG, in base64; few colours are enough for a small one."""
    stream = io.BytesIO()
    few = picture.quantize(_COLOURS, dither=Image.Dither.NONE)
    few.save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode("ascii")

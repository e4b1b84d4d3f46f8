"""``preview``: pictures before and after ``prepare``, small, side by side, and in numbers."""

import io
import warnings
from collections.abc import Mapping

from markupsafe import Markup
from PIL import Image

from helpers.client.redaction import one_line
from helpers.images import Picture, clean_copy
from helpers.views.charts import png_bytes
from helpers.views.view import Cell, View, picture, stack, table

MAX_SIDE = 320
"""CSS pixels of a small picture."""

_ABOUT = Markup("<p><b>{}</b> ({})</p>")


def preview(pictures: Mapping[str, Picture]) -> View:
    """Show each picture as its file stores it and as it is sent, with the numbers as a table.

    The keys say in words what a picture shows. Where both are the same bytes, it is shown once.
    """
    return stack(*(_pair(one_line(about), prepared) for about, prepared in pictures.items()))


def _pair(about: str, prepared: Picture) -> View:
    files = {"in the file": prepared.original, "as it is sent": prepared.data}
    if prepared.data == prepared.original:
        files = {"in the file, and as it is sent": prepared.data}
    elif not prepared.original:
        files = {"as it is sent": prepared.data}
    images, columns = [], []
    for title, data in files.items():
        with warnings.catch_warnings(action="ignore"):  # of its size, which ``prepare`` has checked
            opened = Image.open(io.BytesIO(data))
        with opened:
            kind, width, height = str(opened.format), opened.width, opened.height
            small = _small(opened, alone=len(files) == 1)
        alt = f"{about}, {title}: {kind}, {width} by {height} pixels."
        images.append(Cell(picture(png_bytes(small), alt, small.width), alt))
        lost = ", ".join(prepared.removed) if data is prepared.original else ""
        columns.append([kind, f"{width:,} × {height:,}", f"{len(data):,}", lost or "none"])
    names = ["format", "pixels", "bytes", "metadata"]
    numbers = table(["", *files], zip(names, *columns, strict=True))
    name = one_line(prepared.name)
    changes = "; ".join(prepared.changes) or "nothing, it can go as it is"
    return stack(
        View(_ABOUT.format(about, name), f"{about} ({name})"),
        View(f"{table(list(files), [images]).html}\n{numbers.html}", numbers.plain),
        one_line(f"What was done: {changes}."),
    )


def _small(opened: Image.Image, *, alone: bool) -> Image.Image:
    """Return a small copy of the pixels, not turned, on a white ground; twice the size if alone."""
    opened.draft(None, (2048, 2048))  # less memory for a large JPEG, and nothing that could be seen
    full, _ = clean_copy(opened)
    side = 2 * MAX_SIDE if alone else MAX_SIDE
    full.thumbnail((side, side), Image.Resampling.LANCZOS)
    card = Image.new("RGB", full.size, "white")
    card.paste(full, mask=full if full.mode == "RGBA" else None)
    return card

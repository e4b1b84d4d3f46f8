"""``file_box``: a place on the page for a file, which can be chosen, dropped or pasted there.

The upload button of the usual widgets takes no file that is dropped or pasted, loses one of more
than ten million bytes without a word, and keeps the others in its state. This one has a
script of its own: ``file_box.js``. Importing it takes a moment, so it is done where controls are
built.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
from traitlets import Dict

from helpers.widgets.panel import named


class FileBox(anywidget.AnyWidget):
    """The widget itself; its ``settings`` are what the script asks for."""

    _esm = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    settings = Dict().tag(sync=True)


def file_box(
    label: str,
    name: str,
    hint: str,
    *,
    kinds: str,
    most: int,
    heard: Callable[[Mapping[str, Any], bytes], None],
) -> FileBox:
    """A place for a file of the media types ``kinds``, with a button and a ``hint`` beside it.

    ``heard`` is given each piece of a file, as ``Incoming`` takes it: what the script tells of it,
    and the bytes. Of a file with more than ``most`` bytes only the first piece is sent.
    """
    made = FileBox(settings={"label": label, "hint": hint, "kinds": kinds, "most": most})
    made.on_msg(lambda _, told, buffers: heard(told, b"".join(buffers)))
    named(made, name)
    return made

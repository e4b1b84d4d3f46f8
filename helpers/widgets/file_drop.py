"""``FileDrop``: a place on the page for a file, which can be chosen, dropped or pasted there.

``ipywidgets.FileUpload`` takes no file that is dropped or pasted, loses one of more than ten
million bytes without an error, and keeps the others in its state. This widget has a script of its
own (``file_drop.js``). Import this module where controls are built: anywidget takes a moment.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
from traitlets import Dict

from helpers.client.errors import BadParameterError
from helpers.client.redaction import one_line
from helpers.images import FORMATS, MAX_BYTES

SETTINGS = {
    "label": "Choose a picture",
    "hint": "or drop one here, or click here and paste one. Nothing is sent before you press Run.",
    "kinds": ",".join(f"image/{kind.lower()}" for kind in FORMATS),
    "max_bytes": MAX_BYTES,  # of a larger file only the first piece is sent
}


class FileDrop(anywidget.AnyWidget):
    """A place for a picture.

    ``take`` is called with name and bytes of each file, ``refuse`` with the error if there is none
    that can be taken. A Jupyter server drops the connection at a message that is too long, so a
    file arrives in pieces, perhaps in another order. Only the newest file is kept, and nothing of
    it once it is complete.
    """

    _esm = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    settings = Dict(SETTINGS).tag(sync=True)

    def __init__(
        self, take: Callable[[str, bytes], None], refuse: Callable[[BadParameterError], None]
    ) -> None:
        super().__init__()
        self.add_class("cc-file")
        self._take, self._refuse = take, refuse
        self._adding = threading.Lock()  # messages may be handled by more than one thread
        self._id: object = None
        self._pieces: dict[int, bytes] = {}
        self.on_msg(self._receive)

    def _receive(self, _: object, piece: Mapping[str, Any], data: Sequence[bytes]) -> None:
        """Add a piece of a file.

        ``piece`` holds ``id``, ``name`` and ``size`` (bytes) of the file, and ``at``, the place of
        ``data`` in it; ``lost`` if the browser can't read the file; no name if there is no file.
        """
        name = one_line(str(piece.get("name") or ""))
        if problem := _problem(name, piece):
            return self._refuse(problem)
        with self._adding:
            if piece["id"] != self._id:
                self._id, self._pieces = piece["id"], {}
            self._pieces[piece["at"]] = b"".join(data)
            if sum(map(len, self._pieces.values())) < piece["size"]:
                return
            whole = b"".join(data for _, data in sorted(self._pieces.items()))
            self._id, self._pieces = None, {}
        self._take(name, whole)


def _problem(name: str, piece: Mapping[str, Any]) -> BadParameterError | None:
    """Return what says why this file can't be taken, if it can't."""
    if not name:
        what, advice = "There was no file in it", "choose, drop or paste a picture."
    elif piece.get("lost"):
        what = f"The browser can't read {name}"
        advice = "choose a file, not a folder, and one that is still there."
    elif piece["size"] > MAX_BYTES:
        what = f"{name} can't be used: {piece['size']:,} bytes are too many"
        advice = f"use a file of at most {MAX_BYTES:,} bytes."
    else:
        return None
    return BadParameterError(f"{what}. Nothing was sent.", advice=advice)

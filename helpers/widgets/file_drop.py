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
from helpers.client.text import one_line
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
    that can be taken.
    """

    _esm = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    settings = Dict(SETTINGS).tag(sync=True)

    def __init__(
        self, take: Callable[[str, bytes], None], refuse: Callable[[BadParameterError], None]
    ) -> None:
        super().__init__()
        self.add_class("cc-file")
        upload = Upload(MAX_BYTES)

        def receive(_: object, piece: Mapping[str, Any], data: Sequence[bytes]) -> None:
            try:
                file = upload.add(piece, b"".join(data))
            except BadParameterError as error:
                refuse(error)
            else:
                if file is not None:
                    take(*file)

        self.on_msg(receive)


class Upload:
    """Puts together a file of at most ``max_bytes`` that arrives in pieces.

    A Jupyter server drops the connection at a message that is too long, hence the pieces. They may
    arrive in any order. Only the newest file is kept, and nothing of it once it is complete.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()  # messages may be handled by more than one thread
        self._id: object = None
        self._pieces: dict[int, bytes] = {}

    def add(self, piece: Mapping[str, Any], data: bytes) -> tuple[str, bytes] | None:
        """Return name and bytes of the file that ``piece`` completes; None if more has to come.

        ``piece`` holds ``id``, ``name`` and ``size`` (bytes) of its file, and ``at``, the place of
        ``data`` in it; ``lost`` if the browser can't read the file; no name if there is no file.
        Raises ``BadParameterError`` for what can't be taken.
        """
        name = one_line(str(piece.get("name") or ""))
        if not name:
            raise _refused("There was no file in it", "choose, drop or paste a picture.")
        if piece.get("lost"):
            why = f"The browser can't read {name}"
            raise _refused(why, "choose a file, not a folder, and one that is still there.")
        size = int(piece["size"])
        if size > self._max_bytes:
            why = f"{name} can't be used: {size:,} bytes are too many"
            raise _refused(why, f"use a file of at most {self._max_bytes:,} bytes.")
        with self._lock:
            if piece["id"] != self._id:
                self._id, self._pieces = piece["id"], {}
            self._pieces[int(piece["at"])] = data
            if sum(map(len, self._pieces.values())) < size:
                return None
            whole = b"".join(data for _, data in sorted(self._pieces.items()))
            self._id, self._pieces = None, {}
        return name, whole


def _refused(why: str, advice: str) -> BadParameterError:
    return BadParameterError(f"{why}. Nothing was sent.", advice=advice)

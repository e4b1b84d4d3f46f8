"""A file on its way from a browser: it comes in pieces, as messages of one widget."""

import threading
from collections.abc import Mapping
from typing import Any

from helpers.client.errors import BadParameterError
from helpers.client.text import one_line


class Incoming:
    """Puts a file together; another one that begins takes the place of one that is not whole.

    A server of notebooks ends the connection at a message that is too long, without a word: hence
    the pieces. They may come in any order, and nothing of a file is kept once it is whole.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()  # messages may be handled by more than one thread
        self._id: object = None
        self._pieces: dict[int, bytes] = {}

    def add(self, piece: Mapping[str, Any], data: bytes) -> tuple[str, bytes] | None:
        """Name and bytes of the file that ``piece`` makes whole; None if more has to come.

        ``piece``: ``id``, ``name`` and ``size`` (bytes) of its file, and ``at``, where in it
        ``data`` belongs; ``lost`` if the browser can't read it; without a name there is no file.
        Raises ``BadParameterError`` for what can't be taken.
        """
        name = one_line(str(piece.get("name") or ""))
        if not name:
            raise _refused("There was no file in it", "choose, drop or paste a picture.")
        if piece.get("lost"):
            why = f"The browser can't read {name}"
            raise _refused(why, "choose a file, not a folder, and one that is still there.")
        size = int(piece["size"])
        if size > self._most:
            why = f"{name} can't be used: {size:,} bytes are too many"
            raise _refused(why, f"use a file of at most {self._most:,} bytes.")
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

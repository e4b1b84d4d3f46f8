"""A file that comes in pieces: whole, whatever their order, or one error in words."""

from itertools import permutations
from typing import Any

from helpers.images import MAX_BYTES
from helpers.widgets.file_drop import FileDrop


class Place(FileDrop):
    """A place that notes what it took, and what it said of what it can't take."""

    def __init__(self) -> None:
        self.taken, self.refused = list[Any](), list[str]()
        super().__init__(
            lambda *file: self.taken.append(file), lambda error: self.refused.append(str(error))
        )

    def get(self, data: bytes = b"", **changed: Any) -> None:
        """A message from the page, with one piece."""
        piece = {"id": 0.5, "name": "photo\n.jpg", "size": 6, "at": 0, **changed}
        self._handle_custom_msg(piece, [memoryview(data)])


def test_the_pieces_make_the_file_in_any_order() -> None:
    place = Place()
    for *first, last in permutations([(0, b"ab"), (2, b"cd"), (4, b"ef")]):
        for at, data in first:
            place.get(data, at=at)
        assert place.taken == []
        place.get(last[1], at=last[0])
        assert place.taken.pop() == ("photo .jpg", b"abcdef") and place._pieces == {}
    place.get(size=0)
    assert place.taken.pop()[1] == b"", "an empty file is one"


def test_another_file_takes_the_place_of_one_that_is_not_whole() -> None:
    place = Place()
    place.get(b"ef", at=4)
    place.get(b"xy", id=0.7, name="other.png", size=2)
    place.get(b"abcd")
    place.get(size=MAX_BYTES)
    assert (place.taken, place.refused) == ([("other.png", b"xy")], [])

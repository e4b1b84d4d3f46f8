"""A file that comes in pieces: whole, whatever their order, or one error in words."""

from itertools import permutations
from typing import Any

import pytest

from helpers import BadParameterError
from helpers.widgets.file_drop import Upload

MOST = 100


def piece(at: int = 0, size: int = 6, **more: Any) -> dict[str, Any]:
    return {"id": 0.5, "name": "photo.jpg", "size": size, "at": at, **more}


def test_the_pieces_make_the_file_in_any_order() -> None:
    upload = Upload(MOST)
    for *first, last in permutations([(0, b"ab"), (2, b"cd"), (4, b"ef")]):
        for at, data in first:
            assert upload.add(piece(at), data) is None
        assert upload.add(piece(last[0]), last[1]) == ("photo.jpg", b"abcdef")
        assert upload._pieces == {}
    assert upload.add(piece(size=0), b"") == ("photo.jpg", b""), "an empty file is one"
    assert upload.add(piece(size=MOST), b"x" * MOST) == ("photo.jpg", b"x" * MOST)


def test_another_file_takes_the_place_of_one_that_is_not_whole() -> None:
    upload = Upload(MOST)
    assert upload.add(piece(0), b"abcd") is None
    assert upload.add(piece(0, 2, id=0.7, name="other.png"), b"xy") == ("other.png", b"xy")
    assert upload.add(piece(4), b"ef") is None


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"name": ""}, "There was no file in it. Nothing was sent."),
        ({}, "There was no file in it."),
        (piece(size=MOST + 1), "photo.jpg can't be used: 101 bytes are too many. Nothing was sent"),
        (piece(lost=True), "The browser can't read photo.jpg. Nothing was sent."),
    ],
)
def test_what_can_not_be_taken_is_said(told: dict[str, Any], words: str) -> None:
    upload = Upload(MOST)
    with pytest.raises(BadParameterError, match="What to do: ") as raised:
        upload.add(told, b"a")
    assert words in str(raised.value)
    assert upload._pieces == {}

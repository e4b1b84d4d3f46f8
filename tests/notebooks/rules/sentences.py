"""The sentences of a page, and how many of them are long.

textstat counts sentences too. It takes a text, not a page: headings, cells of a table and items of
a list, which end without a full stop, would become one sentence.
"""

import re
from collections.abc import Iterable, Iterator

from bs4 import BeautifulSoup

from tests.notebooks.rules.page import without

LONG = 25
"""Words: a sentence with more is a long one."""
MAX_SHARE = 0.03
"""Of the sentences of a page that may be long."""
BLOCKS = ["p", "li", "td", "th"]
END = re.compile(r"(?<=[.!?])[)\]\"'”]*\s+")
WORD = re.compile(r"[^\W_]\S*")


def too_many_long(pieces: Iterable[BeautifulSoup]) -> Iterator[str]:
    """Yield a fault that names the long sentences in ``pieces`` of a page, if they are too many."""
    found = [sentence for piece in pieces for sentence in sentences(piece)]
    long = [" ".join(words) for words in found if len(words) > LONG]
    if len(long) > MAX_SHARE * len(found):
        yield f"{len(long)} of {len(found)} sentences have over {LONG} words: {long}"


def sentences(piece: BeautifulSoup) -> Iterator[list[str]]:
    """Yield the words of each sentence; headings and blocks of code have none."""
    for block in without(piece, "pre")(BLOCKS):
        if not block(BLOCKS):  # else its own blocks hold the text
            for sentence in END.split(block.get_text()):
                if words := WORD.findall(sentence):
                    yield words

"""Cut text into pieces; a piece counts as a token everywhere in the stand-in.

Real models have vocabularies of their own. What matters here is that everything agrees: ``usage``,
``max_tokens``, the streamed deltas and ``logprobs`` all count the same pieces.
"""

import json
import re
from base64 import b64decode
from io import BytesIO
from math import ceil

from PIL import Image

from tests.standin.calls import Json, items_of

WORD = 8
"""Letters in a piece: longer words take several, as with real tokens."""

MESSAGE_OVERHEAD = 3
"""Tokens of a message besides its text (its role, its beginning and its end)."""

PICTURE, TILE = 85, 170
"""Tokens of a picture, and what each of its tiles adds: as OpenAI's models have it."""
LARGEST, SHORT_SIDE, TILE_SIDE = 2048, 768, 512
"""Pixels: a picture is made to fit the first, its short side the second, then cut into tiles."""

# A piece is a word, a part of a long word, or one other mark, with the white space before it. White
# space that nothing follows is a piece of its own, so that the pieces joined give the text back.
PIECE = re.compile(rf"\s*(?:\w{{1,{WORD}}}|[^\w\s])|\s+")


def pieces(text: str) -> list[str]:
    """Cut ``text`` into pieces; joined they give it back."""
    return PIECE.findall(text)


def count(text: str) -> int:
    """Return the number of tokens of ``text``."""
    return len(pieces(text))


def prompt_tokens(body: Json) -> int:
    """Return the number of tokens of the messages and the offered tools."""
    tools = count(json.dumps(body["tools"])) if body.get("tools") else 0
    return tools + sum(message_tokens(message) for message in body["messages"])


def image_tokens(body: Json) -> int:
    """Return the number of tokens of the pictures in the messages."""
    items = [item for message in body["messages"] for item in items_of(message)]
    return sum(picture_tokens(item) for item in items if item["type"] == "image_url")


def message_tokens(message: Json) -> int:
    """Return the number of tokens of a message: text, pictures and tool calls."""
    total = MESSAGE_OVERHEAD
    for item in items_of(message):
        if item["type"] == "thinking":
            total += sum(count(part["text"]) for part in item["thinking"])
        else:
            total += count(item["text"]) if item["type"] == "text" else picture_tokens(item)
    for call in message.get("tool_calls") or ():
        total += count(call["function"]["name"]) + count(call["function"]["arguments"])
    return total


def picture_tokens(item: Json) -> int:
    """Return the number of tokens of a picture, by its size unless the detail is "low".

    Anything but a picture in a data URL has no known size and counts as one tile.
    """
    shown = item.get("image_url") or {}
    if shown.get("detail") == "low":
        return PICTURE
    try:
        with Image.open(BytesIO(b64decode(shown["url"].partition(";base64,")[2]))) as picture:
            width, height = picture.size
    except (KeyError, ValueError, OSError, Image.DecompressionBombError):
        return PICTURE + TILE
    shrunk = min(1.0, LARGEST / max(width, height))
    shrunk *= min(1.0, SHORT_SIDE / (min(width, height) * shrunk))
    across, down = (ceil(round(side * shrunk) / TILE_SIDE) for side in (width, height))
    return PICTURE + TILE * across * down

"""An answer as server-sent events, with the waits between them, changed as a fault says."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.standin.answers import Answer
from tests.standin.families import shape_of
from tests.standin.replies import as_bytes
from tests.standin.shapes import has_piece
from tests.standin.verdicts import JUDGED, NAMELESS, SAFE

DONE = b"data: [DONE]\n\n"
SPOILT_AFTER = 5
"""Number of pieces that are sent before a fault begins."""

ERROR_CHUNK = {
    "error": {"code": "InternalServerError", "message": "The model stopped in mid-sentence."}
}
ERROR_EVENT = b"event: error\ndata: Error parsing decoded stream: unexpected end of input\n\n"


@dataclass(frozen=True)
class Event:
    """One event. ``piece``: it brings a piece of the text; ``breaks``: the connection ends here."""

    wait_ms: float
    data: bytes
    piece: bool = False
    breaks: bool = False


BREAK = Event(0, b"", breaks=True)


def event(value: object, name: str = "") -> bytes:
    """Return the bytes of an event with a JSON value."""
    return (f"event: {name}\n" if name else "").encode() + b"data: " + as_bytes(value) + b"\n\n"


def paced(answer: Answer, sent: Iterable[tuple[bytes, bool]]) -> Iterator[Event]:
    """Yield the events of an answer: their bytes, and whether they bring a piece, are ``sent``.

    The first event comes after ``first_piece_ms`` and the first piece with it; each further piece
    comes after ``pace_ms``.
    """
    wait, pieces_sent = answer.first_piece_ms, 0
    for data, piece in sent:
        pieces_sent += piece
        yield Event(answer.pace_ms if pieces_sent > 1 and piece else wait, data, piece)
        wait = 0


def spoilt(stream: Iterable[Event], cut_after: int | None, fault: str) -> Iterable[Event]:
    """Return the events of ``stream`` changed as the fault says, or cut after so many pieces."""
    if cut_after is not None:
        stream = [*first_pieces(stream, cut_after), BREAK]
    match fault:
        case "stream-cut":
            stream = [*first_pieces(stream), BREAK]
        case "stream-error-chunk":
            stream = [*first_pieces(stream), Event(0, event(ERROR_CHUNK))]
        case "stream-error-event":
            stream = [*first_pieces(stream), Event(0, ERROR_EVENT), Event(0, DONE)]
        case "no-done":
            stream = [one for one in stream if one.data != DONE]
        case "no-delta":
            *most, done = stream
            stream = [*most, *(Event(0, event(late)) for late in late_verdicts()), done]
    return stream


def good_events(answer: Answer) -> Iterator[Event]:
    """Yield the events of an answer without a fault."""
    chunks = shape_of(answer).chunks()
    yield from paced(answer, ((event(chunk), has_piece(chunk)) for chunk in chunks))
    yield Event(0, DONE)


def first_pieces(stream: Iterable[Event], limit: int = SPOILT_AFTER) -> Iterator[Event]:
    """Yield the events up to the piece number ``limit``."""
    sent = 0
    for one in stream:
        if one.piece and sent == limit:
            return
        sent += one.piece
        yield one


def late_verdicts() -> Iterator[dict[str, object]]:
    """Yield what an asynchronous filter sends after the end: choices without a delta."""
    for start in (0, 80):
        offsets = {"check_offset": start, "start_offset": start, "end_offset": start + 80}
        choice = {
            "content_filter_offsets": offsets,
            "content_filter_results": dict.fromkeys(JUDGED, SAFE),
            "finish_reason": None,
            "index": 0,
        }
        yield {"choices": [choice], **NAMELESS}

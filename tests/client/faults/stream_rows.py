"""Streams: every spelling, cut and label; odd updates and tool calls; and those that break."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from helpers import ServiceError, StreamInterruptedError
from tests.client.faults import wire
from tests.client.faults.row import (
    BEGUN,
    STANDIN_BEGUN,
    Answer,
    Failure,
    Row,
    plain,
    standin,
    stream,
)
from tests.client.faults.wire import DONE, FINAL, FIRST, MADE, PIECES, STREAM, event, events, update

KEEP_ALIVE = b": keep-alive\n\n"
BLOCK = 16_384
"""Bytes that a long event comes in."""
USAGE = {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10}
SAFE = {"content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}


def rows() -> Iterator[Row]:
    """All of this kind."""
    yield from chain(spellings(), cuts(), labels(), odd_updates(), choices(), tool_calls())
    yield from chain(other_ends(), cut_short(), errors(), no_updates(), no_streams())


def spellings() -> Iterator[Row]:
    """One stream in every spelling that the standard allows."""
    ends = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}
    for name, line in ends.items():
        yield stream(name, *events(wire.UPDATES, line=line))
    turns = [*ends.values()] * len(wire.UPDATES)
    mixed = [
        event(one, line=end) for one, end in zip([*wire.UPDATES, b"[DONE]"], turns, strict=False)
    ]
    yield stream("mixed ends", *mixed)
    yield stream("comments", *(part for one in STREAM for part in (KEEP_ALIVE, one)))
    yield stream("comments inside", *(one.replace(b"\n\n", b"\n: inside\n\n") for one in STREAM))
    yield stream("event lines", *events(wire.UPDATES, name="message"))
    yield stream("other fields", *(b"id: 7\nretry: 100\nx\n" + one for one in STREAM))
    yield stream("no space", *events(wire.UPDATES, field="data:"))
    lines = [one.replace(b',"choices"', b'\ndata: ,"choices"') for one in STREAM]
    yield stream("several data lines", *lines)
    # The text comes first, or nobody would miss the first event.
    yield stream("BOM", b"\xef\xbb\xbf", *STREAM[1:])
    text = "Salt\u2028is\u2029white\u0085."
    separated = events([FIRST, update({"content": text}), FINAL])
    yield stream("U+2028", *separated, expect=Answer((text,), ("stop",)))
    yield stream("empty events", b"data:\n\n", b"data\n\n\n\n", *STREAM)
    yield stream("pings", event({"type": "ping"}, name="ping"), event({}), *STREAM)
    yield standin("odd-lines", stream=True)


def cuts() -> Iterator[Row]:
    """One stream cut into pieces in every way."""
    for line, name in (("\n", "LF"), ("\r\n", "CRLF"), ("\r", "CR")):
        yield stream(f"bytewise, {name}", *wire.each_byte(*events(wire.UPDATES, line=line)))
    body = b"".join(STREAM)
    yield stream("at once", body)
    within = [at for at, byte in enumerate(body) if 0x80 <= byte < 0xC0]
    pieces = [body[a:b] for a, b in zip([0, *within], [*within, len(body)], strict=True)]
    yield stream("UTF-8 split", *pieces)
    long = event(update({"content": wire.LONG}))
    blocks = [long[at : at + BLOCK] for at in range(0, len(long), BLOCK)]
    expect = Answer((wire.LONG,), ("stop",))
    yield stream("5 MB", event(FIRST), *blocks, event(FINAL), DONE, expect=expect)


def labels() -> Iterator[Row]:
    """One stream, compressed or labelled in other ways."""
    zips, gz, kind = wire.zipped(*STREAM), {"Content_Encoding": "gzip"}, "text/event-stream"
    yield stream("gzip", *zips, **gz)
    yield stream("gzip bytewise", *wire.each_byte(*zips), **gz)
    yield stream("gzip at once", b"".join(zips), **gz)
    yield stream("deflate", *wire.zipped(*STREAM, wbits=15), Content_Encoding="deflate")
    yield stream("no charset", *STREAM, kind=kind)
    yield stream("wrong charset", *STREAM, kind=f"{kind}; charset=iso-8859-1")
    yield stream("type in capitals", *STREAM, kind=kind.upper())


def odd_updates() -> Iterator[Row]:
    """Updates that lack what the schema promises."""
    updates = [event(one) for one in wire.UPDATES]
    prompt = wire.stray([], prompt_filter_results=[{"prompt_index": 0, **SAFE}])
    yield stream("no choices first", event(prompt), *STREAM)
    yield stream("usage last", *updates, event(wire.stray([], usage=USAGE)), DONE)
    yield stream("no choices key", *updates, event({"usage": USAGE}), DONE)
    yield stream("choices is null", event(wire.stray(None)), *STREAM)
    verdict = wire.stray([{"index": 0, "finish_reason": None, **SAFE}])
    yield stream("no delta", *updates, event(verdict), DONE)
    yield stream("no delta first", event(wire.stray([{"index": 0, **SAFE}])), *STREAM)
    yield standin("no-delta", stream=True)
    yield stream("delta is null", event(update(None)), *STREAM)
    nulls = update({"role": "assistant", "content": None, "tool_calls": None})
    yield stream("content is null", event(nulls), *STREAM)
    bare = [wire.stray([{"delta": {"content": word}}]) for word in wire.WORDS]
    yield stream("no index", *events([*bare, FINAL]))
    yield stream("all in one", *events([update({"content": wire.TEXT}, "stop")]))


def choices() -> Iterator[Row]:
    """Two answers in one stream, in turn and side by side."""
    both = Answer((wire.TEXT, wire.TEXT), ("stop", "length"))
    turns = [update({"content": word}, index=at) for word in wire.WORDS for at in (1, 0)]
    turns += [update({}, "length", index=1), update({}, "stop", index=0)]
    yield stream("several choices", *events(turns), expect=both)
    pairs = zip(turns[::2], turns[1::2], strict=True)
    beside = [wire.stray([one["choices"][0] for one in pair]) for pair in pairs]
    yield stream("choices side by side", *events(beside), expect=both)


# --- Tool calls ----------------------------------------------------------------------------------
ARGUMENTS = MADE[1]
HALVES = (ARGUMENTS[:5], ARGUMENTS[5:])
ONCE, TWICE = (Answer(("",), ("tool_calls",), (MADE,) * times) for times in (1, 2))
Call = dict[str, Any]


def begun(ident: str, at: int | None = None, arguments: str = "") -> Call:
    """The fragment that begins a call; without ``at`` it has no index."""
    numbered = {} if at is None else {"index": at}
    return {
        **wire.CALL,
        "id": ident,
        "function": {"name": MADE[0], "arguments": arguments},
        **numbered,
    }


def rest(text: str, at: int | None = None) -> Call:
    """A fragment that goes on with a call."""
    return {"function": {"arguments": text}, **({} if at is None else {"index": at})}


def calling(name: str, *deltas: list[Call], expect: Answer) -> Row:
    """A stream with ``deltas``: the fragments of each update."""
    updates = [update({"tool_calls": fragments}) for fragments in deltas]
    return stream(name, *events([FIRST, *updates, update({}, "tool_calls")]), expect=expect)


def tool_calls() -> Iterator[Row]:
    """Tool calls, whole and in fragments."""
    halves = [[rest(half, 0)] for half in HALVES]
    yield calling("tool call", [begun("a", 0)], *halves, expect=ONCE)
    turns = [[rest(half, at)] for half in HALVES for at in (0, 1)]
    yield calling("tool calls in turn", [begun("a", 0)], [begun("b", 1)], *turns, expect=TWICE)
    repeated = [[{**rest(half, 0), "id": "a"}] for half in HALVES]
    yield calling("tool call, id repeated", [begun("a", 0)], *repeated, expect=ONCE)

    first, second = begun("a", arguments=ARGUMENTS), begun("b", arguments=ARGUMENTS)
    del first["type"]
    ending = update({"content": "", "tool_calls": [first]}, "tool_calls")
    yield stream("tool call, no index", *events([FIRST, ending]), expect=ONCE)
    yield calling("tool calls, no index", [first, second], expect=TWICE)
    yield calling("tool calls apart, no index", [first], [second], expect=TWICE)
    pieces = [[rest(half)] for half in HALVES]
    both = ([begun("a")], *pieces, [begun("b")], *pieces)
    yield calling("tool fragments, no index", *both, expect=TWICE)
    same = ([begun("a", 0, ARGUMENTS)], [begun("b", 0, ARGUMENTS)])
    yield calling("tool calls, index always 0", *same, expect=TWICE)


# --- Streams that break --------------------------------------------------------------------------
SAID, CODE = "The model stopped.", "InternalServerError"
NESTED = {"error": {"code": CODE, "message": SAID}}


def other_ends() -> Iterator[Row]:
    """The answer is whole, and the stream ends in another way than with [DONE]."""
    unmarked = STREAM[:-1]
    yield stream("no [DONE]", *unmarked)
    yield standin("no-done", stream=True)
    yield stream("[DONE] without line end", *unmarked, b"data: [DONE]")
    yield stream("[DONE] and space", *unmarked, b"data: [DONE] \n\n")
    yield stream(
        "text after [DONE]", *STREAM, event(update({"content": "More."})), b"what is this?\n\n"
    )
    yield stream("last event open", *unmarked[:-1], event(FINAL)[:-2])  # no empty line ends it
    yield stream("only [DONE]", DONE, expect=Answer())


def cut_short() -> Iterator[Row]:
    """The stream ends before the answer does, as if all were well."""

    def row(name: str, *pieces: bytes, kept: Answer = BEGUN, **more: Any) -> Row:
        expect = Failure(StreamInterruptedError, says="ended the stream", kept=kept)
        return stream(name, *pieces, expect=expect, **more)

    yield row("no finish, no [DONE]", *PIECES)
    yield row("nothing", kept=Answer())
    yield row("comments only", KEEP_ALIVE, kept=Answer())
    two = [update({"content": "a"}), update({"content": "b"}, index=1), FINAL]
    kept = Answer(("a", "b"), ("stop", None))
    yield row("one choice unfinished", *map(event, two), kept=kept)
    call = {**wire.CALL, "index": 0, "function": {"name": "weather", "arguments": '{"city"'}}
    kept = Answer(("",), (None,), (("weather", '{"city"'),))
    yield row("tool call cut", event(update({"tool_calls": [call]})), kept=kept)
    packed = b"".join(wire.zipped(*PIECES, event(FINAL))[:3])
    yield row("gzip cut", packed, Content_Encoding="gzip")
    yield standin("stream-cut", Failure(StreamInterruptedError, kept=STANDIN_BEGUN), stream=True)


def errors() -> Iterator[Row]:
    """Errors that come within a stream."""

    def row(name: str, *pieces: bytes, **told: Any) -> Row:
        told = {"words": SAID, "says": "within the stream", "kept": BEGUN, **told}
        return stream(name, *pieces, expect=Failure(StreamInterruptedError, **told))

    error = event(NESTED)
    yield row("error", *PIECES, error, code=CODE)
    yield row("error in the same chunk", b"".join([*PIECES, error]), code=CODE)
    yield row("error, then [DONE]", *PIECES, error, DONE, code=CODE)
    yield row("error first", error, kept=Answer(), code=CODE)
    yield row("error with choices", *PIECES, event({**NESTED, "choices": []}), code=CODE)
    yield row("flat error", *PIECES, event({"statusCode": 500, "message": SAID}), code="500")
    yield row("error is a text", *PIECES, event({"error": SAID}))
    inner = {"error": {"message": '{"detail":[{"loc":["body"],"msg":"too long"}]}'}}
    yield row("JSON in a string", *PIECES, event(inner), words="body: too long")
    yield row("error event", *PIECES, event(SAID.encode(), name="error"), DONE)
    yield row("error event with JSON", *PIECES, event(NESTED, name="error"), code=CODE)
    for fault, words, code in (
        ("stream-error-chunk", "in mid-sentence", CODE),
        ("stream-error-event", "unexpected end", None),
    ):
        expect = Failure(StreamInterruptedError, code=code, words=words, kept=STANDIN_BEGUN)
        yield standin(fault, expect, stream=True)


def no_updates() -> Iterator[Row]:
    """Events that are neither an update nor an error."""

    def row(name: str, data: bytes, words: str, says: str = "held no JSON") -> Row:
        expect = Failure(StreamInterruptedError, words=words, says=says, kept=BEGUN)
        return stream(name, *PIECES, event(data), expect=expect)

    yield row("no JSON", b"Hello", "Hello")
    yield row("half a JSON", b'{"choices":[', '{"choices":[')
    yield row("a list", b"[]", "", "reported an error")
    lines = b"".join(one.removesuffix(b"\n") for one in STREAM)  # by the standard one event
    expect = Failure(StreamInterruptedError, words='{"id":', says="held no JSON", kept=Answer())
    yield stream("no empty lines", lines, expect=expect)
    expect = Failure(StreamInterruptedError, kept=Answer())
    yield stream("not gzip", *STREAM, expect=expect, Content_Encoding="gzip")


def no_streams() -> Iterator[Row]:
    """A stream was asked for, HTTP 200 came, and no stream."""
    page = b"<html><title>Sign in</title></html>"
    for name, reply, words in (
        ("JSON instead", wire.whole(wire.COMPLETION), ""),
        ("a page instead", wire.whole(page, 200, "text/html"), "an HTML page: Sign in"),
        ("nothing instead", wire.whole(b"", 200, None), ""),
        ("wrong type", wire.chunked(*STREAM, kind=wire.JSON_TYPE), "data: {"),
    ):
        expect = Failure(ServiceError, 200, words=words, says="something else came")
        yield plain(f"stream: {name}", reply, expect, stream=True)

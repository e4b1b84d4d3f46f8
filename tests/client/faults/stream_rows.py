"""Good streams: every spelling, cut and label, and updates that lack what the schema promises."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from tests.client.faults.row import MADE, Answer, Row, standin, stream
from tests.client.faults.wire import (
    CALL,
    DONE,
    FINAL,
    FIRST,
    LONG,
    STREAM,
    TEXT,
    UPDATES,
    WORDS,
    each_byte,
    event,
    events,
    stray,
    update,
    zipped,
)

KEEP_ALIVE = b": keep-alive\n\n"
BLOCK = 16_384
"""Bytes that a long event comes in."""
USAGE = {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10}
SAFE = {"content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}


def rows() -> Iterator[Row]:
    """All of this kind."""
    return chain(spellings(), cuts(), labels(), odd_updates(), choices(), tool_calls())


def spellings() -> Iterator[Row]:
    """One stream in every spelling that the standard allows."""
    ends = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}
    for name, line in ends.items():
        yield stream(name, *events(UPDATES, line=line))
    turns = [*ends.values()] * len(UPDATES)
    mixed = [event(one, line=end) for one, end in zip([*UPDATES, b"[DONE]"], turns, strict=False)]
    yield stream("mixed ends", *mixed)
    yield stream("comments", *(part for one in STREAM for part in (KEEP_ALIVE, one)))
    yield stream("comments inside", *(one.replace(b"\n\n", b"\n: inside\n\n") for one in STREAM))
    yield stream("event lines", *events(UPDATES, name="message"))
    yield stream("other fields", *(b"id: 7\nretry: 100\nx\n" + one for one in STREAM))
    yield stream("no space", *events(UPDATES, field="data:"))
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
        yield stream(f"bytewise, {name}", *each_byte(*events(UPDATES, line=line)))
    wire = b"".join(STREAM)
    yield stream("at once", wire)
    within = [at for at, byte in enumerate(wire) if 0x80 <= byte < 0xC0]
    pieces = [wire[a:b] for a, b in zip([0, *within], [*within, len(wire)], strict=True)]
    yield stream("UTF-8 split", *pieces)
    long = event(update({"content": LONG}))
    blocks = [long[at : at + BLOCK] for at in range(0, len(long), BLOCK)]
    expect = Answer((LONG,), ("stop",))
    yield stream("5 MB", event(FIRST), *blocks, event(FINAL), DONE, expect=expect)


def labels() -> Iterator[Row]:
    """One stream, compressed or labelled in other ways."""
    zips, gz, kind = zipped(*STREAM), {"Content_Encoding": "gzip"}, "text/event-stream"
    yield stream("gzip", *zips, **gz)
    yield stream("gzip bytewise", *each_byte(*zips), **gz)
    yield stream("gzip at once", b"".join(zips), **gz)
    yield stream("deflate", *zipped(*STREAM, wbits=15), Content_Encoding="deflate")
    yield stream("no charset", *STREAM, kind=kind)
    yield stream("wrong charset", *STREAM, kind=f"{kind}; charset=iso-8859-1")
    yield stream("type in capitals", *STREAM, kind=kind.upper())


def odd_updates() -> Iterator[Row]:
    """Updates that lack what the schema promises."""
    updates = [event(one) for one in UPDATES]
    prompt = stray([], prompt_filter_results=[{"prompt_index": 0, **SAFE}])
    yield stream("no choices first", event(prompt), *STREAM)
    yield stream("usage last", *updates, event(stray([], usage=USAGE)), DONE)
    yield stream("no choices key", *updates, event({"usage": USAGE}), DONE)
    yield stream("choices is null", event(stray(None)), *STREAM)
    verdict = stray([{"index": 0, "finish_reason": None, **SAFE}])
    yield stream("no delta", *updates, event(verdict), DONE)
    yield stream("no delta first", event(stray([{"index": 0, **SAFE}])), *STREAM)
    yield standin("no-delta", stream=True)
    yield stream("delta is null", event(update(None)), *STREAM)
    nulls = update({"role": "assistant", "content": None, "tool_calls": None})
    yield stream("content is null", event(nulls), *STREAM)
    bare = [stray([{"delta": {"content": word}}]) for word in WORDS]
    yield stream("no index", *events([*bare, FINAL]))
    yield stream("all in one", *events([update({"content": TEXT}, "stop")]))


def choices() -> Iterator[Row]:
    """Two answers in one stream, in turn and side by side."""
    both = Answer((TEXT, TEXT), ("stop", "length"))
    turns = [update({"content": word}, index=at) for word in WORDS for at in (1, 0)]
    turns += [update({}, "length", index=1), update({}, "stop", index=0)]
    yield stream("several choices", *events(turns), expect=both)
    pairs = zip(turns[::2], turns[1::2], strict=True)
    beside = [stray([one["choices"][0] for one in pair]) for pair in pairs]
    yield stream("choices side by side", *events(beside), expect=both)


# --- Tool calls ----------------------------------------------------------------------------------
ARGUMENTS = MADE[1]
HALVES = (ARGUMENTS[:5], ARGUMENTS[5:])
ONCE, TWICE = (Answer(("",), ("tool_calls",), (MADE,) * times) for times in (1, 2))
Call = dict[str, Any]


def begun(ident: str, at: int | None = None, arguments: str = "") -> Call:
    """The fragment that begins a call; without ``at`` it has no index."""
    numbered = {} if at is None else {"index": at}
    return {**CALL, "id": ident, "function": {"name": MADE[0], "arguments": arguments}, **numbered}


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

"""Good streams: every spelling, cut and label, and updates that lack what the schema promises."""

from collections.abc import Iterator

from tests.client.faults.row import Answer, Row
from tests.client.faults.said import (
    DONE,
    FIRST,
    LAST,
    LONG,
    STREAM,
    TEXT,
    UPDATES,
    WORDS,
    standin,
    stream,
)
from tests.client.faults.wire import each_byte, event, events, stray, update, zipped

KEEP_ALIVE = b": keep-alive\n\n"
BLOCK = 16_384
"""Bytes that a long event comes in."""
USAGE = {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10}
SAFE = {"hate": {"filtered": False, "severity": "safe"}}


def rows() -> Iterator[Row]:
    """All of this kind."""
    yield from spellings()
    yield from cuts()
    yield from labels()
    yield from odd_updates()
    yield from choices()


def spellings() -> Iterator[Row]:
    """One stream in every spelling that the standard allows."""
    yield stream("LF", "A good stream, for comparison", *STREAM)
    yield stream("CRLF", "Lines end in CRLF.", *events(UPDATES, line="\r\n"))
    yield stream("CR", "Lines end in CR.", *events(UPDATES, line="\r"))
    ends = ("\n", "\r\n", "\r")
    mixed = [event(one, line=ends[at % 3]) for at, one in enumerate([*UPDATES, b"[DONE]"])]
    yield stream("mixed ends", "Lines end in LF, CRLF, CR in turn.", *mixed)
    comments = [part for one in STREAM for part in (KEEP_ALIVE, one)]
    yield stream("comments", "Comments keep the connection alive.", *comments)
    inner = [one.replace(b"\n\n", b"\n: inside\n\n") for one in STREAM]
    yield stream("comments inside", "Comments within events", *inner)
    yield stream("event lines", "`event: message` lines", *events(UPDATES, name="message"))
    fields = [b"id: 7\nretry: 100\nx\n" + one for one in STREAM]
    yield stream("other fields", "Lines `id:`, `retry:` and an unknown one", *fields)
    yield stream("no space", "`data:` without a space", *events(UPDATES, field="data:"))
    lines = [one.replace(b',"choices"', b'\ndata: ,"choices"') for one in STREAM]
    yield stream("several data lines", "Each event's JSON on two `data:` lines", *lines)
    text_first = STREAM[1:]  # or nobody would miss the first event
    yield stream("BOM", "A byte order mark first", b"\xef\xbb\xbf", *text_first)
    text = "Salt\u2028is\u2029white\u0085."
    separated = events([FIRST, update({"content": text}), LAST])
    does = "U+2028, U+2029 and U+0085 within the text"
    yield stream("U+2028", does, *separated, expect=Answer((text,), ("stop",)))
    yield stream("empty events", "Events without data", b"data:\n\n", b"data\n\n\n\n", *STREAM)
    pings = (event({"type": "ping"}, name="ping"), event({}))
    yield stream("pings", "`event: ping`, and an event that is `{}`", *pings, *STREAM)
    does = "CRLF, comments, no space after `data:`"
    yield standin("odd-lines", does, stream=True)


def cuts() -> Iterator[Row]:
    """One stream cut into pieces in every way."""
    for line, name in (("\n", "LF"), ("\r\n", "CRLF"), ("\r", "CR")):
        pieces = each_byte(*events(UPDATES, line=line))
        yield stream(f"bytewise, {name}", f"A chunk for each byte; lines end in {name}.", *pieces)
    wire = b"".join(STREAM)
    yield stream("at once", "All in one chunk", wire)
    within = [at for at, byte in enumerate(wire) if 0x80 <= byte < 0xC0]
    pieces = [wire[a:b] for a, b in zip([0, *within], [*within, len(wire)], strict=True)]
    yield stream("UTF-8 split", "Every character is cut between its bytes.", *pieces)
    long = event(update({"content": LONG}))
    blocks = [long[at : at + BLOCK] for at in range(0, len(long), BLOCK)]
    whole = (event(FIRST), *blocks, event(LAST), DONE)
    yield stream("5 MB", "An event of 5 MB", *whole, expect=Answer((LONG,), ("stop",)))


def labels() -> Iterator[Row]:
    """One stream, compressed or labelled in other ways."""
    zips, gz = zipped(*STREAM), {"Content_Encoding": "gzip"}
    yield stream("gzip", "Compressed with gzip, each event flushed", *zips, **gz)
    yield stream("gzip bytewise", "The same, a chunk for each byte", *each_byte(*zips), **gz)
    yield stream("gzip at once", "The same, in one chunk", b"".join(zips), **gz)
    deflated = zipped(*STREAM, wbits=15)
    yield stream("deflate", "Compressed with deflate", *deflated, Content_Encoding="deflate")
    kind = "text/event-stream"
    yield stream("no charset", "The type names no charset.", *STREAM, kind=kind)
    latin = f"{kind}; charset=iso-8859-1"
    yield stream("wrong charset", "UTF-8 declared to be Latin-1", *STREAM, kind=latin)
    yield stream("type in capitals", f"`{kind.upper()}`", *STREAM, kind=kind.upper())


def odd_updates() -> Iterator[Row]:
    """Updates that lack what the schema promises."""
    updates = [event(one) for one in UPDATES]
    judged = {"content_filter_results": SAFE}
    prompt = stray([], prompt_filter_results=[{"prompt_index": 0, **judged}])
    does = "First the filter's word on the prompt: `choices` is empty."
    yield stream("no choices first", does, event(prompt), *STREAM)
    does = "Last the usage: `choices` is empty."
    yield stream("usage last", does, *updates, event(stray([], usage=USAGE)), DONE)
    does = "An update without `choices`"
    yield stream("no choices key", does, *updates, event({"usage": USAGE}), DONE)
    yield stream("choices is null", "`choices` is null.", event(stray(None)), *STREAM)
    verdict = event(stray([{"index": 0, "finish_reason": None, **judged}]))
    does = "After the end, a choice without `delta`"
    yield stream("no delta", does, *updates, verdict, DONE)
    does = "Before the text, a choice without `delta` and `finish_reason`"
    yield stream("no delta first", does, event(stray([{"index": 0, **judged}])), *STREAM)
    yield standin("no-delta", "Late verdicts of the filter, without `delta`", stream=True)
    yield stream("delta is null", "`delta` is null.", event(update(None)), *STREAM)
    nulls = event(update({"role": "assistant", "content": None, "tool_calls": None}))
    yield stream("content is null", "`content` and `tool_calls` are null.", nulls, *STREAM)
    bare = [stray([{"delta": {"content": word}}]) for word in WORDS]
    yield stream("no index", "Choices without `index`", *events([*bare, LAST]))
    together = events([update({"content": TEXT}, "stop")])
    yield stream("all in one", "Text and finish reason in one update", *together)


def choices() -> Iterator[Row]:
    """Two answers in one stream."""
    both = Answer((TEXT, TEXT), ("stop", "length"))
    turns = [update({"content": word}, index=at) for word in WORDS for at in (1, 0)]
    turns += [update({}, "length", index=1), update({}, "stop", index=0)]
    yield stream("several choices", "Two choices in turn", *events(turns), expect=both)
    pairs = zip(turns[::2], turns[1::2], strict=True)
    beside = [stray([one["choices"][0] for one in pair]) for pair in pairs]
    does = "Two choices in each update"
    yield stream("choices side by side", does, *events(beside), expect=both)

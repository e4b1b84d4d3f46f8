"""Streams: every form that the standard allows, unusual updates, and errors."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from helpers import ServiceError, StreamInterruptedError
from tests.client.faults import wire
from tests.client.faults.row import (
    BEGUN,
    GOOD,
    STANDIN_BEGUN,
    Answer,
    Failure,
    Row,
    plain,
    standin,
    stream,
)
from tests.client.faults.wire import (
    DONE,
    FINAL,
    FIRST,
    PIECES,
    STREAM,
    TEXT,
    WORDS,
    event,
    events,
    stray,
    update,
)

KEEP_ALIVE = b": keep-alive\n\n"
BLOCK = 16_384
"""Bytes of each piece of a long event."""
USAGE = {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10}
NOT_RUN = {"error": {"code": "content_filter_error", "message": "Not filtered."}}
SAFE = {"content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}


def rows() -> Iterator[Row]:
    """Yield all rows of this module."""
    yield from chain(forms(), cuts(), labels(), updates(), deltas(), repeated())
    yield from chain(ends(), cut_short(), errors(), no_updates(), no_streams())


def forms() -> Iterator[Row]:
    """One stream in every form that the standard allows."""
    yield stream("LF", *STREAM)
    for name, line in {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}.items():
        sent = events(wire.UPDATES, line=line)
        split = [one.replace(b',"choices"', f'{line}data: ,"choices"'.encode()) for one in sent]
        yield stream(f"data lines bytewise, {name}", *wire.each_byte(*split))
    yield stream("comments", *(part for one in STREAM for part in (KEEP_ALIVE, one)))
    yield stream("other fields", *(b"id: 7\nretry: 100\nx\n" + one for one in STREAM))
    yield stream("BOM", b"\xef\xbb\xbf", *STREAM[1:])  # the first event has a text
    text = "Salt\u2028is\u2029white\u0085."
    separated = events([update({"content": text}, "stop")])
    yield stream("U+2028", *separated, expect=Answer((text,), ("stop",)))
    no_utf8 = [one.replace("é".encode(), b"\xe9") for one in STREAM]
    yield stream("not UTF-8", *no_utf8, expect=Answer((TEXT.replace("é", "\ufffd"),), ("stop",)))
    yield stream("empty events", b"data:\n\n", b"data\n\n\n\n", *STREAM)
    yield stream("pings", event({"type": "ping"}, name="ping"), event({}), *STREAM)


def cuts() -> Iterator[Row]:
    """One stream cut into pieces in other ways."""
    body = b"".join(STREAM)
    yield stream("at once", body)
    long = event(update({"content": wire.LONG}))
    blocks = [long[at : at + BLOCK] for at in range(0, len(long), BLOCK)]
    expect = Answer((wire.LONG,), ("stop",))
    yield stream("5 MB", event(FIRST), *blocks, event(FINAL), DONE, expect=expect)


def labels() -> Iterator[Row]:
    """One stream, compressed or labelled in other ways."""
    zips, gz, kind = wire.zipped(*STREAM), {"Content_Encoding": "gzip"}, "text/event-stream"
    yield stream("gzip", *zips, **gz)
    yield stream("gzip bytewise", *wire.each_byte(*zips), **gz)
    yield stream("deflate", *wire.zipped(*STREAM, wbits=15), Content_Encoding="deflate")
    yield stream("wrong charset", *STREAM, kind=f"{kind}; charset=iso-8859-1")
    yield stream("type in capitals", *STREAM, kind=kind.upper())


BESIDE = {
    # updates that hold no text, before and after the text
    "no choices": stray([], prompt_filter_results=[{"prompt_index": 0, **SAFE}]),
    "usage": stray([], usage=USAGE),
    "no choices key": {"usage": USAGE},
    "choices null": stray(None),
    "a choice null": stray([None]),
    "no delta": stray([{"index": 0, "finish_reason": None, **SAFE}]),
    "delta null": update(None),
    "content null": update({"role": "assistant", "content": None, "tool_calls": None}),
    "tool_calls an empty object": update({"tool_calls": {}}),
    "finish_reason empty": update({"content": ""}, ""),
    "logprobs a list": stray([{"index": 0, "delta": {}, "logprobs": []}]),
    "error null": stray([], error=None),
    "error of empty fields": stray([], error={"code": 0, "message": None}),
    "filter not run": stray([], prompt_filter_results=[{"content_filter_results": NOT_RUN}]),
    "status alone": {"id": "a", "object": "chat.completion.chunk", "status": "in_progress"},
    "finish_reason null as text": stray([{"index": 0, "delta": {}, "finish_reason": "null"}]),
}


def updates() -> Iterator[Row]:
    """Updates that lack or vary what the schema promises."""
    for name, one in BESIDE.items():
        yield stream(f"{name}, first and last", event(one), *STREAM[:-1], event(one), DONE)
    yield standin("no-delta", stream=True)
    for index in ("missing", None, "0", 0.0):
        numbered = {} if index == "missing" else {"index": index}
        words = [stray([{**numbered, "delta": {"content": word}}]) for word in WORDS]
        yield stream(f"index {index!r}", *events([*words, FINAL]))
    yield stream("all in one", *events([update({"content": TEXT}, "stop")]))
    yield stream(
        "choices an object", *events([stray(update({"content": TEXT})["choices"][0]), FINAL])
    )
    both = Answer((TEXT, TEXT), ("stop", "length"))
    turns = [update({"content": word}, index=at) for word in WORDS for at in (1, 0)]
    turns += [update({}, "length", index=1), update({}, "stop", index=0)]
    yield stream("several choices", *events(turns), expect=both)


def thought(text: str) -> dict[str, Any]:
    """Return a content item with reasoning, as Mistral's models send it."""
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def part(text: str) -> dict[str, Any]:
    """Return a content item with text."""
    return {"type": "text", "text": text}


REASONED = Answer((TEXT,), ("stop",), reasoning="Hm, so.")
NULLS = {"content": TEXT, "reasoning_content": None, "reasoning": None}
DELTAS: dict[str, tuple[list[Any], Answer]] = {
    **{
        f"{name} in pieces": (
            [*({"content": None, name: one} for one in ("", "Hm", ", ", None, "so.")), NULLS],
            REASONED,
        )
        for name in ("reasoning_content", "reasoning", "thinking")
    },
    "reasoning last": ([NULLS, {"reasoning": {"content": "Hm, so.", "encrypted": "x"}}], REASONED),
    "items, then text": (
        [{"content": one} for one in (
            [thought("Hm")], [thought(", "), thought("so.")], [part(WORDS[0])], "", None, *WORDS[1:]
        )], REASONED),
    "texts of another type": (
        [{"content": [{"type": "text", "text": one}]} for one in ({"value": "4"}, 2, [".", 5])],
        Answer(("42.5",), ("stop",))),
    "a text": (list(WORDS), GOOD),
    "refusal in pieces": ([{"content": None, "refusal": one} for one in (None, "N", "o.")],
                          Answer(("",), ("stop",), refusal="No.")),
}  # fmt: skip


def deltas() -> Iterator[Row]:
    """Deltas of unusual types, and reasoning and refusals under every name in use."""
    for name, (pieces, expect) in DELTAS.items():
        sent = [update(one) for one in pieces]
        yield stream(f"delta: {name}", *events([FIRST, *sent, FINAL]), expect=expect)


def repeated() -> Iterator[Row]:
    """Updates that repeat what an earlier one held, or hold less of it."""
    so_far, both = "", []
    for word in ("", *WORDS, ""):
        so_far += word
        message = {"role": "assistant", "content": so_far}
        both.append({"index": 0, "delta": {"content": word}, "message": message})
    both[-1]["finish_reason"] = "stop"
    yield stream("delta and message", *events([stray([choice]) for choice in both]))
    end = stray([{"index": 0, "message": message, "finish_reason": "stop"}])
    yield stream("deltas, then the message", *events([*wire.UPDATES[:-1], end]))
    parts = [update({"content": one}) for one in (" Salt", " is")]
    expect = Answer((" Salt is",), ("stop",))
    yield stream("deltas, then another message", *events([*parts, end]), expect=expect)
    for name, beside in ("message", {}), ("message, and a role", {"delta": {"role": "assistant"}}):
        sent = [stray([{"message": one["message"], **beside}]) for one in both]
        yield stream(f"{name} so far", *events([*sent, FINAL]))
    yield stream("text", *events([*(stray([{"text": word}]) for word in WORDS), FINAL]))
    roles = [update({"role": "assistant", "content": word}) for word in WORDS]
    yield stream("a role in each", *events([*roles, FINAL]))
    less = update({"role": None, "content": None}, model="", usage=None, system_fingerprint=None)
    yield stream("null after the end", *events([*wire.UPDATES, less, less]))
    blocked = stray([{"index": 0, "finish_reason": "content_filter", **SAFE}])
    expect = Answer(("Salt is",), ("content_filter",))
    yield stream("blocked, no delta", *PIECES, event(blocked), DONE, expect=expect)


# --- How streams end ------------------------------------------------------------------------------
SAYS, CODE = "The model stopped.", "InternalServerError"
NESTED = {"error": {"code": CODE, "message": SAYS}}


def ends() -> Iterator[Row]:
    """The answer is whole, and the stream does not end with [DONE] alone."""
    unmarked = STREAM[:-1]
    yield standin("no-done", stream=True)
    yield stream("[DONE] without line end", *unmarked, b"data: [DONE]")
    yield stream("text after [DONE]", *STREAM, event(update({"content": "More."})), b"what?\n\n")
    yield stream("last event open", *unmarked[:-1], event(FINAL)[:-2])  # no empty line ends it
    yield stream("only [DONE]", DONE, expect=Answer())


def cut_short() -> Iterator[Row]:
    """The stream ends before the answer does, and nothing says so."""
    two = [update({"content": "a"}), update({"content": "b"}, index=1), FINAL]
    call = {"index": 0, "function": {"name": "weather", "arguments": '{"city"'}}
    cut = update({"tool_calls": [call]})
    for name, pieces, kept in (
        ("no finish, no [DONE]", PIECES, BEGUN),
        ("finish_reason null as text, no [DONE]", [*PIECES, event(update({}, "null"))], BEGUN),
        ("comments only", [KEEP_ALIVE], Answer()),
        ("one choice unfinished", map(event, two), Answer(("a", "b"), ("stop", None))),
        ("tool call cut", [event(cut)], Answer(("",), (None,), (("weather", '{"city"'),))),
    ):
        expect = Failure(StreamInterruptedError, says="ended the stream", kept=kept)
        yield stream(name, *pieces, expect=expect)
    expect = Failure(StreamInterruptedError, says="ended the stream", kept=BEGUN)
    packed = b"".join(wire.zipped(*PIECES, event(FINAL))[:3])
    yield stream("gzip cut", packed, expect=expect, Content_Encoding="gzip")
    yield standin("stream-cut", Failure(StreamInterruptedError, kept=STANDIN_BEGUN), stream=True)


FLAT = {"object": "error", "message": SAYS, "code": CODE}
ERRORS: dict[str, tuple[bytes, str | None]] = {
    # what follows the first pieces of the answer, and the code
    "error": (event(NESTED), CODE),
    "error with choices": (event({**NESTED, "choices": []}), CODE),
    "typed error": (event({"type": "error", "sequence_number": 2, **NESTED}), CODE),
    "object is error": (event(FLAT), CODE),
    "object is error, with choices": (event({**FLAT, "choices": []}), CODE),
    "detail": (event({"detail": SAYS}), None),
    "error in a delta": (event(update(NESTED)), CODE),
    "error in a choice": (event(stray([{"index": 0, "delta": {}, **NESTED}])), CODE),
    "error event": (event(SAYS.encode(), name="error") + DONE, None),
    "error event with JSON": (event(NESTED, name="error"), CODE),
}


def errors() -> Iterator[Row]:
    """Errors within a stream."""
    for name, (error, code) in ERRORS.items():
        expect = Failure(StreamInterruptedError, None, code, SAYS, "within the stream", kept=BEGUN)
        yield stream(name, *PIECES, error, expect=expect)
    expect = Failure(StreamInterruptedError, None, CODE, SAYS, "within the stream", kept=BEGUN)
    expect = Failure(StreamInterruptedError, None, CODE, SAYS, kept=Answer())
    yield stream("error first", event(NESTED), expect=expect)
    page = b"<html>\n<title>Bad gateway</title>\n</html>"
    for name, sent, words, error_code in (
        ("error without data:", wire.as_json(NESTED) + b"\n\n", SAYS, CODE),
        ("updates without data:", wire.as_json(FINAL) + b"\n", '{"id"', None),
        ("error in lines", json.dumps(NESTED, indent=1).encode(), SAYS, CODE),
        ("a page within", page, "an HTML page: Bad", None),
    ):
        expect = replace(expect, code=error_code, words=words, says="ended the stream", kept=BEGUN)
        yield stream(name, *PIECES, sent, expect=expect)
    for fault, words, error_code in (
        ("stream-error-chunk", "in mid-sentence", CODE),
        ("stream-error-event", "unexpected end", None),
    ):
        expect = Failure(StreamInterruptedError, None, error_code, words, kept=STANDIN_BEGUN)
        yield standin(fault, expect, stream=True)


def no_updates() -> Iterator[Row]:
    """Events that are neither an update nor an error."""
    for name, data, words, says in (
        ("half a JSON", b'{"choices":[', '{"choices":[', "held no JSON"),
        ("a page", b"<html><title>502</title>", "an HTML page: 502", "held no JSON"),
        ("a number", b"5", "", "reported an error"),
        ("choices is a text", b'{"choices":"Hello"}', '{"choices": "Hello"}', "reported an error"),
    ):
        expect = Failure(StreamInterruptedError, words=words, says=says, kept=BEGUN)
        yield stream(name, *PIECES, event(data), expect=expect)
    lines = b"".join(one.removesuffix(b"\n") for one in STREAM)  # by the standard one event
    expect = Failure(StreamInterruptedError, words='{"id":', says="held no JSON", kept=Answer())
    yield stream("no empty lines", lines, expect=expect)
    expect = Failure(StreamInterruptedError, kept=Answer())
    yield stream("not gzip", *STREAM, expect=expect, Content_Encoding="gzip")


def no_streams() -> Iterator[Row]:
    """A stream was asked for, and HTTP 200 came with something else."""
    page = b"<html><title>Sign in</title></html>"
    for name, reply, words in (
        ("JSON instead", wire.whole(wire.COMPLETION), '{"id": "000'),
        ("a page instead", wire.whole(page, 200, "text/html"), "an HTML page: Sign in"),
        ("nothing instead", wire.whole(b"", 200, None), ""),
        ("wrong type", wire.chunked(*STREAM, kind=wire.JSON_TYPE), "data: {"),
    ):
        expect = Failure(ServiceError, 200, words=words, says="something else came")
        yield plain(f"stream: {name}", reply, expect, stream=True)

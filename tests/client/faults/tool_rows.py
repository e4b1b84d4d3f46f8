"""Streams with tool calls, whole and in fragments."""

from collections.abc import Iterator
from typing import Any

from tests.client.faults.row import Answer, Row
from tests.client.faults.said import CALL, FIRST, MADE, stream
from tests.client.faults.wire import events, update

ARGUMENTS = MADE[1]
HALVES = (ARGUMENTS[:5], ARGUMENTS[5:])
ONCE, TWICE = (Answer(("",), ("tool_calls",), (MADE,) * times) for times in (1, 2))
Call = dict[str, Any]


def begun(ident: str, at: int | None = None, arguments: str = "") -> Call:
    """The fragment that begins a call; without ``at`` it has no index."""
    numbered = {} if at is None else {"index": at}
    function = {"name": MADE[0], "arguments": arguments}
    return {**CALL, "id": ident, "function": function, **numbered}


def rest(text: str, at: int | None = None) -> Call:
    """A fragment that goes on with a call."""
    return {"function": {"arguments": text}, **({} if at is None else {"index": at})}


def row(name: str, does: str, *deltas: list[Call], expect: Answer) -> Row:
    """A stream with ``deltas``: the fragments of each update."""
    updates = [update({"tool_calls": fragments}) for fragments in deltas]
    wire = events([FIRST, *updates, update({}, "tool_calls")])
    return stream(name, does, *wire, expect=expect)


def rows() -> Iterator[Row]:
    """All of this kind."""
    halves = [[rest(half, 0)] for half in HALVES]
    yield row("tool call", "Fragments of a call", [begun("a", 0)], *halves, expect=ONCE)
    turns = [[rest(half, at)] for half in HALVES for at in (0, 1)]
    does = "Fragments of two calls in turn"
    two = ([begun("a", 0)], [begun("b", 1)])
    yield row("tool calls in turn", does, *two, *turns, expect=TWICE)
    repeated = [[{**rest(half, 0), "id": "a"}] for half in HALVES]
    does = "Each fragment repeats the id."
    yield row("tool call, id repeated", does, [begun("a", 0)], *repeated, expect=ONCE)

    first, second = begun("a", arguments=ARGUMENTS), begun("b", arguments=ARGUMENTS)
    del first["type"]
    ending = update({"content": "", "tool_calls": [first]}, "tool_calls")
    does = "A whole call without `index` and `type`, in the last update"
    yield stream("tool call, no index", does, *events([FIRST, ending]), expect=ONCE)
    does = "Two whole calls without `index`, in one update"
    yield row("tool calls, no index", does, [first, second], expect=TWICE)
    does = "Two whole calls without `index`, in an update each"
    yield row("tool calls apart, no index", does, [first], [second], expect=TWICE)
    pieces = [[rest(half)] for half in HALVES]
    both = ([begun("a")], *pieces, [begun("b")], *pieces)
    does = "Fragments of two calls without `index`, one after the other"
    yield row("tool fragments, no index", does, *both, expect=TWICE)
    does = "Two whole calls that both say `index: 0`"
    same = ([begun("a", 0, ARGUMENTS)], [begun("b", 0, ARGUMENTS)])
    yield row("tool calls, index always 0", does, *same, expect=TWICE)
